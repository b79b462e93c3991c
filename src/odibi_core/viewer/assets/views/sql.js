// The view of a query: one SELECT, the questions and the tables beside it, and the answer as a table and bars.
import {h, bidi, section, copyButton, downloadButton, columnHead, scrolledTable} from "../dom.js";
import {count, duration, plural} from "../format.js";
import {drawPage} from "../shell.js";
import {pageHead, searchField} from "../listing.js";
import {barList} from "../lines.js";

/** @typedef {import("../types.js").Services} Services */

const NUMBERS = /INT|DOUBLE|FLOAT|DECIMAL|HUGEINT/,
  MOST_BARS = 40;

/**
 * @param {HTMLElement} root
 * @param {any} reference the questions, tables and macros, with `asked`, the query of the address
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, reference, services) {
  const answer = h("div", {id: "answer", "aria-live": "polite"});
  const text = h("textarea", {
    class: "query",
    rows: "6",
    spellcheck: "false",
    "aria-label": "Query",
    keydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        run();
      }
    },
  });
  text.value =
    reference.asked?.query ??
    "select pipeline_name, status, count(*) as runs\nfrom runs group by all order by runs desc";
  const run = async () => {
    button.disabled = true;
    answer.replaceChildren(h("p", {class: "hint"}, "Asking …"));
    try {
      services.remember?.({query: text.value});
      answer.replaceChildren(...answerOf(await services.fetchJson?.("sql", {query: text.value}), services));
    } catch (error) {
      answer.replaceChildren(
        h("p", {class: "trouble", role: "alert"}, bidi(String(/** @type {Error} */ (error).message))),
      );
    }
    button.disabled = false;
  };
  const button = h("button", {type: "button", class: "primary", click: run}, "Ask");
  /** @param {string} query */
  const put = (query) => {
    text.value = query;
    text.focus();
    run();
  };
  drawPage(
    root,
    {
      kind: "SQL",
      parts: [
        ["answer", "Answer"],
        ["questions", "Questions"],
        ["tables", "Tables"],
      ],
      main: [
        pageHead(
          "SQL",
          "One SELECT over the tables of all runs, in a process of its own. The address of this page has the query: share it.",
        ),
        text,
        h("div", {class: "tools"}, button, h("span", {class: "hint"}, "Ctrl+Enter")),
        answer,
        questions(reference.questions, put),
        tables(reference.tables, reference.macros),
      ],
    },
    services,
  );
  if (reference.asked?.query) run();
  return {update: () => {}};
}

/** @param {any} found @param {Services} services */
function answerOf(found, services) {
  const numbers = found.types.map((/** @type {string} */ type) => NUMBERS.test(type));
  const runAt = found.columns.indexOf("run_id"),
    first = numbers.indexOf(true),
    name = numbers.indexOf(false);
  /** @type {Array<[string, number]>} */
  const bars =
    first < 0 || name < 0
      ? []
      : found.rows
          .slice(0, MOST_BARS)
          .map((/** @type {any[]} */ row) => [String(row[name] ?? "–"), Number(row[first] ?? 0)]);
  const notes = [
    `${plural(found.rows.length, "row")}${found.more ? ", and more that are left out" : ""} in ${duration(found.duration_ms)}`,
    ...found.notices,
    found.unreadable ? `${plural(found.unreadable, "line")} could not be read` : "",
  ].filter(Boolean);
  /** @param {any} value @param {number} place */
  const cell = (value, place) =>
    value === null
      ? h("span", {class: "null"}, "null")
      : place === runAt && services.link?.("run", value)
        ? h("a", {href: services.link("run", value)}, String(value))
        : numbers[place] && typeof value === "number"
          ? Number.isInteger(value)
            ? count(value)
            : String(value)
          : bidi(value);
  return [
    h(
      "div",
      {class: "tools"},
      h("p", {class: "hint"}, notes.join(" · ")),
      downloadButton(
        "answer.json",
        () =>
          JSON.stringify(
            found.rows.map((/** @type {any[]} */ row) =>
              Object.fromEntries(
                found.columns.map((/** @type {string} */ column, /** @type {number} */ place) => [column, row[place]]),
              ),
            ),
          ),
        "Save as JSON",
      ),
      h("span", {class: "hint"}, "Address "),
      copyButton(location.href, "Copy the address of this answer"),
    ),
    found.rows.length === 0
      ? ""
      : scrolledTable(
          "Answer",
          "table data",
          found.columns.map((/** @type {string} */ column, /** @type {number} */ place) =>
            columnHead(column, numbers[place], found.types[place]),
          ),
          h(
            "tbody",
            null,
            found.rows.map((/** @type {any[]} */ row) =>
              h(
                "tr",
                null,
                row.map((value, place) => h("td", {class: numbers[place] ? "number" : null}, cell(value, place))),
              ),
            ),
          ),
        ),
    bars.length < 2
      ? ""
      : h(
          "section",
          {class: "panel bars-panel"},
          h("h2", {class: "unseen"}, "Bars"),
          h(
            "p",
            {class: "hint"},
            `${found.columns[first]} by ${found.columns[name]}${found.rows.length > MOST_BARS ? `, the first ${MOST_BARS} rows` : ""}`,
          ),
          barList(found.columns[first], bars, count),
        ),
  ];
}

/** @param {any[]} all @param {(query: string) => void} put */
function questions(all, put) {
  const list = h("div", {class: "panel questions"});
  /** @param {string} text */
  const show = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((one) =>
      words.every((word) => `${one.section} ${one.question} ${one.sql}`.toLowerCase().includes(word)),
    );
    list.replaceChildren(
      ...found.map((one) =>
        h(
          "div",
          {class: "question"},
          h("button", {type: "button", class: "link", click: () => put(one.sql.trim())}, one.question),
          h("span", {class: "hint"}, ` ${one.section}`),
        ),
      ),
    );
  };
  show("");
  return section(
    "questions",
    "Questions",
    "Choose one to ask it",
    h("div", {class: "tools"}, searchField("Search questions", "", show)),
    list,
  );
}

/** @param {any[]} all @param {any[]} macros */
function tables(all, macros) {
  return section(
    "tables",
    "Tables",
    "Every column",
    h(
      "div",
      {class: "panel questions"},
      all.map((table) =>
        h(
          "details",
          null,
          h("summary", null, h("code", null, table.name), ` a row for each ${table.row}`),
          h(
            "dl",
            {class: "pairs"},
            table.columns.map((/** @type {any} */ column) =>
              h(
                "div",
                null,
                h("dt", null, h("code", null, column.name), " ", h("small", null, column.type.toLowerCase())),
                h("dd", null, column.meaning),
              ),
            ),
          ),
        ),
      ),
      h(
        "details",
        null,
        h("summary", null, "Macros"),
        h(
          "dl",
          {class: "pairs"},
          macros.map((macro) =>
            h("div", null, h("dt", null, h("code", null, macro.signature)), h("dd", null, macro.meaning)),
          ),
        ),
      ),
    ),
  );
}
