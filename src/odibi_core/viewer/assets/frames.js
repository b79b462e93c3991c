// A frame: its size, its columns, and a sample of its rows.
import {h, bidi, columnHead, scrolledTable} from "./dom.js";
import {count, plural} from "./format.js";
import {columnName} from "./lineage.js";

/** @typedef {import("./types.js").Frame} Frame */

const FEW_COLUMNS = 14;
const SEARCHED = 12; // cells from which a sample has a search

/**
 * @param {string} title
 * @param {Frame} frame
 * @param {import("./types.js").Step["diff"]} [diff]
 */
export function drawFrame(title, frame, diff) {
  return h(
    "section",
    {class: "frame"},
    h("h3", null, title, frame.name && [" ", bidi(frame.name, "code")], h("span", {class: "size"}, sizeOf(frame))),
    frame.changed && h("p", {class: "hint"}, "Changed in place by a later step."),
    frame.notDescribed && h("p", {class: "hint"}, "Not described: ", bidi(frame.notDescribed)),
    frame.schema && schema(frame, diff),
    frame.sample &&
      h(
        "details",
        {class: "sample"},
        h("summary", null, `Sample: the first ${plural(frame.sample.length, "row")}${changedIn(frame)}`),
        sample(frame, title),
      ),
    !frame.stats && frame.statsSkipped && h("p", {class: "hint"}, "No statistics: ", bidi(frame.statsSkipped)),
  );
}

/** @param {Frame} frame */
function changedIn({was = []}) {
  const changed = was.reduce((sum, row) => sum + Object.keys(row).length, 0);
  return changed > 0 ? `, ${plural(changed, "changed cell")}` : "";
}

/** @param {Frame} frame */
function sizeOf(frame) {
  return [
    frame.rows === undefined ? null : plural(frame.rows, "row"),
    frame.columns === undefined ? null : plural(frame.columns, "column"),
  ]
    .filter(Boolean)
    .join(" × ");
}

/** @param {Frame} frame @param {import("./types.js").Step["diff"]} diff */
function schema(frame, diff) {
  const added = new Set(diff?.added),
    changed = new Set((diff?.changed ?? []).map(([name]) => name));
  const renamed = new Map((diff?.renamed ?? []).map(([before, after]) => [after, before])),
    columns = frame.schema ?? [];
  /** @param {[string, string]} column */
  const item = ([name, type]) =>
    h(
      "li",
      {
        class: added.has(name) ? "added" : changed.has(name) ? "changed" : renamed.has(name) ? "renamed" : null,
        title: renamed.has(name) ? `renamed from ${renamed.get(name)}` : null,
      },
      frame.linked ? columnName(frame.name ?? "", name) : bidi(name === "" ? "(no name)" : name, "span", "column"),
      bidi(type, "span", "type"),
    );
  const list = h("ul", {class: "schema"}, columns.slice(0, FEW_COLUMNS).map(item)),
    hidden = columns.length - FEW_COLUMNS,
    unknown = (frame.columns ?? 0) - columns.length;
  const rest = unknown > 0 ? h("li", {class: "rest"}, `and ${count(unknown)} more columns`) : null;
  if (hidden > 0) {
    const more = h(
      "li",
      {class: "rest"},
      h(
        "button",
        {
          type: "button",
          class: "link",
          click: () => {
            more.remove();
            list.append(...columns.slice(FEW_COLUMNS).map(item), ...(rest ? [rest] : []));
          },
        },
        plural(hidden, "more column"),
      ),
    );
    list.append(more);
  } else if (rest) list.append(rest);
  return list;
}

/**
 * Return the sample with a search: its rows with a text, or its columns with that name.
 * @param {Frame} frame
 * @param {string} title
 */
function sample(frame, title) {
  const {sampleColumns: columns = [], sample: rows = []} = frame,
    name = `${title} ${frame.name ?? ""}`.trim(),
    table = h("div"),
    outcome = h("span", {class: "hint", role: "status"});
  const show = () => {
    const word = search.value.trim().toLowerCase(),
      has = (/** @type {unknown} */ text) => word !== "" && String(text).toLowerCase().includes(word);
    const named = columns.flatMap((column, place) => (has(column) ? place : [])),
      hits = rows.flatMap((row, place) => (row.some(has) ? place : []));
    const places =
        named.length > 0
          ? columns.flatMap((column, place) => (has(column) || rows.some((row) => has(row[place])) ? place : []))
          : [...columns.keys()],
      found = word && (hits.length > 0 || named.length === 0) ? hits : [...rows.keys()];
    outcome.textContent = word
      ? `${plural(found.length, "row")}, ${plural(found.length > 0 ? places.length : 0, "column")}`
      : "";
    table.replaceChildren(
      scrolledTable(
        `Sample: ${name}`,
        "table data",
        places.map((place) => columnHead(bidi(columns[place]))),
        h(
          "tbody",
          null,
          found.map((row) =>
            h(
              "tr",
              null,
              places.map((place) => cell(rows[row][place], frame.was?.[row]?.[place], has(rows[row][place]))),
            ),
          ),
        ),
        "scroll",
      ),
    );
  };
  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: "Find in the sample",
    "aria-label": `Find in the sample: ${name}`,
    input: show,
  });
  show();
  return [
    rows.length * columns.length >= SEARCHED && h("div", {class: "tools"}, search, outcome),
    frame.was &&
      h("p", {class: "hint"}, "Struck through: the value in the input. Rows are matched by ", matchedBy(frame), "."),
    table,
    frame.moreSampleColumns && h("p", {class: "hint"}, `and ${plural(frame.moreSampleColumns, "more column")}`),
  ];
}

/** @param {Frame} frame */
function matchedBy({matched}) {
  return matched === "place" ? "their place" : bidi(matched, "code");
}

/**
 * @param {import("./types.js").Value} value
 * @param {import("./types.js").Value | undefined} was the value before, if the step changed it
 * @param {boolean} isFound
 */
function cell(value, was, isFound) {
  const kind = [
    value === null ? "null" : typeof value === "number" && "number",
    was !== undefined && "was-changed",
    isFound && "is-found",
  ];
  const element = bidi(value === null ? "null" : value, "td", kind.filter(Boolean).join(" ") || null);
  if (was !== undefined)
    element.append(
      " ",
      h(
        "del",
        {class: "was-value"},
        h("span", {class: "unseen"}, "was "),
        bidi(was === null ? "null" : was === "" ? "(empty)" : was),
      ),
    );
  return element;
}
