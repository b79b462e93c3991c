// The states of a run and its steps, and marks of steps: a word, and a shape that differs without colour.
import {svg} from "./dom.js";

const ROUND = "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2z";
const SQUARE = "M4 1.6h8A2.4 2.4 0 0 1 14.4 4v8a2.4 2.4 0 0 1-2.4 2.4H4A2.4 2.4 0 0 1 1.6 12V4A2.4 2.4 0 0 1 4 1.6z";
const OCTAGON = "M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z";
const TRIANGLE = "M8 1.6 15.2 14H.8z";
const CYLINDER = "M2.6 4c0-1.3 2.4-2.4 5.4-2.4s5.4 1.1 5.4 2.4v8c0 1.3-2.4 2.4-5.4 2.4S2.6 13.3 2.6 12z";
const DIAMOND = "M8 .8 15.2 8 8 15.2.8 8z";

/**
 * The label, the outline, whether it is filled, and the mark of each state.
 * @type {Record<string, [string, string, boolean, string]>}
 */
export const STATES = {
  success: ["Succeeded", ROUND, true, "M4.9 8.3 7.1 10.5 11.2 5.9"],
  failed: ["Failed", OCTAGON, true, "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"],
  running: ["Running", ROUND, false, "M6.4 5.1 11 8l-4.6 2.9z"],
  skipped: ["Skipped", ROUND, false, "M3.4 12.6 12.6 3.4"],
  pending: ["Not started", ROUND, false, ""],
  cancelled: ["Cancelled", SQUARE, true, "M4.8 8h6.4"],
  lost: ["Lost", DIAMOND, true, "M8 4.6v4M8 11v.2"],
  warn: ["Warning", TRIANGLE, true, "M8 6.2v3.4M8 11.8v.1"],
  unusual: ["Unusual", TRIANGLE, false, "M8 6.2v3.4M8 11.8v.1"],
  unknown: ["Not checked", ROUND, false, "M6.2 6.2a1.9 1.9 0 1 1 2.6 1.8c-.6.3-.8.6-.8 1.2M8 11.4v.1"],
  hit: ["From the cache", CYLINDER, true, "M5 8.6 7.2 10.8 11.2 6.4"],
  miss: ["Not in the cache", CYLINDER, false, "M2.6 4.2c0 1.3 2.4 2.3 5.4 2.3s5.4-1 5.4-2.3"],
  retry: ["Retried", "", false, "M13.2 6.2A5.6 5.6 0 1 0 13.6 9M13.6 2.6v3.8H9.8"],
};

/** All states of a step, the worst first. */
export const ORDER = ["failed", "lost", "running", "cancelled", "skipped", "pending", "success"];

/** @param {string} state */
export function label(state) {
  return STATES[state]?.[0] ?? state;
}

/**
 * Return the mark of a step that asked the cache; an empty text for one that did not.
 * @param {boolean | undefined} cached
 */
export function cacheMark(cached) {
  return cached === undefined ? "" : cached ? "hit" : "miss";
}

/**
 * Return the icon of a state; decorative unless `named`, because the word is mostly beside it.
 * @param {string} state
 * @param {number} [size]
 * @param {boolean} [named]
 */
export function icon(state, size = 16, named = false) {
  const [word, outline, filled, mark] = STATES[state] ?? STATES.pending;
  return svg(
    "svg",
    {
      class: `icon is-${state} ${filled ? "filled" : "hollow"}`,
      viewBox: "0 0 16 16",
      width: size,
      height: size,
      role: named ? "img" : null,
      "aria-label": named ? word : null,
      "aria-hidden": named ? null : "true",
    },
    outline && svg("path", {class: "outline", d: outline}),
    mark && svg("path", {class: "mark", d: mark}),
  );
}
