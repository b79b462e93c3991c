// The log of a run: its last lines, filtered by level and text, and built as they come into view.
import {bidi, choice, h, listen, section, columnHead, scrolledTable} from "./dom.js";
import {count, plural} from "./format.js";
import {icon} from "./states.js";

/** @typedef {import("./types.js").LogLine} LogLine */

/** @type {Record<string, string>} */
const TONES = {debug: "pending", info: "success", warning: "warn", error: "failed", critical: "failed"};
const CHUNK = 200;

/** @param {import("./types.js").Activity} activity @param {import("./types.js").Memory} memory */
export function drawLog({log: kept, lines = 0, levels = {}}, memory) {
  if (!kept) return null;
  const body = h("tbody"),
    outcome = h("span", {class: "hint", role: "status"});
  const texts = kept.map((line) =>
    [line.level, line.event, line.message, line.from, line.within, ...(line.fields ?? []).flat()]
      .filter(Boolean)
      .join("\n")
      .toLowerCase(),
  );
  let {level, words} = memory.log ?? {level: "all", words: ""},
    found = kept,
    first = 0;
  const more = h("button", {type: "button", class: "more", click: () => grow()}, "Earlier lines");
  const grow = () => {
    const next = Math.max(0, first - CHUNK);
    body.prepend(...found.slice(next, first).map(row));
    first = next;
    more.hidden = first === 0;
  };
  const show = () => {
    memory.log = {level, words};
    found = kept.filter(
      (line, place) =>
        (level === "all" || TONES[line.level] === "warn" || TONES[line.level] === "failed") &&
        (!words || texts[place].includes(words)),
    );
    outcome.textContent =
      found.length === kept.length ? "" : `${count(found.length)} of ${plural(kept.length, "line")}`;
    body.replaceChildren();
    first = found.length;
    grow();
  };
  const troubled = kept.filter((line) => TONES[line.level] === "warn" || TONES[line.level] === "failed").length;
  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: "Find in the log",
    "aria-label": "Find in the log",
    input: () => {
      words = search.value.trim().toLowerCase();
      show();
    },
  });
  const tools =
    troubled > 0 &&
    troubled < kept.length &&
    choice(
      "Lines",
      [
        ["all", "All lines"],
        ["trouble", `Warnings and errors ${count(troubled)}`],
      ],
      level,
      (value) => {
        level = value;
        show();
      },
    );
  search.value = words;
  show();
  listen("beforeprint", () => {
    while (!more.hidden) grow();
  });
  const note =
    lines > kept.length
      ? `The last ${count(kept.length)} of ${plural(lines, "line")}`
      : plural(lines || kept.length, "line");
  const byLevel = Object.entries(levels)
    .map(([name, number]) => `${count(number)} ${name}`)
    .join(", ");
  return section(
    "log",
    "Log",
    byLevel ? `${note}: ${byLevel}` : note,
    h(
      "div",
      {class: "panel log-panel"},
      h("div", {class: "tools"}, kept.length > 5 && search, tools, outcome),
      more,
      table("Lines of the log", body),
    ),
  );
}

/** @param {string} label @param {HTMLTableSectionElement} body */
function table(label, body) {
  const heads = ["Time", "Level", "Line"].map((name) => columnHead(name));
  return scrolledTable(label, "table log", heads, body, "scroll");
}

/**
 * Return lines of a log as a table.
 * @param {LogLine[]} lines
 * @param {string} name for screen readers
 */
export function logTable(lines, name) {
  return table(name, h("tbody", null, lines.map(row)));
}

/** @param {LogLine} line */
function row(line) {
  return h(
    "tr",
    {class: `level-${line.level}`},
    h("td", {class: "number"}, line.time ?? ""),
    h("td", {class: "level"}, icon(TONES[line.level], 13), ` ${line.level}`),
    h(
      "td",
      null,
      line.from && h("span", {class: "hint"}, bidi(line.from), " "),
      line.event && bidi(line.event, "strong"),
      line.event && line.message && " ",
      line.message && bidi(line.message),
      (line.fields ?? []).map(([name, value]) => h("code", null, bidi(`${name}=${value}`))),
      line.within && h("span", {class: "hint"}, " in ", bidi(line.within)),
    ),
  );
}
