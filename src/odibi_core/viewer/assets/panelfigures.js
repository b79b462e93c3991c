// The figures of a step in its panel, and its rows before and after as bars.
import {h, bidi} from "./dom.js";
import {count, duration, plural, signed, size, usd} from "./format.js";
import {usualRange} from "./past.js";
import {label} from "./states.js";

/** @typedef {import("./types.js").Step} Step */

/**
 * Return the rows that a step made beyond those of its input, negative if fewer; null if that is unknown.
 * @param {Step} step
 */
export function changeOf({delta, rows, rowsBefore: [before, ...others] = []}) {
  if (delta !== undefined) return delta;
  return rows === undefined || typeof before !== "number" || others.length > 0 ? null : rows - before;
}

/**
 * The rows before and after as bars, with the lost ones; of an unknown number there is no bar.
 * @param {Step} step
 */
export function flow(step) {
  const before = step.rowsBefore ?? [],
    total = before.reduce((/** @type {number} */ sum, rows) => sum + (rows ?? 0), 0);
  if (before.length === 0 || step.rows === undefined) return null;
  const most = Math.max(total, step.rows, 1);
  /** @param {string} name @param {number | null} rows @param {string} tone @param {number} lost */
  const bar = (name, rows, tone, lost = 0) => {
    const kept = h("span", {class: `flow-bar ${tone}`}),
      gone = h("span", {class: "flow-bar lost"});
    if (rows !== null) kept.style.width = `${(100 * (rows - lost)) / most}%`;
    gone.style.width = `${(100 * lost) / most}%`;
    return h(
      "div",
      {class: "flow-line"},
      h("span", {class: "hint"}, name),
      h("span", {class: "flow-track", "aria-hidden": "true"}, kept, gone),
      h("strong", null, rows === null ? "unknown" : count(rows)),
    );
  };
  const lost = before.length === 1 ? Math.min(step.lost ?? 0, total) : 0;
  return h(
    "section",
    {class: "flow"},
    h("h3", null, "Before → after"),
    before.slice(0, 6).map((rows, place) => bar(before.length === 1 ? "in" : `in ${place + 1}`, rows, "in", lost)),
    bar("out", step.rows, "out"),
    (step.lost ?? 0) > 0 && h("p", {class: "hint"}, `${plural(step.lost ?? 0, "row")} lost`),
  );
}

/**
 * Return the known part of a cost, with `≥` if another part is unknown.
 * @param {{usd: number | null, unknown?: number}} cost
 */
export function costKnown({usd: amount, unknown}) {
  return `${amount !== null && unknown ? "≥ " : ""}${usd(amount)}`;
}

/**
 * Return the cost of a step with its calls and bytes; a cost that is unknown is stated.
 * @param {NonNullable<Step["cost"]>} cost
 */
function costOf({usd: amount, calls, unknown = 0, processed, billed}) {
  const notes = [
    plural(calls, "call"),
    amount !== null && unknown > 0 && `${count(unknown)} of unknown cost`,
    processed !== undefined && `${size(processed)} processed`,
    billed !== undefined && `${size(billed)} billed`,
  ];
  return [costKnown({usd: amount, unknown}), h("small", null, ` ${notes.filter(Boolean).join(", ")}`)];
}

/** @param {Step} step */
export function figures(step) {
  const usual = usualRange(step, 3),
    delta = changeOf(step);
  /** @type {Array<[string, any]>} */
  const facts = [
    ["State", label(step.state)],
    [
      "Duration",
      step.durationMs === undefined
        ? null
        : [
            duration(step.durationMs),
            usual && h("small", null, ` usually ${duration(usual[0])} to ${duration(usual[2])}`),
          ],
    ],
    ["Started", step.startedMs === undefined ? null : `after ${duration(step.startedMs)}`],
    ["Rows out", step.rows === undefined ? null : count(step.rows)],
    ["Change", delta === null ? null : `${signed(delta)} rows`],
    [
      "Memory",
      step.memoryMb === undefined ? null : `${step.memoryMb.toLocaleString("en", {maximumFractionDigits: 1})} MB`,
    ],
    ["Cost", step.cost && costOf(step.cost)],
    ["Attempts", step.calls ? null : step.attempts],
    [
      "Items",
      step.tasks === undefined
        ? null
        : `${count(step.tasks)}${step.failedTasks ? `, ${count(step.failedTasks)} failed` : ""}`,
    ],
    [
      "Calls",
      step.calls === undefined
        ? null
        : `${count(step.calls)}${step.durationMs === undefined ? "" : `, ${duration(step.durationMs / step.calls)} on average`}`,
    ],
    ["Failed calls", step.failedCalls === undefined ? null : count(step.failedCalls)],
    ["Worker", step.worker && bidi(step.worker)],
  ];
  return h(
    "dl",
    {class: "facts"},
    facts
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}
