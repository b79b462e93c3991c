// A figure over runs: a line with a point for each run, the usual range behind it, and what is unusual marked.
import {h, svg} from "./dom.js";

const WIDTH = 640,
  HEIGHT = 150,
  LEFT = 8,
  TOP = 10,
  BOTTOM = 18;

/**
 * A run in the chart: its state, its title, and its address.
 * @typedef {object} Point
 * @property {string} state
 * @property {string} title
 * @property {string | null} link
 * @property {boolean} [unusual]
 */

/**
 * Return the chart of a series.
 * @param {string} name
 * @param {{values: Array<number | null>, low?: Array<number | null>, high?: Array<number | null>}} series
 * @param {Point[]} points one for each value
 * @param {(value: number) => string} format
 */
export function lineChart(name, {values, low, high}, points, format) {
  const known = [...values, ...(low ?? []), ...(high ?? [])].filter((value) => value !== null && value !== undefined);
  const own = /** @type {number[]} */ (values.filter((value) => value !== null));
  if (own.length === 0) return h("p", {class: "hint"}, "No value is known.");
  const most = Math.max(...own) * 1.15 || 1,
    top = Math.min(Math.max(.../** @type {number[]} */ (known)), Math.max(most, 1.5 * Math.max(...own)));
  const least = Math.min(0, ...own);
  const step = (WIDTH - 2 * LEFT) / Math.max(values.length - 1, 1);
  /** @param {number} place */
  const x = (place) => LEFT + (values.length === 1 ? (WIDTH - 2 * LEFT) / 2 : place * step);
  /** @param {number} value */
  const y = (value) =>
    TOP + (HEIGHT - TOP - BOTTOM) * (1 - (Math.min(top, Math.max(least, value)) - least) / (top - least || 1));
  return h(
    "figure",
    {class: "line-figure"},
    h(
      "figcaption",
      null,
      h("strong", null, name),
      h(
        "span",
        {class: "hint"},
        figures({values, low, high}, points, format),
      ),
    ),
    svg(
      "svg",
      {
        class: "line-chart",
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "group",
        "aria-label": `${name} over ${values.length} runs`,
      },
      svg("line", {class: "base", x1: LEFT, x2: WIDTH - LEFT, y1: y(least), y2: y(least)}),
      bands(low ?? [], high ?? [], x, y).map((d) => svg("path", {class: "band", d})),
      svg("path", {class: "line", d: path(values, x, y)}),
      values.map(
        (value, place) =>
          value !== null &&
          dot(x(place), y(value), points[place], `${points[place].title}: ${format(value)}`, values.length),
      ),
    ),
  );
}

/**
 * Return the value of the last run, and what is usual for it; without a learned range, all values.
 * @param {{values: Array<number | null>, low?: Array<number | null>, high?: Array<number | null>}} series
 * @param {Point[]} points
 * @param {(value: number) => string} format
 */
function figures({values, low, high}, points, format) {
  const last = values.length - 1;
  let known = last;
  while (known > 0 && values[known] === null) known -= 1;
  const value = format(/** @type {number} */ (values[known])),
    [from, to] = [low?.[last] ?? null, high?.[last] ?? null];
  const now = known === last ? `now ${value}` : `unknown in the last run, ${value} before`;
  if (from !== null && to !== null) {
    const range = `${format(Math.max(0, from))} to ${format(to)}`;
    return `${now}, ${points[last].unusual ? "unusual: expected" : "usually"} ${range}`;
  }
  const own = /** @type {number[]} */ (values.filter((each) => each !== null));
  return own.length < 2 ? `${now}, the only value` : `${now}, ${format(Math.min(...own))} to ${format(Math.max(...own))}`;
}

/** @param {Array<number | null>} values @param {(place: number) => number} x @param {(value: number) => number} y */
function path(values, x, y) {
  let pen = "M";
  return values
    .map((value, place) => {
      if (value === null) return "";
      const text = `${pen}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
      return text;
    })
    .join("");
}

/** @param {Array<number | null>} low @param {Array<number | null>} high @param {(place: number) => number} x @param {(value: number) => number} y */
function bands(low, high, x, y) {
  const found = [];
  for (let start = 0; start < low.length; start += 1) {
    if (low[start] === null || high[start] === null) continue;
    let end = start;
    while (end + 1 < low.length && low[end + 1] !== null && high[end + 1] !== null) end += 1;
    const places = Array.from({length: end - start + 1}, (_, index) => start + index);
    const upper = places.map((place) => `${x(place).toFixed(1)} ${y(/** @type {number} */ (high[place])).toFixed(1)}`);
    const lower = places
      .reverse()
      .map((place) => `${x(place).toFixed(1)} ${y(/** @type {number} */ (low[place])).toFixed(1)}`);
    found.push(`M${upper.join("L")}L${lower.join("L")}Z`);
    start = end;
  }
  return found;
}

/** @param {number} cx @param {number} cy @param {Point} point @param {string} title @param {number} number */
function dot(cx, cy, point, title, number) {
  const mark = svg(
    "circle",
    {
      class: `dot ${point.unusual ? "is-unusual" : `is-${point.state}`}`,
      cx,
      cy,
      r: point.unusual ? 6 : number > 80 ? 2.5 : 3.5,
    },
    svg("title", null, title),
  );
  return point.link ? svg("a", {href: point.link, "aria-label": title}, mark) : mark;
}

/**
 * Return bars of a result: one for each row, by its first text and its first number.
 * @param {string} name
 * @param {Array<[string, number]>} bars
 * @param {(value: number) => string} format
 */
export function barList(name, bars, format) {
  const most = Math.max(...bars.map(([, value]) => Math.abs(value)), 0) || 1;
  return h(
    "ul",
    {class: "bar-list", "aria-label": name},
    bars.map(([text, value]) => {
      const bar = h("span", {class: "bar-part"});
      bar.style.width = `${Math.max(0.5, (100 * Math.abs(value)) / most)}%`;
      return h(
        "li",
        null,
        h("bdi", {class: "bar-name", dir: "auto", title: text}, text),
        h("span", {class: "bar-track"}, bar),
        h("span", {class: "bar-value"}, format(value)),
      );
    }),
  );
}
