// The time slider of a run: its state at any instant.
import {h} from "./dom.js";
import {duration} from "./format.js";

const STEPS = 1000;

/**
 * Return the slider.
 * @param {string} run
 * @param {(path: string, parameters?: Record<string, string | number>) => Promise<any>} fetchJson
 * @param {boolean} isStatic without a server there is no earlier state
 * @param {(document: any | null) => void} show a document of an instant; null for the latest
 */
export async function timeSlider(run, fetchJson, isStatic, show) {
  const none = {element: h("span"), moved: () => {}, isInPast: () => false};
  if (isStatic) return none;
  const found = (await fetchJson("runs", {search: run, limit: 1})).runs[0];
  if (!found?.started) return none;
  const start = new Date(found.started).getTime();
  let end = new Date(found.ended ?? found.last_event ?? found.started).getTime(),
    asked = 0;
  const text = h("output", {class: "hint"});
  const range = h("input", {
    type: "range",
    min: "0",
    max: String(STEPS),
    value: String(STEPS),
    "aria-label": "State of the run at a time",
    input: () => move(),
  });
  const isInPast = () => Number(range.value) < STEPS;
  const name = () => {
    text.textContent = isInPast()
      ? `after ${duration(((end - start) * Number(range.value)) / STEPS)}`
      : found.ended
        ? "at its end"
        : "now";
  };
  const move = async () => {
    name();
    const mine = (asked += 1);
    await new Promise((done) => {
      setTimeout(done, 80);
    });
    if (mine !== asked) return;
    if (!isInPast()) {
      show(null);
      return;
    }
    const at = new Date(start + ((end - start) * Number(range.value)) / STEPS).toISOString();
    const document = await fetchJson(`runs/${encodeURIComponent(run)}`, {at});
    if (mine === asked) show(document);
  };
  name();
  return {
    element: h("label", {class: "slider"}, h("span", {class: "hint"}, "State"), range, text),
    isInPast,
    moved: (/** @type {string | undefined} */ at) => {
      if (at) end = Math.max(end, new Date(at).getTime());
    },
  };
}
