// The view of a query: one SELECT, the questions and the tables beside it, and the answer as a table, bars or a timeline.
import {h, bidi, choice, section, copyButton, downloadButton, columnHead, scrolledTable} from "../dom.js";
import {count, duration, plural} from "../format.js";
import {drawPage} from "../shell.js";
import {drawLanes, hasLanes} from "../lanes.js";
import {linked, pageHead, searchField} from "../listing.js";
import {barList} from "../lines.js";

/** @typedef {import("../types.js").Services} Services */

const NUMBERS = /INT|DOUBLE|FLOAT|DECIMAL|HUGEINT/,
  MOST_BARS = 40;
const VIEWS = /** @type {Array<[string, string]>} */ ([
  ["table", "Table"],
  ["timeline", "Timeline"],
]);
const EXAMPLE = [
  "select started as start, duration_ms / 1000 as duration, node_name as name, pipeline_name as lane, run_id",
  "from nodes where duration_ms is not null order by started desc limit 300",
].join("\n");

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
  let view = reference.asked?.view === "timeline" ? "timeline" : "table",
    asked = "";
  const share = () => services.remember?.({query: asked, view: view === "table" ? "" : view});
  /** @param {Found} found */
  const show = (found) => {
    share();
    answer.replaceChildren(
      ...answerOf(found, services, {
        view,
        choose: (chosen) => {
          view = chosen;
          show(found);
          /** @type {HTMLElement | null} */ (answer.querySelector(`[data-value="${view}"]`))?.focus();
        },
      }),
    );
  };
  const run = async () => {
    button.disabled = true;
    answer.replaceChildren(h("p", {class: "hint"}, "Asking …"));
    asked = text.value;
    try {
      share();
      show(await services.fetchJson?.("sql", {query: asked}));
    } catch (error) {
      answer.replaceChildren(
        h("p", {class: "trouble", role: "alert"}, bidi(String(/** @type {Error} */ (error).message))),
      );
    }
    button.disabled = false;
  };
  const button = h("button", {type: "button", class: "primary", click: run}, "Ask");
  /** @param {string} query @param {string} [as] */
  const put = (query, as = "table") => {
    text.value = query;
    view = as;
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
        h(
          "div",
          {class: "tools"},
          button,
          h("span", {class: "hint"}, "Ctrl+Enter"),
          h(
            "span",
            {class: "hint query-hint"},
            "An answer with ",
            [h("code", null, "start"), ", ", h("code", null, "duration"), " (seconds or an interval), "],
            [h("code", null, "name"), " and perhaps ", h("code", null, "lane")],
            " is also a timeline: ",
            h("button", {type: "button", class: "link", click: () => put(EXAMPLE, "timeline")}, "an example"),
          ),
        ),
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

/** @typedef {{columns: string[], types: string[], rows: any[][], more: boolean, duration_ms: number, notices: string[], unreadable: number}} Found */

/**
 * Return the parts of an answer.
 * @param {Found} found
 * @param {Services} services
 * @param {{view: string, choose: (view: string) => void}} how `choose` draws it as a table or as a timeline
 */
function answerOf(found, services, {view, choose}) {
  const notes = [
    `${plural(found.rows.length, "row")}${found.more ? ", and more that are left out" : ""} in ${duration(found.duration_ms)}`,
    ...found.notices,
    found.unreadable ? `${plural(found.unreadable, "line")} could not be read` : "",
  ].filter(Boolean);
  const tools = h(
    "div",
    {class: "tools"},
    hasLanes(found) && choice("Show the answer as", VIEWS, view, choose),
    h("p", {class: "hint"}, notes.join(" · ")),
    downloadButton("answer.json", () => JSON.stringify(records(found)), "Save as JSON"),
    h("span", {class: "hint"}, "Address "),
    copyButton(location.href, "Copy the address of this answer"),
  );
  if (found.rows.length === 0) return [tools];
  const runAt = found.columns.indexOf("run_id"),
    address = (/** @type {any[]} */ row) => (runAt < 0 ? null : (services.link?.("run", row[runAt]) ?? null));
  if (hasLanes(found) && view === "timeline") return [tools, drawLanes(found, address)];
  return [tools, tableOf(found, runAt, address), ...barsOf(found)];
}

/** @param {Found} found */
function records({columns, rows}) {
  return rows.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place]])));
}

/** @param {Found} found */
function numbersIn({types}) {
  return types.map((type) => NUMBERS.test(type));
}

/** @param {Found} found @param {number} runAt the place of the run's id @param {(row: any[]) => string | null} address */
function tableOf(found, runAt, address) {
  const numbers = numbersIn(found);
  /** @param {any[]} row @param {number} place */
  const cell = (row, place) => {
    const value = row[place];
    if (value === null) return h("span", {class: "null"}, "null");
    if (place === runAt) return linked(address(row), String(value));
    if (numbers[place] && typeof value === "number") return Number.isInteger(value) ? count(value) : String(value);
    return bidi(value);
  };
  return scrolledTable(
    "Answer",
    "table data",
    found.columns.map((column, place) => columnHead(column, numbers[place], found.types[place])),
    h(
      "tbody",
      null,
      found.rows.map((row) =>
        h(
          "tr",
          null,
          row.map((_, place) => h("td", {class: numbers[place] ? "number" : null}, cell(row, place))),
        ),
      ),
    ),
  );
}

/**
 * Return bars of the first number by the first other column; of rows without a number none.
 * @param {Found} found
 */
function barsOf(found) {
  const numbers = numbersIn(found),
    first = numbers.indexOf(true),
    name = numbers.indexOf(false);
  if (first < 0 || name < 0) return [];
  const shown = found.rows.slice(0, MOST_BARS),
    known = shown.filter((row) => row[first] !== null);
  if (known.length < 2) return [];
  const bars = known.map((row) => /** @type {[string, number]} */ ([String(row[name] ?? "null"), Number(row[first])])),
    notes = [
      `${found.columns[first]} by ${found.columns[name]}`,
      found.rows.length > MOST_BARS && `the first ${MOST_BARS} rows`,
      known.length < shown.length && `${plural(shown.length - known.length, "row")} without a number`,
    ];
  return [
    h(
      "section",
      {class: "panel bars-panel"},
      h("h2", {class: "unseen"}, "Bars"),
      h("p", {class: "hint"}, notes.filter(Boolean).join(", ")),
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
