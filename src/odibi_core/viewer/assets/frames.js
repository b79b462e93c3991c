// A frame: its size, its columns, and a sample of its rows.
import {h, bidi, columnHead, scrolledTable} from "./dom.js";
import {count, plural} from "./format.js";
import {columnName} from "./lineage.js";

/** @typedef {import("./types.js").Frame} Frame */

const FEW_COLUMNS = 14;
const SEARCHED = 6; // rows from which a sample has a search

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
        h("summary", null, `Sample: the first ${plural(frame.sample.length, "row")}`),
        sample(frame, title),
      ),
    !frame.stats && frame.statsSkipped && h("p", {class: "hint"}, "No statistics: ", bidi(frame.statsSkipped)),
  );
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

/** @param {Frame} frame @param {string} title */
function sample(frame, title) {
  const columns = frame.sampleColumns ?? [],
    rows = frame.sample ?? [],
    body = h("tbody");
  /** @param {import("./types.js").Value[][]} shown */
  const show = (shown) => body.replaceChildren(...shown.map((row) => h("tr", null, row.map(cell))));
  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: "Find in the sample",
    "aria-label": `Find in the sample: ${title} ${frame.name ?? ""}`,
    input: () => {
      const words = search.value.trim().toLowerCase();
      show(rows.filter((row) => row.some((value) => String(value).toLowerCase().includes(words))));
    },
  });
  show(rows);
  return [
    rows.length >= SEARCHED && h("div", {class: "tools"}, search),
    scrolledTable(
      `Sample: ${title} ${frame.name ?? ""}`,
      "table data",
      columns.map((name) => columnHead(bidi(name))),
      body,
      "scroll",
    ),
    frame.moreSampleColumns && h("p", {class: "hint"}, `and ${plural(frame.moreSampleColumns, "more column")}`),
  ];
}

/** @param {import("./types.js").Value} value */
function cell(value) {
  if (value === null) return h("td", {class: "null"}, "null");
  return bidi(value, "td", typeof value === "number" ? "number" : null);
}
