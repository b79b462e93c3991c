// A small chart of a series: bars of the last runs. It takes an array and returns SVG.
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
