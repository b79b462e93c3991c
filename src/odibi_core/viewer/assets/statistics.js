// Statistics of columns as small charts: nulls, quantiles, frequent values, and the last runs with their usual range.
import {h, svg, bidi, columnHead, scrolledTable} from "./dom.js";
import {bandChart} from "./charts.js";
import {count, plural} from "./format.js";

/** @typedef {import("./types.js").ColumnStatistics} ColumnStatistics */

const WIDTH = 200,
  HEIGHT = 28,
  LEARNING = 5; // comparable runs from which a range is usual
const WORDS = {nulls: "Nulls", mean: "Mean", distinct: "Distinct values", length: "Mean length"};
const ROUGH = new Intl.NumberFormat("en-US", {maximumSignificantDigits: 4});
const NUMBER = new Intl.NumberFormat("en-US", {maximumSignificantDigits: 5});

/** @param {import("./types.js").Frame} frame */
export function drawStatistics(frame) {
  const rows = frame.statsRows,
    sampled = rows !== undefined && frame.rows !== undefined && rows < frame.rows;
  const note =
    rows === undefined
      ? null
      : sampled
        ? `of ${count(rows)} rows, spread over all ${count(frame.rows)}`
        : `of all ${plural(rows, "row")}`;
  const stats = frame.stats ?? [];
  return h(
    "div",
    {class: "statistics"},
    h("p", {class: "hint"}, historyOf(frame)),
    (note || frame.statsSkipped) &&
      h(
        "p",
        {class: "hint"},
        note,
        frame.statsSkipped && (note ? "; " : ""),
        frame.statsSkipped && bidi(frame.statsSkipped),
      ),
    scrolledTable(
      "Column statistics",
      "table stats",
      ["Column", "Nulls", "Distinct", "Values"].map((name) => columnHead(name, name === "Distinct")),
      h(
        "tbody",
        null,
        stats.map((column) => columnRow(column, rows ?? frame.rows)),
      ),
      "scroll",
    ),
  );
}

/**
 * What the earlier runs are drawn for.
 * @param {import("./types.js").Frame} frame
 */
function historyOf({stats = [], comparedRuns, bandsLeftOut}) {
  return [
    stats.some((column) => column.usual) && "Lines are the last runs; shaded is the range that is usual for this one. ",
    comparedRuns !== undefined && `Usual ranges are being learned: ${comparedRuns} of ${LEARNING} comparable runs. `,
    stats.some((column) => column.good?.box) && "The small box below is that of the last good run. ",
    bandsLeftOut && `${plural(bandsLeftOut, "usual range")} of the run left out.`,
  ];
}

/**
 * Return a statistic over the last runs with its usual range; of a value beyond it the range as text.
 * @param {ColumnStatistics} column
 * @param {"nulls" | "mean" | "distinct" | "length"} name
 */
function drift({usual}, name) {
  const found = usual?.[name];
  if (!found || found.values.length < 2) return null;
  const {values, low, high, share} = found,
    format = share ? percent : (/** @type {number} */ value) => ROUGH.format(value),
    now = values[values.length - 1],
    range = low === undefined || high === undefined ? null : `usually ${format(low)} to ${format(high)}`,
    isUnusual = range !== null && (now < Number(low) || now > Number(high));
  const words = `${WORDS[name]} in the last ${plural(values.length, "run")}, now ${format(now)}, ${range ?? "usual range being learned"}`;
  return h(
    "span",
    {class: "drift"},
    bandChart(values, low, high, {label: `${words}${isUnusual ? ": unusual" : ""}`}),
    isUnusual && h("small", {class: "was"}, range),
  );
}

