// Small charts of a series: bars of the last runs, and a line with its usual band. They take arrays and return SVG.
import {svg} from "./dom.js";

/** @typedef {number | null | undefined} Maybe */
/** @typedef {{value: Maybe, title: string, tone?: string, pick?: () => void}} Point */

/**
 * Return bars from 0 to the largest value; null if fewer than two values are known.
 * @param {Point[]} points the newest last; `tone` is past, now, failed, warn or none
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
    points.map(({value, title, tone = "past", pick}, place) => {
      const missing = value === null || value === undefined,
        tall = missing ? 2 : Math.max(1.5, most > 0 ? ((height - 2) * value) / most : 0);
      return svg(
        "rect",
        {
          class: `bar-${missing ? "none" : tone} ${pick ? "can-pick" : ""}`,
          x: (place + places - points.length) * step + gap / 2,
          y: height - tall,
          width: Math.max(1, step - gap),
          height: tall,
          rx: Math.min(1.5, step / 4),
          click: pick ?? null,
        },
        svg("title", null, title),
      );
    }),
  );
}

/**
 * Return a line of values with its usual band, and its anomalies marked; a gap for an unknown value.
 * @param {Point[]} points the newest last; a `tone` of warn or failed marks the point
 * @param {{width?: number, height?: number, label: string, format: (value: number) => string, band?: Array<[Maybe, Maybe]> | null}} how `band` has the least and the most usual value of each point
 */
export function lineChart(points, {width = 640, height = 120, label, format, band = null}) {
  const values = [...points.map(({value}) => value), ...(band ?? []).flat()].flatMap((value) =>
    value === null || value === undefined ? [] : [value],
  );
  if (values.length === 0) return null;
  const low = Math.min(...values, 0),
    high = Math.max(...values),
    left = 8,
    right = 8,
    top = 8,
    bottom = 8;
  const x = (/** @type {number} */ place) => left + ((width - left - right) * (place + 0.5)) / points.length;
  const y = (/** @type {number} */ value) =>
    high > low ? top + ((height - top - bottom) * (high - value)) / (high - low) : height / 2;
  return svg(
    "svg",
    {class: "line-chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label},
    svg("text", {class: "chart-end", x: left, y: top + 4}, format(high)),
    svg("text", {class: "chart-end", x: left, y: height - 2}, format(low)),
    svg("line", {class: "base", x1: 0, x2: width, y1: y(Math.max(low, 0)), y2: y(Math.max(low, 0))}),
    band && svg("path", {class: "chart-band", d: bandPath(band, x, y)}),
    svg("path", {class: "chart-line", d: linePath(points, x, y)}),
    points.map(
      ({value, title, tone, pick}, place) =>
        value !== null &&
        value !== undefined &&
        svg(
          "circle",
          {
            class: `chart-point ${tone ? `is-${tone}` : ""} ${pick ? "can-pick" : ""}`,
            cx: x(place),
            cy: y(value),
            r: tone === "warn" || tone === "failed" ? 4.5 : 2.6,
            click: pick ?? null,
          },
          svg("title", null, title),
        ),
    ),
  );
}

/** @param {Point[]} points @param {(place: number) => number} x @param {(value: number) => number} y */
function linePath(points, x, y) {
  let path = "",
    pen = false;
  points.forEach(({value}, place) => {
    const known = value !== null && value !== undefined;
    if (known) path += `${pen ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = known;
  });
  return path;
}

/** @param {Array<[Maybe, Maybe]>} band @param {(place: number) => number} x @param {(value: number) => number} y */
function bandPath(band, x, y) {
  let path = "",
    open = /** @type {Array<[number, number, number]>} */ ([]);
  /** @param {number} place @param {number} value */
  const corner = (place, value) => `${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
  const close = () => {
    const above = open.map(([place, , most]) => corner(place, most));
    const below = open.map(([place, least]) => corner(place, least)).reverse();
    if (open.length > 1) path += `M${[...above, ...below].join("L")}Z`;
    open = [];
  };
  band.forEach(([least, most], place) => {
    if (least === null || least === undefined || most === null || most === undefined) close();
    else open.push([place, least, most]);
  });
  close();
  return path;
}
