// Small charts of a series over the last runs: bars, or a line with its usual range. Each takes an array and returns SVG.
import {svg} from "./dom.js";

/** @typedef {number | null | undefined} Maybe */
/** @typedef {{value: Maybe, title: string, tone?: string}} Point */

/**
 * Return bars from 0 to the largest value; null if fewer than two values are known.
 * @param {Point[]} points the newest last; `tone` is past, now or failed
 * @param {{width?: number, height?: number, label: string, least?: number, wide?: boolean}} how `least` is the number of places; `wide` stretches
 */
export function barChart(points, {width = 92, height = 22, label, least = 12, wide = false}) {
  const known = points.flatMap(({value}) => (value === null || value === undefined ? [] : [value]));
  if (known.length < 2) return null;
  const most = Math.max(...known),
    places = Math.max(points.length, least),
    step = width / places,
    gap = wide ? 2.5 : 1;
  return svg(
    "svg",
    {
      class: `spark ${wide ? "large" : ""}`,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      preserveAspectRatio: wide ? "none" : null,
      role: "img",
      "aria-label": label,
    },
    points.map(({value, title, tone = "past"}, place) => {
      const missing = value === null || value === undefined,
        tall = missing ? 2 : Math.max(1.5, most > 0 ? ((height - 2) * value) / most : 0);
      return svg(
        "rect",
        {
          class: `bar-${missing ? "none" : tone}`,
          x: (place + places - points.length) * step + gap / 2,
          y: height - tall,
          width: Math.max(1, step - gap),
          height: tall,
          rx: Math.min(1.5, step / 4),
        },
        svg("title", null, title),
      );
    }),
  );
}

/**
 * Return a line of values, the newest last, with the range that is usual for the newest drawn behind it.
 * @param {number[]} values
 * @param {number | undefined} low the range, if it is known
 * @param {number | undefined} high
 * @param {{width?: number, height?: number, label: string}} how
 */
export function bandChart(values, low, high, {width = 92, height = 22, label}) {
  const least = Math.min(...values),
    most = Math.max(...values),
    room = 1.5 * (most - least) || Math.abs(most) || 1; // a wide range is cut, so that the line is seen
  const known = low !== undefined && high !== undefined,
    bottom = Math.max(known ? Math.min(low, least) : least, least - room),
    top = Math.min(known ? Math.max(high, most) : most, most + room);
  const y = (/** @type {number} */ value) =>
      top > bottom ? 2 + ((height - 4) * (top - Math.min(top, Math.max(bottom, value)))) / (top - bottom) : height / 2,
    x = (/** @type {number} */ place) => 3 + ((width - 6) * place) / Math.max(1, values.length - 1);
  const now = values[values.length - 1],
    isUnusual = known && (now < low || now > high);
  return svg(
    "svg",
    {class: "spark band", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label},
    svg("title", null, label),
    known &&
      svg("rect", {class: "usual", x: 0, y: y(high) - 1, width, height: Math.max(3, y(low) - y(high) + 2), rx: 2}),
    svg("polyline", {points: values.map((value, place) => `${x(place).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}),
    svg("circle", {class: isUnusual ? "unusual" : null, cx: x(values.length - 1), cy: y(now), r: 3}),
  );
}
