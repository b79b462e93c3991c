// The runs before this one: a strip of their states, and bars of rows and durations of each step.
import {copyButton, h} from "./dom.js";
import {barChart} from "./charts.js";
import {count, duration, plural, short} from "./format.js";
import {label} from "./states.js";

/** @typedef {import("./types.js").PastPoint} PastPoint */
/** @typedef {import("./types.js").Step} Step */

/**
 * Return the strip of the last runs; null without an earlier one.
 * @param {import("./types.js").PastRun[]} runs
 * @param {import("./types.js").Services} services
 * @param {string} [next] the id of the run after this one
 */
export function drawStrip(runs, services, next) {
  if ((runs ?? []).length < 2) return null;
  const unusual = runs.filter((run) => run.unusual).length,
    failed = runs.filter((run) => run.state === "failed" || run.state === "lost").length;
  const words = [failed && `${count(failed)} failed`, unusual && `${count(unusual)} unusual`]
    .filter(Boolean)
    .join(", ");
  return h(
    "div",
    {class: "strip"},
    h("span", {class: "strip-title"}, `Last ${plural(runs.length, "run")}`, words && h("small", null, `: ${words}`)),
    neighbours(runs[runs.length - 2].id, next, services),
    since(runs),
    h(
      "ol",
      {class: "strip-runs", "aria-label": "The last runs, this one last"},
      runs.map((run, place) => {
        const tone = run.unusual && run.state === "success" ? "warn" : run.state,
          link = run.id ? services.link?.("run", run.id) : null;
        const text = `${run.date}: ${label(run.state).toLowerCase()}${run.unusual ? `, ${plural(run.unusual, "unusual finding")}` : ""}, ${duration(run.ms)}`;
        return h(
          "li",
          {class: `is-${tone} ${place === runs.length - 1 ? "this" : ""}`, title: text},
          link ? h("a", {href: link, "aria-label": text}) : h("span", {class: "unseen"}, text),
        );
      }),
    ),
  );
}

/**
 * Return since when the runs up to this one fail; null if it did not.
 * @param {import("./types.js").PastRun[]} runs
 */
function since(runs) {
  let good = runs.length - 1;
  while (good >= 0 && (runs[good].state === "failed" || runs[good].state === "lost")) good -= 1;
  const bad = runs.length - good - 1;
  if (bad === 0) return null;
  const words =
    good < 0
      ? "None of them succeeded."
      : bad === 1
        ? `Failing since this run; the run before ${label(runs[good].state).toLowerCase()} (${runs[good].date}).`
        : `Failing since ${runs[good + 1].date}, ${count(bad)} runs in a row.`;
  return h("p", {class: "strip-since"}, words);
}

/**
 * The runs before and after this one: links of a live page, the command of a file.
 * @param {string | undefined} previous
 * @param {string | undefined} next
 * @param {import("./types.js").Services} services
 */
function neighbours(previous, next, services) {
  const link = (/** @type {string | undefined} */ id, /** @type {string} */ text) => {
    const to = id && services.link?.("run", id);
    return to ? h("a", {href: to}, text) : null;
  };
  const command =
    previous &&
    !services.link &&
    copyButton(
      `odibi story ${previous} -o previous.html`,
      "Copy the command that writes the story of the previous run",
      "Previous run",
    );
  return h("span", {class: "strip-next"}, link(previous, "← previous"), " ", link(next, "next →"), command);
}

/** @param {PastPoint[] | undefined} points @param {2 | 3} of @param {(value: number) => string} format @param {boolean} [large] */
function bars(points, of, format, large = false) {
  const known = (points ?? []).flatMap((point) => point[of] ?? []);
  if (!points || known.length < 2) return null;
  const words = `last ${known.length} runs: ${format(Math.min(...known))} to ${format(Math.max(...known))}, now ${format(known[known.length - 1])}`;
  return barChart(
    points.map((point, place) => ({
      value: point[of],
      title: `${point[0]}: ${point[of] === null ? label(point[1]).toLowerCase() : format(Number(point[of]))}`,
      tone: point[1] === "failed" ? "failed" : place === points.length - 1 ? "now" : "past",
    })),
    {label: words, ...(large ? {width: 300, height: 56, wide: true} : {})},
  );
}

/**
 * Return the range of the usual values of a step: the middle 80 % of its earlier good runs; null for fewer than three.
 * @param {Step} step
 * @param {2 | 3} of 2 for rows, 3 for milliseconds
 * @returns {[number, number, number] | null} the least, the middle and the most
 */
export function usualRange(step, of) {
  const known = (step.past ?? [])
    .slice(0, -1)
    .filter((point) => point[1] === "success")
    .flatMap((point) => point[of] ?? [])
    .sort((a, b) => a - b);
  return known.length < 3
    ? null
    : [known[Math.floor(known.length * 0.1)], known[known.length >> 1], known[Math.ceil(known.length * 0.9) - 1]];
}

/** @param {Step} step */
export function drawPast(step) {
  const points = step.past;
  if (!points) return null;
  const charts = [chart("Rows", 2, count), chart("Duration", 3, duration)].filter(Boolean);
  /** @param {string} name @param {2 | 3} of @param {(value: number) => string} format */
  function chart(name, of, format) {
    const drawn = bars(points, of, format, true),
      now = points?.[points.length - 1][of] ?? null,
      usual = usualRange(step, of);
    return (
      drawn &&
      h(
        "figure",
        null,
        h(
          "figcaption",
          null,
          h("strong", null, name),
          h(
            "span",
            {class: "hint"},
            `${usual ? `usually ${format(usual[1])}, ` : ""}now ${now === null ? "unknown" : format(now)}`,
          ),
        ),
        drawn,
      )
    );
  }
  return (
    charts.length > 0 &&
    h(
      "section",
      {class: "past"},
      h("h3", null, `Last ${plural(points.length, "run")}`),
      h("div", {class: "past-charts"}, charts),
    )
  );
}

/** @param {Step} step */
export function rowsBars(step) {
  return bars(step.past, 2, (value) => `${short(value)} rows`);
}

/** @param {Step} step */
export function timeBars(step) {
  return bars(step.past, 3, duration);
}
