// @ts-nocheck
// The runs before this one: a strip of their states, and bars of rows and durations of each step.
import {h, svg} from "./dom.js";
import {count, duration, plural, short} from "./format.js";
import {label} from "./states.js";

const SMALL = {width: 92, height: 22}, LARGE = {width: 300, height: 56};

export function drawStrip(runs) {
  if ((runs ?? []).length < 2) return null;
  const unusual = runs.filter((run) => run.unusual).length, failed = runs.filter((run) => run.state === "failed" || run.state === "lost").length;
  const words = [failed && `${count(failed)} failed`, unusual && `${count(unusual)} unusual`].filter(Boolean).join(", ");
  return h("div", {class: "strip"},
    h("span", {class: "strip-title"}, `Last ${plural(runs.length, "run")}`, words && h("small", null, `: ${words}`)),
    h("ol", {class: "strip-runs", "aria-label": "The last runs, this one last"}, runs.map((run, place) => {
      const tone = run.unusual && run.state === "success" ? "warn" : run.state;
      const text = `${run.date}: ${label(run.state).toLowerCase()}${run.unusual ? `, ${plural(run.unusual, "unusual finding")}` : ""}, ${duration(run.ms)}`;
      return h("li", {class: `is-${tone} ${place === runs.length - 1 ? "this" : ""}`, title: text}, h("span", {class: "unseen"}, text));
    })));
}

// Bars of one figure over the last runs; `of` is its place in a point. Null if it is known of fewer than two.
export function sparkBars(points, of, format, large = false) {
  const known = (points ?? []).map((point) => point[of]).filter((value) => value !== null && value !== undefined);
  if (known.length < 2) return null;
  const {width, height} = large ? LARGE : SMALL, most = Math.max(...known), step = width / Math.max(points.length, 12), gap = large ? 2.5 : 1;
  const bars = points.map((point, place) => {
    const value = point[of], last = place === points.length - 1, missing = value === null || value === undefined;
    const tall = missing ? 2 : Math.max(1.5, most > 0 ? (height - 2) * value / most : 0);
    const bar = svg("rect", {x: (place + (Math.max(points.length, 12) - points.length)) * step + gap / 2, y: height - tall, width: Math.max(1, step - gap), height: tall, rx: Math.min(1.5, step / 4),
      class: `bar-${missing ? "none" : point[1] === "failed" ? "failed" : last ? "now" : "past"}`});
    bar.append(svg("title", null, `${point[0]}: ${missing ? label(point[1]).toLowerCase() : format(value)}`));
    return bar;
  });
  return svg("svg", {class: `spark ${large ? "large" : ""}`, viewBox: `0 0 ${width} ${height}`, width, height, preserveAspectRatio: large ? "none" : null, role: "img",
    "aria-label": `last ${known.length} runs: ${format(Math.min(...known))} to ${format(most)}, now ${format(known[known.length - 1])}`}, bars);
}

export function drawPast(step) {
  const points = step.past;
  if (!points) return null;
  const charts = [["Rows", 2, count], ["Duration", 3, duration]].map(([name, of, format]) => {
    const chart = sparkBars(points, of, format, true);
    if (!chart) return null;
    const known = points.map((point) => point[of]).filter((value) => value !== null && value !== undefined);
    const sorted = known.slice(0, -1).sort((one, other) => one - other), middle = sorted[sorted.length >> 1];
    return h("figure", null, h("figcaption", null, h("strong", null, name), h("span", {class: "hint"}, `usually ${format(middle)}, now ${format(known[known.length - 1])}`)), chart);
  }).filter(Boolean);
  return charts.length > 0 && h("section", {class: "past"}, h("h4", null, `Last ${plural(points.length, "run")}`), h("div", {class: "past-charts"}, charts));
}

export function rowsBars(step) {
  return sparkBars(step.past, 2, (value) => `${short(value)} rows`);
}

export function timeBars(step) {
  return sparkBars(step.past, 3, duration);
}
