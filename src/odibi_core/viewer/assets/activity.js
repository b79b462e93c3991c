// @ts-nocheck
// The activity of the run beside its steps: captured errors, log, measured operations, costs.
import {choice, h, bidi, section} from "./dom.js";
import {count, duration, plural} from "./format.js";
import {icon} from "./states.js";

const TONES = {debug: "pending", info: "success", warning: "warn", error: "failed", critical: "failed"};

// Returns the sections that have content.
export function drawActivity(activity) {
  return [errors(activity), operations(activity), costs(activity), log(activity)].filter(Boolean);
}

function errors({errors: found, errorCount}) {
  if (!found) return null;
  const more = errorCount > found.length ? `${plural(errorCount, "error")}, ${count(found.length)} different ones shown` : plural(errorCount, "error");
  return section("errors", "Captured errors", more, h("div", {class: "panel errors"}, found.map((error) =>
    h("div", {class: "trouble"},
      h("p", null, icon("failed", 15, true), " ", error.type && bidi(error.type, "strong"), error.type && ": ", bidi(error.message),
        error.uncaught && h("span", {class: "tag is-failed"}, "uncaught"), error.count > 1 && h("span", {class: "tag"}, plural(error.count, "time"))),
      (error.where || error.lastSeen) && h("p", {class: "hint"}, [error.where && `in ${error.where}`, error.lastSeen && `last at ${error.lastSeen} UTC`].filter(Boolean).join(", ")),
      error.traceback && h("details", null, h("summary", null, "Traceback"), bidi(error.traceback, "pre"))))));
}

function operations({operations: found}) {
  if (!found) return null;
  const longest = Math.max(...found.map((operation) => operation.totalMs ?? 0), 1e-9);
  return section("operations", "Measured operations", "Each above its parts; own time is without that of the parts",
    table("operations-table", ["Operation", "Calls", "Total", "Own", "Failed"], found.map((operation) => {
      const name = h("td", null, bidi(operation.name)), share = h("span", {class: "operation-bar", "aria-hidden": "true"});
      name.style.paddingInlineStart = `${16 + 20 * operation.depth}px`;
      share.style.width = `${(100 * (operation.totalMs ?? 0)) / longest}%`;
      name.append(share);
      return h("tr", null, name, number(operation.calls), time(operation.totalMs), time(operation.selfMs),
        h("td", {class: `number ${operation.failures ? "bad" : ""}`}, operation.failures ? count(operation.failures) : ""));
    })));
}

function costs({cost}) {
  if (!cost) return null;
  return section("costs", "Costs", `${cost.total} estimated${cost.note ? `, ${cost.note}` : ""}`,
    table("costs-table", ["Operation", "Calls", "Estimated cost"], cost.rows.map(([name, calls, usd]) =>
      h("tr", null, h("td", null, bidi(name)), number(calls), h("td", {class: "number"}, usd)))));
}

function log({log: lines_, lines, levels}) {
  if (!lines_) return null;
  const body = h("tbody"), troubled = lines_.filter((line) => TONES[line.level] === "warn" || TONES[line.level] === "failed");
  const show = (which) => body.replaceChildren(...(which === "all" ? lines_ : troubled).map(row));
  const tools = troubled.length > 0 && troubled.length < lines_.length &&
    choice("Lines", [["all", "All lines"], ["trouble", `Warnings and errors ${count(troubled.length)}`]], "all", show);
  show("all");
  const note = lines > lines_.length ? `The last ${count(lines_.length)} of ${plural(lines, "line")}` : plural(lines, "line");
  const byLevel = Object.entries(levels ?? {}).map(([level, number_]) => `${count(number_)} ${level}`).join(", ");
  return section("log", "Log", byLevel ? `${note}: ${byLevel}` : note, h("div", {class: "panel log-panel"}, tools && h("div", {class: "tools"}, tools),
    h("div", {class: "scroll"}, h("table", {class: "table log"}, head(["Time", "Level", "Line"]), body))));
}

function row(line) {
  return h("tr", {class: `level-${line.level}`}, h("td", {class: "number"}, line.time ?? ""),
    h("td", {class: "level"}, icon(TONES[line.level], 13), ` ${line.level}`),
    h("td", null, line.from && h("span", {class: "hint"}, bidi(line.from), " "), line.event && bidi(line.event, "strong"), line.event && line.message && " ",
      line.message && bidi(line.message), (line.fields ?? []).map(([name, value]) => h("code", null, bidi(`${name}=${value}`))),
      line.within && h("span", {class: "hint"}, " in ", bidi(line.within))));
}

function table(kind, names, rows) {
  return h("div", {class: "scroll panel"}, h("table", {class: `table ${kind}`}, head(names), h("tbody", null, rows)));
}

function head(names) {
  return h("thead", null, h("tr", null, names.map((name) => h("th", {scope: "col", class: ["Calls", "Total", "Own", "Failed", "Estimated cost"].includes(name) ? "number" : null}, name))));
}

function number(value) {
  return h("td", {class: "number"}, value === undefined ? "–" : count(value));
}

function time(value) {
  return h("td", {class: "number"}, value === undefined ? "–" : duration(value));
}
