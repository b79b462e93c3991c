// Bars along a time: any rows with a start, a duration and a name, in lanes; built when they come into view.
import {bidi, h, listen} from "./dom.js";
import {duration, plural} from "./format.js";
import {icon, label} from "./states.js";

/**
 * A bar of a timeline. Times are in milliseconds after its start.
 * @typedef {object} Bar
 * @property {string} name
 * @property {number | null} start null if it is unknown
 * @property {number} ms
 * @property {number} [span] its length, if it is not `ms`
 * @property {string} [lane]
 * @property {string} [state]
 * @property {[number, number, number] | null} [usual] the least, the middle and the most usual duration, drawn behind the bar
 * @property {number | null} [ready] the time from which it could have run: the waiting is drawn
 * @property {string[]} [marks] icons at the name, such as `retry`
 * @property {string} [note] words for the title
 * @property {() => void} [pick]
 */

const ROW = 26;
const ALL_AT_ONCE = 250;

/**
 * Return a timeline, with `order(by)` for its order (`start`, `duration` or `lane`) and `choose(index)` for its chosen bar.
 * @param {Bar[]} bars
 * @param {{label: string, end?: number, strip?: Node | null}} how `strip` stands below the axis
 */
export function drawTimeline(bars, {label: name, end: least = 0, strip = null}) {
  const known = bars.every((bar) => bar.start !== null),
    begin = (/** @type {Bar} */ bar) => (known ? (bar.start ?? 0) : 0);
  const end = bars.reduce((latest, bar) => Math.max(latest, begin(bar) + (bar.span ?? bar.ms)), known ? least : 0) || 1;
  const body = h("div", {class: "gantt-rows"}),
    view = h("div", {class: "gantt-view", tabindex: "0", role: "region", "aria-label": name});
  let rows = /** @type {Array<number | {title: string, note: string}>} */ ([]),
    shown = "",
    chosen = -1;

  /** @param {boolean} [every] */
  function fill(every = false) {
    const few = every || rows.length <= ALL_AT_ONCE,
      start = few ? 0 : Math.max(0, Math.floor(view.scrollTop / ROW) - 20);
    const stop = few ? rows.length : Math.min(rows.length, start + Math.ceil(view.clientHeight / ROW || 20) + 40);
    if (shown === `${start} ${stop} ${chosen}`) return;
    shown = `${start} ${stop} ${chosen}`;
    body.style.height = `${rows.length * ROW}px`;
    body.replaceChildren(
      ...rows.slice(start, stop).map((row, offset) => {
        const element =
          typeof row === "number"
            ? barRow(bars[row], begin(bars[row]), end)
            : h("div", {class: "gantt-group"}, bidi(row.title), h("span", {class: "hint"}, row.note));
        if (row === chosen) element.classList.add("is-chosen");
        element.style.top = `${(start + offset) * ROW}px`;
        return element;
      }),
    );
  }

  /** @param {string} by */
  function order(by) {
    const all = bars
      .map((_, index) => index)
      .sort((a, b) => (by === "duration" ? bars[b].ms - bars[a].ms : begin(bars[a]) - begin(bars[b]) || a - b));
    rows = by === "lane" ? laned(all, bars) : all;
    [shown, view.scrollTop] = ["", 0];
    fill();
  }

  /** @param {number} index */
  function choose(index) {
    chosen = index;
    const top = rows.indexOf(index) * ROW;
    if (index >= 0 && (top < view.scrollTop || top > view.scrollTop + view.clientHeight - 2 * ROW))
      view.scrollTop = Math.max(0, top - 4 * ROW);
    fill();
  }

  view.addEventListener("scroll", () => fill(), {passive: true});
  new ResizeObserver(() => fill()).observe(view);
  listen("beforeprint", () => {
    if (rows.length <= 2 * ALL_AT_ONCE) fill(true);
  });
  view.append(...[axis(end), strip].flatMap((one) => one ?? []), body);
  order("start");
  return Object.assign(view, {order, choose});
}

/** @param {number[]} all @param {Bar[]} bars */
function laned(all, bars) {
  /** @type {Map<string, number[]>} */
  const lanes = new Map();
  for (const index of all) {
    const lane = bars[index].lane ?? "unknown";
    if (!lanes.has(lane)) lanes.set(lane, []);
    lanes.get(lane)?.push(index);
  }
  return [...lanes].flatMap(([title, members]) => [
    {
      title,
      note: ` ${plural(members.length, "bar")}, ${duration(members.reduce((sum, index) => sum + bars[index].ms, 0))}`,
    },
    ...members,
  ]);
}

/** @param {HTMLElement} element @param {number} from @param {number} to in percent */
function span(element, from, to) {
  element.style.left = `${from}%`;
  element.style.width = `${Math.max(0, to - from)}%`;
  return element;
}

/** @param {Bar} bar @param {number} start @param {number} end */
function barRow(bar, start, end) {
  const {name, ms, state = "success", usual, ready, marks = [], note, pick} = bar,
    percent = (/** @type {number} */ time) => Math.min(100, (100 * time) / end);
  const left = percent(start),
    width = (100 * (bar.span ?? ms)) / end,
    near = left + width > 82,
    inside = near && width > 20;
  const time = h("span", {class: `gantt-time ${inside ? "inside" : ""}`}, duration(ms));
  if (near) time.style.right = `${100 - left - (inside ? width : 0)}%`;
  else time.style.left = `${left + width}%`;
  const waited = ready !== null && ready !== undefined && start - ready > end / 500;
  const words = [
    `${name}: ${label(state)}, ${duration(ms)} from ${duration(start)}`,
    waited && `waited ${duration(start - ready)}`,
    usual && `usually ${duration(usual[0])} to ${duration(usual[2])}`,
    note,
  ]
    .filter(Boolean)
    .join(", ");
  return h(
    "button",
    {type: "button", class: "gantt-row", click: pick ?? null, tabindex: "-1", "aria-label": words, title: words},
    h(
      "span",
      {class: "gantt-name"},
      icon(state, 13),
      bidi(name),
      marks.map((mark) => icon(mark, 12)),
    ),
    h(
      "span",
      {class: "gantt-track"},
      waited && span(h("span", {class: "gantt-wait"}), percent(ready), left),
      usual && span(h("span", {class: "gantt-usual"}), percent(start + usual[0]), percent(start + usual[2])),
      usual && span(h("span", {class: "gantt-middle"}), percent(start + usual[1]), percent(start + usual[1])),
      span(h("span", {class: `gantt-bar is-${state}`}), left, left + width),
      time,
    ),
  );
}

/** @param {number} end */
function axis(end) {
  const rough = end / 6,
    power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough) ?? rough,
    track = h("span", {class: "gantt-track"});
  for (let tick = 0; tick <= end * 0.97; tick += unit) {
    const mark = h("span", {class: "gantt-tick"}, tick === 0 ? "0" : clean(tick));
    mark.style.left = `${(100 * tick) / end}%`;
    track.append(mark);
  }
  return h("div", {class: "gantt-axis", "aria-hidden": "true"}, h("span", {class: "gantt-name"}), track);
}

/** @param {number} ms */
function clean(ms) {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  return ms < 60000 ? `${Number((ms / 1000).toPrecision(3))} s` : duration(ms);
}
