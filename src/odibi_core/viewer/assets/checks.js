// All checks of the run in one table: first the failed ones, then those that could not be checked.
import {h, bidi, section, columnHead, scrolledTable} from "./dom.js";
import {count, plural} from "./format.js";
import {icon} from "./states.js";

/** @typedef {import("./types.js").Check} Check */
/** @typedef {import("./types.js").Step} Step */
/** @typedef {(index: number) => void} Pick */

const FIRST = 25;

/** @param {Step[]} steps @param {Pick} pick */
export function drawChecks(steps, pick) {
  const rows = steps.flatMap((step, index) => (step.checks ?? []).map((check) => ({check, index, name: step.name})));
  if (rows.length === 0) return null;
  rows.sort((a, b) => weight(a.check) - weight(b.check));
  const body = h(
    "tbody",
    null,
    rows.slice(0, FIRST).map((row) => line(row, pick)),
  );
  const more = h(
    "button",
    {
      type: "button",
      class: "more",
      click: () => {
        body.append(...rows.slice(FIRST).map((row) => line(row, pick)));
        more.remove();
      },
    },
    `Show all ${count(rows.length)} checks`,
  );
  return section(
    "checks",
    "Data quality",
    summary(rows.map((row) => row.check.result)),
    scrolledTable(
      "Checks",
      "table checks",
      ["Result", "Check", "Step", "Failed rows", "Details"].map((text) => columnHead(text, text === "Failed rows")),
      body,
    ),
    rows.length > FIRST && more,
  );
}

/** @param {string[]} results */
function summary(results) {
  const failed = results.filter((result) => result === "failed").length;
  const unchecked = results.filter((result) => result === "unchecked").length;
  const parts = [failed && `${count(failed)} failed`, unchecked && `${count(unchecked)} could not be checked`].filter(
    Boolean,
  );
  if (parts.length) return `${parts.join(", ")} of ${plural(results.length, "check")}`;
  return results.length === 1 ? "1 check passed" : `All ${count(results.length)} checks passed`;
}

/** @type {Record<string, [string, string]>} */
const VERDICTS = {
  passed: ["success", "Passed"],
  unchecked: ["unknown", "Not checked"],
  error: ["failed", "Failed"],
  warn: ["warn", "Failed (warning)"],
};
const WORST_FIRST = ["failed", "warn", "unknown", "success"];

/** @param {Check} check */
function weight(check) {
  return WORST_FIRST.indexOf(verdictOf(check)[0]);
}

/**
 * Return the state of a check as an icon has it, and its word.
 * @param {Check} check
 */
export function verdictOf(check) {
  return VERDICTS[check.result === "failed" ? check.severity : check.result];
}

/** @param {{check: Check, index: number, name: string}} row @param {Pick} pick */
function line({check, index, name}, pick) {
  const [state, word] = verdictOf(check);
  return h(
    "tr",
    null,
    h("td", {class: `result is-${state}`}, icon(state), ` ${word}`),
    h(
      "td",
      null,
      bidi(check.check, "span", "strong"),
      check.column && bidi(check.column, "code"),
      check.contract && h("small", null, " ", bidi(check.contract, "span")),
    ),
    h("td", null, h("button", {type: "button", class: "link", dir: "auto", click: () => pick(index)}, name)),
    h("td", {class: "number"}, share(check)),
    h("td", {class: "found"}, check.message && bidi(check.message, "p"), examples(check)),
  );
}

/** @param {Check} check */
export function share(check) {
  if (check.failedRows === undefined) return "–";
  const total = check.totalRows;
  const percent = total ? (100 * check.failedRows) / total : null;
  return [
    count(check.failedRows),
    total ? ` of ${count(total)}` : "",
    percent ? h("small", null, ` ${percent < 0.01 ? "<0.01" : percent.toFixed(percent < 10 ? 2 : 0)} %`) : null,
  ];
}

/** @param {Check} check */
export function examples(check) {
  if (!check.examples || (check.result === "passed" && !check.failedRows)) return null;
  return h(
    "p",
    {class: "examples"},
    "e.g. ",
    check.examples
      .slice(0, 5)
      .map((value, index) => [index ? " " : null, bidi(value === null ? "null" : value, "code")]),
  );
}
