// The figures of a step in its panel, and its rows before and after as bars.
import {h, bidi} from "./dom.js";
import {count, duration, plural, signed} from "./format.js";
import {usualRange} from "./past.js";
import {label} from "./states.js";

/** @typedef {import("./types.js").Step} Step */

/**
 * The rows before and after as bars, with the lost ones.
 * @param {Step} step
 */
export function flow(step) {
  const before = step.rowsBefore ?? [],
    total = before.reduce((sum, rows) => sum + rows, 0);
  if (before.length === 0 || step.rows === undefined) return null;
  const most = Math.max(total, step.rows, 1);
  /** @param {string} name @param {number} rows @param {string} tone @param {number} lost */
  const bar = (name, rows, tone, lost = 0) => {
    const kept = h("span", {class: `flow-bar ${tone}`}),
      gone = h("span", {class: "flow-bar lost"});
    kept.style.width = `${(100 * (rows - lost)) / most}%`;
    gone.style.width = `${(100 * lost) / most}%`;
    return h(
      "div",
      {class: "flow-line"},
      h("span", {class: "hint"}, name),
      h("span", {class: "flow-track", "aria-hidden": "true"}, kept, gone),
      h("strong", null, count(rows)),
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

/** @param {Step} step */
export function figures(step) {
  const before = step.rowsBefore ?? [],
    usual = usualRange(step, 3);
  const delta = step.delta ?? (before.length === 1 && step.rows !== undefined ? step.rows - before[0] : undefined);
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
    ["Change", delta === undefined ? null : `${signed(delta)} rows`],
    [
      "Memory",
      step.memoryMb === undefined ? null : `${step.memoryMb.toLocaleString("en", {maximumFractionDigits: 1})} MB`,
    ],
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
