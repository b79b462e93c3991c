// @ts-nocheck
// A frame: its size, its columns, and a sample of its rows.
import {h, bidi} from "./dom.js";
import {count, plural} from "./format.js";
import {columnName} from "./lineage.js";

const FEW_COLUMNS = 14;

export function drawFrame(title, frame, diff) {
  return h("section", {class: "frame"},
    h("h4", null, title, frame.name && [" ", bidi(frame.name, "code")],
      h("span", {class: "size"}, size(frame))),
    frame.changed && h("p", {class: "hint"}, "Changed in place by a later step."),
    frame.notDescribed && h("p", {class: "hint"}, "Not described: ", bidi(frame.notDescribed)),
    frame.schema && schema(frame, diff),
    frame.sample && h("details", {class: "sample"},
      h("summary", null, `Sample: the first ${plural(frame.sample.length, "row")}`), sample(frame)),
    !frame.stats && frame.statsSkipped && h("p", {class: "hint"}, "No statistics: ", bidi(frame.statsSkipped)));
}

function size(frame) {
  return [frame.rows === undefined ? null : plural(frame.rows, "row"),
    frame.columns === undefined ? null : plural(frame.columns, "column")].filter(Boolean).join(" × ");
}

function schema(frame, diff) {
  const added = new Set(diff?.added), changed = new Set((diff?.changed ?? []).map(([name]) => name));
  const item = ([name, type]) => h("li", {class: added.has(name) ? "added" : changed.has(name) ? "changed" : null},
    frame.linked ? columnName(frame.name, name) : bidi(name === "" ? "(no name)" : name, "span", "column"), bidi(type, "span", "type"));
  const list = h("ul", {class: "schema"}, frame.schema.slice(0, FEW_COLUMNS).map(item));
  const hidden = frame.schema.length - FEW_COLUMNS;
  const unknown = (frame.columns ?? 0) - frame.schema.length;
  const rest = unknown > 0 ? h("li", {class: "rest"}, `and ${count(unknown)} more columns`) : null;
  if (hidden <= 0) {
    if (rest) list.append(rest);
    return list;
  }
  list.append(h("li", {class: "rest"}, h("button", {type: "button", class: "link", click: (event) => {
    event.currentTarget.parentElement.remove();
    list.append(...frame.schema.slice(FEW_COLUMNS).map(item), ...(rest ? [rest] : []));
  }}, `${plural(hidden, "more column")}`)));
  return list;
}

function sample(frame) {
  const columns = frame.sampleColumns ?? [];
  return h("div", {class: "scroll"}, h("table", {class: "table data"},
    h("thead", null, h("tr", null, columns.map((name) => bidi(name, "th")))),
    h("tbody", null, frame.sample.map((row) => h("tr", null, row.map(cell))))),
  frame.moreSampleColumns && h("p", {class: "hint"}, `and ${plural(frame.moreSampleColumns, "more column")}`));
}

function cell(value) {
  if (value === null) return h("td", {class: "null"}, "null");
  return bidi(value, "td", typeof value === "number" ? "number" : null);
}