/** @param {number} part */
function percent(part) {
  return part === 0 ? "none" : part < 0.001 ? "< 0.1 %" : `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
}

/** @param {ColumnStatistics} column @param {number | undefined} rows */
function columnRow(column, rows) {
  return h(
    "tr",
    null,
    h("th", {scope: "row"}, bidi(column.column)),
    h("td", null, nullShare(column, rows), drift(column, "nulls")),
    h("td", {class: "number"}, count(column.distinct), drift(column, "distinct")),
    h("td", {class: "stats-values"}, picture(column), averageOf(column)),
  );
}

/** @param {ColumnStatistics} column @param {number | undefined} rows */
function nullShare(column, rows) {
  const was = column.good?.nullShare,
    {nulls, nan = 0} = column;
  if (nulls === undefined) return h("span", {class: "hint", title: "The nulls were not counted."}, "–");
  const share = rows ? (nulls + nan) / rows : 0;
  const text = !rows ? count(nulls) : percent(share),
    drifted = rows && was !== undefined && !column.usual?.nulls && percent(was) !== text;
  const part = h("span", {class: "share-part"}),
    bar = h("span", {class: "share", "aria-hidden": "true"}, part);
  part.style.width = `${Math.min(100, 100 * share)}%`;
  return h(
    "span",
    {
      class: `null-share ${share > 0 ? "some" : ""}`,
      title: `${plural(nulls, "null")}${nan ? `, ${count(nan)} NaN` : ""}${rows === undefined ? "" : ` in ${plural(rows, "row")}`}`,
    },
    bar,
    text,
    drifted && h("small", {class: "was"}, ` was ${percent(was)}`),
  );
}

/**
 * The mean, or the mean length of a text, over the last runs.
 * @param {ColumnStatistics} column
 */
function averageOf(column) {
  const name = column.usual?.mean ? "mean" : "length",
    drawn = drift(column, name);
  return drawn && h("span", {class: "average"}, h("small", null, name), drawn);
}

/** @param {ColumnStatistics} column */
function picture(column) {
  if (column.distinct === 1 && column.min !== undefined)
    return h("span", {class: "span-of"}, h("span", {class: "hint"}, "always "), bidi(show(column.min)));
  if (column.top && (!column.box || (column.distinct ?? 0) <= 12)) return topValues(column);
  if (column.box) return boxOf(column);
  if (column.length) return lengthsOf(column);
  if (column.min === undefined) return null;
  return h("span", {class: "span-of"}, bidi(column.min), h("span", {class: "hint"}, " … "), bidi(column.max));
}

/**
 * Whiskers from 5 to 95 %, the box from 25 to 75 %, a line at the median; the ends of the axis are the extremes. The last
 * good run is an outline below it.
 * @param {ColumnStatistics} column
 */
function boxOf({box = [0, 0, 0, 0, 0], min, max, mean, good, usual}) {
  const [low, , median, , high] = box,
    was = good?.box,
    known = [typeof min === "number" ? min : low, typeof max === "number" ? max : high, ...(was ?? [])];
  const from = Math.min(...known),
    to = Math.max(...known),
    middle = was ? HEIGHT / 2 - 4 : HEIGHT / 2;
  const at = (/** @type {number} */ value) =>
    to > from ? 4 + ((WIDTH - 8) * (value - from)) / (to - from) : WIDTH / 2;
  const drifted = was && show(was[2]) !== show(median) ? `, last good run ${show(was[2])}` : "";
  const words = `5 % ${show(low)}, 25 % ${show(box[1])}, median ${show(median)}${drifted}, 75 % ${show(box[3])}, 95 % ${show(high)}${mean === undefined ? "" : `, mean ${show(mean)}${good?.mean !== undefined && show(good.mean) !== show(mean) ? `, last good run ${show(good.mean)}` : ""}`}`;
  const drawing = svg(
    "svg",
    {class: "box", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": words},
    svg("title", null, words),
    svg("line", {class: "axis", x1: 4, x2: WIDTH - 4, y1: middle, y2: middle}),
    oneBox(box, at, middle, 14, ""),
    was && oneBox(was, at, HEIGHT - 4, 6, "good"),
  );
  return h(
    "span",
    {class: "box-of"},
    h("span", {class: "end"}, show(from)),
    drawing,
    h("span", {class: "end"}, show(to)),
    drifted && !usual?.mean && h("small", {class: "was"}, `median was ${show(was?.[2])}`),
  );
}

/** @param {number[]} box @param {(value: number) => number} at @param {number} middle @param {number} tall @param {string} kind */
function oneBox([low, q25, median, q75, high], at, middle, tall, kind) {
  return svg(
    "g",
    {class: kind || null},
    svg("line", {class: "whisker", x1: at(low), x2: at(high), y1: middle, y2: middle}),
    svg("rect", {
      class: "quartiles",
      x: at(q25),
      y: middle - tall / 2,
      width: Math.max(2, at(q75) - at(q25)),
      height: tall,
      rx: 2.5,
    }),
    svg("line", {class: "median", x1: at(median), x2: at(median), y1: middle - tall / 2, y2: middle + tall / 2}),
  );
}

/** @param {ColumnStatistics} column */
function topValues({top = [], distinct = 0}) {
  const most = Math.max(...top.map(([, number]) => number), 1);
  return h(
    "ul",
    {class: "top-values"},
    top.map(([value, number]) => {
      const bar = h("span", {class: "top-bar", "aria-hidden": "true"});
      bar.style.width = `${Math.max(2, (100 * number) / most)}%`;
      return h(
        "li",
        {title: `${value}: ${plural(number, "row")}`},
        h(
          "span",
          {class: "top-name"},
          bidi(value === "" ? "(empty)" : typeof value === "number" ? NUMBER.format(value) : value),
        ),
        h("span", {class: "top-track"}, bar),
        h("span", {class: "top-count"}, count(number)),
      );
    }),
    distinct > top.length && h("li", {class: "hint top-rest"}, `and ${plural(distinct - top.length, "more value")}`),
  );
}

/** @param {ColumnStatistics} column */
function lengthsOf({length: [least, mean, most] = [0, 0, 0], min, max}) {
  return h(
    "span",
    {class: "span-of"},
    min !== undefined && [bidi(min), h("span", {class: "hint"}, " … "), bidi(max)],
    h(
      "span",
      {class: "hint"},
      least === most
        ? ` ${plural(most, "character")} each`
        : ` ${count(least)} to ${count(most)} characters, ${NUMBER.format(mean)} on average`,
    ),
  );
}

/** @param {unknown} value */
function show(value) {
  return typeof value === "number" ? NUMBER.format(value) : String(value);
}
