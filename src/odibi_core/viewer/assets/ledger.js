// The ledger of rows: from the sources, over the steps that lost, gained or did not match rows, to the outputs.
import {h, bidi, section, columnHead, scrolledTable} from "./dom.js";
import {count, plural, signed} from "./format.js";
import {changeOf} from "./panelfigures.js";
import {icon} from "./states.js";

/** @typedef {import("./types.js").Step} Step */

const FIRST = 40;

/**
 * Return the section of the ledger; null if no step changed a number of rows.
 * @param {Step[]} steps
 * @param {(index: number) => void} pick
 */
export function drawLedger(steps, pick) {
  const entries = steps.flatMap((step, index) => entryOf(step, index)),
    changes = entries.filter((entry) => entry.kind === "step");
  if (changes.length === 0) return null;
  const most = Math.max(1, ...entries.map((entry) => Math.max(...entry.before.map(Number), entry.after))),
    body = h("tbody");
  const more = h(
    "button",
    {
      type: "button",
      class: "more",
      click: () => {
        body.append(...entries.slice(FIRST).map((entry) => line(entry, most, pick)));
        more.remove();
      },
    },
    `Show all ${count(entries.length)} entries`,
  );
  body.append(...entries.slice(0, FIRST).map((entry) => line(entry, most, pick)));
  const lost = changes.reduce((sum, entry) => sum + entry.lost, 0);
  return section(
    "rows",
    "Rows, from sources to outputs",
    lost > 0
      ? `${plural(lost, "row")} lost in ${plural(changes.filter((entry) => entry.lost > 0).length, "step")}`
      : null,
    scrolledTable(
      "Ledger of rows",
      "table ledger",
      ["Step", "Before", "Change", "After", "", "Reason"].map((name, place) =>
        columnHead(name || h("span", {class: "unseen"}, "Rows"), place > 0 && place < 4),
      ),
      body,
    ),
    entries.length > FIRST && more,
  );
}

/** @typedef {{kind: "source" | "step" | "output", index: number, name: string, before: Array<number | null>, delta: number | null, after: number, lost: number, reasons: string[], unusual: boolean}} Entry */

/** @param {Step} step @param {number} index @returns {Entry[]} */
function entryOf(step, index) {
  if (step.rows === undefined || step.state !== "success") return [];
  const before = step.rowsBefore ?? [],
    kind = !step.up ? "source" : !step.down ? "output" : "step",
    delta = changeOf(step);
  const entry = {
    index,
    name: step.name,
    before,
    delta,
    after: step.rows,
    lost: step.lost ?? 0,
    reasons: (step.rowChanges ?? []).map((change) => [change.kind, change.sentence].filter(Boolean).join(": ")),
    unusual: Boolean(step.rowChanges?.some((change) => change.unusual)),
  };
  if (delta || entry.lost > 0) return [{...entry, kind: "step"}];
  return kind === "step" ? [] : [{...entry, kind}];
}

/** @param {Entry} entry @param {number} most @param {(index: number) => void} pick */
function line(entry, most, pick) {
  const bar = h("span", {class: "ledger-bar", "aria-hidden": "true"}),
    gone = h("span", {class: "ledger-lost", "aria-hidden": "true"});
  bar.style.width = `${(100 * entry.after) / most}%`;
  gone.style.width = `${(100 * Math.min(entry.lost, most - entry.after)) / most}%`;
  const {before, delta} = entry;
  return h(
    "tr",
    {class: `ledger-${entry.kind}`},
    h(
      "th",
      {scope: "row"},
      h("button", {type: "button", class: "link", click: () => pick(entry.index)}, bidi(entry.name)),
      entry.kind !== "step" && h("span", {class: "hint"}, entry.kind === "source" ? " source" : " output"),
    ),
    h("td", {class: "number"}, before.slice(0, 3).map(count).join(" + "), before.length > 3 && " + …"),
    h("td", {class: `number ${entry.lost > 0 ? "bad" : ""}`}, delta ? signed(delta) : ""),
    h("td", {class: "number"}, count(entry.after)),
    h("td", {class: "ledger-bars"}, h("span", {class: "ledger-track"}, bar, gone)),
    h(
      "td",
      {class: "found"},
      entry.unusual && [icon("warn", 13, true), " "],
      entry.reasons.slice(0, 3).map((reason) => bidi(reason, "p")),
    ),
  );
}
