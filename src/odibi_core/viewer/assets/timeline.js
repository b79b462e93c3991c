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
 * @property {string} [state] without one the bar has no icon
 * @property {[number, number, number] | null} [usual] the least, the middle and the most usual duration, drawn behind the bar
 * @property {number | null} [ready] the time from which it could have run: the waiting is drawn
 * @property {Array<[number, number]>} [pauses] parts of the bar from a failed attempt to the next one
 * @property {string[]} [marks] icons at the name, such as `retry`
 * @property {string} [from] words for its start, in place of the time after the start of the timeline
 * @property {string} [note] words for the title
 * @property {() => void} [pick] opens it
 */

/** @typedef {(end: number) => Array<[number, string]>} Ticks the places of the axis up to an end, and their texts */

const ROW = 26;
const ALL_AT_ONCE = 250;
const KEYS = /** @type {Record<string, number>} */ ({
  ArrowDown: 1,
  ArrowRight: 1,
  ArrowUp: -1,
  ArrowLeft: -1,
  PageDown: 10,
  PageUp: -10,
  Home: -Infinity,
  End: Infinity,
});

/**
 * A row: one bar; a heading of those below; or, in packed lanes, the bars of a lane that do not overlap.
 * @typedef {{bars: number[], title?: string, note?: string, packed?: boolean}} Row
 */

/**
 * Return a timeline, with `order(by)` for its order (`start`, `duration`, `lane`, or `packed`: a lane in few rows) and
 * `choose(index)` for its chosen bar. Tab leads to one bar, arrow keys to the others, Enter opens one.
 * @param {Bar[]} bars
 * @param {{label: string, end?: number, strip?: Node | null, ticks?: Ticks}} how `strip` stands below the axis
 */
export function drawTimeline(bars, {label: name, end: least = 0, strip = null, ticks = unitTicks}) {
  const known = bars.every((bar) => bar.start !== null),
    begin = (/** @type {Bar} */ bar) => (known ? (bar.start ?? 0) : 0),
    endOf = (/** @type {Bar} */ bar) => begin(bar) + (bar.span ?? bar.ms);
  const end = bars.reduce((latest, bar) => Math.max(latest, endOf(bar)), known ? least : 0) || 1;
  const body = h("div", {class: "gantt-rows", role: "listbox", "aria-label": name, keydown: walk}),
    view = h("div", {class: "gantt-view"});
  const drawn = /** @type {Map<number, HTMLElement>} */ (new Map()), // by the place of the row
    buttons = /** @type {Map<number, HTMLElement>} */ (new Map()), // by the bar
    places = /** @type {Map<number, number>} */ (new Map()); // the row of a bar
  let rows = /** @type {Row[]} */ ([]),
    inLanes = false,
    chosen = -1,
    current = -1; // the bar that Tab leads to; its row is always drawn

  /** @param {boolean} [every] */
  function fill(every = false) {
    const few = every || rows.length <= ALL_AT_ONCE,
      start = few ? 0 : Math.max(0, Math.floor(view.scrollTop / ROW) - 20);
    const stop = few ? rows.length : Math.min(rows.length, start + Math.ceil(view.clientHeight / ROW || 20) + 40);
    const wanted = new Set(Array.from({length: stop - start}, (_, place) => start + place)).add(
      places.get(current) ?? -1,
    );
    for (const [place, element] of drawn) {
      if (wanted.has(place)) continue;
      element.remove();
      drawn.delete(place);
      for (const bar of rows[place].bars) buttons.delete(bar);
    }
    [...wanted]
      .filter((place) => place in rows)
      .sort((a, b) => a - b)
      .forEach((place, position) => {
        if (drawn.has(place)) return; // the element that has the focus keeps it
        const element = rowOf(rows[place]);
        element.style.top = `${place * ROW}px`;
        drawn.set(place, element);
        body.insertBefore(element, body.children[position] ?? null);
      });
    mark();
  }

  /** @param {Row} row */
  function rowOf({bars: members, title = "", note = "", packed}) {
    const made = members.map((index) => buttonOf(index, Boolean(packed)));
    if (made.length === 1 && !packed) return made[0];
    if (made.length === 0)
      return h("div", {class: "gantt-group", role: "presentation"}, bidi(title), h("span", {class: "hint"}, note));
    return h(
      "div",
      {class: "gantt-lane", role: "presentation"},
      h("span", {class: "gantt-name", title: title || null}, bidi(title)),
      h("span", {class: "gantt-track"}, made),
    );
  }

  /** @param {number} index @param {boolean} packed */
  function buttonOf(index, packed) {
    const bar = bars[index],
      open = () => {
        current = index;
        mark();
        bar.pick?.();
      };
    const button = (packed ? laneBar : barRow)(bar, begin(bar), end, {lane: inLanes ? laneOf(bar) : "", open});
    buttons.set(index, button);
    return button;
  }

  /** Mark the chosen bar, and the one that Tab leads to. */
  function mark() {
    for (const [index, button] of buttons) {
      button.classList.toggle("is-chosen", index === chosen);
      button.setAttribute("aria-selected", String(index === chosen));
      button.tabIndex = index === current ? 0 : -1;
    }
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const step = KEYS[event.key],
      all = [...places.keys()];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    current = all[Math.max(0, Math.min(all.length - 1, all.indexOf(current) + step))];
    fill();
    buttons.get(current)?.focus();
  }

  /** @param {string} by */
  function order(by) {
    const all = bars
      .map((_, index) => index)
      .sort((a, b) => (by === "duration" ? bars[b].ms - bars[a].ms : begin(bars[a]) - begin(bars[b]) || a - b));
    inLanes = by === "lane" || by === "packed";
    rows = inLanes ? laned(all, bars, by === "packed" ? {begin, endOf} : null) : all.map((index) => ({bars: [index]}));
    for (const kept of [drawn, buttons, places]) kept.clear();
    rows.forEach((row, place) => row.bars.forEach((index) => places.set(index, place)));
    current = chosen >= 0 ? chosen : ([...places.keys()][0] ?? -1);
    body.replaceChildren();
    body.style.height = `${rows.length * ROW}px`;
    view.scrollTop = 0;
    fill();
  }

  /** @param {number} index */
  function choose(index) {
    chosen = index;
    if (index >= 0) current = index;
    const top = (places.get(index) ?? 0) * ROW;
    if (index >= 0 && (top < view.scrollTop || top > view.scrollTop + view.clientHeight - 2 * ROW))
      view.scrollTop = Math.max(0, top - 4 * ROW);
    fill();
  }

  view.addEventListener("scroll", () => fill(), {passive: true});
  new ResizeObserver(() => fill()).observe(view);
  listen("beforeprint", () => {
    if (rows.length <= 2 * ALL_AT_ONCE) fill(true);
  });
  view.append(...[axis(end, ticks), strip].flatMap((one) => one ?? []), body);
  order("start");
  return Object.assign(view, {order, choose});
}

/** @param {Bar} bar */
function laneOf(bar) {
  return bar.lane ?? "unknown";
}

/**
 * @param {number[]} all by their start
 * @param {Bar[]} bars
 * @param {{begin: (bar: Bar) => number, endOf: (bar: Bar) => number} | null} times to pack each lane; null for headings
 * @returns {Row[]}
 */
function laned(all, bars, times) {
  /** @type {Map<string, number[]>} */
  const lanes = new Map();
  for (const index of all) {
    const lane = laneOf(bars[index]);
    if (!lanes.has(lane)) lanes.set(lane, []);
    lanes.get(lane)?.push(index);
  }
  return [...lanes].flatMap(([title, members]) => {
    if (times)
      return packed(members, bars, times).map((row, place) => ({title: place ? "" : title, bars: row, packed: true}));
    const sum = members.reduce((total, index) => total + bars[index].ms, 0);
    return [
      {title, note: ` ${plural(members.length, "bar")}, ${duration(sum)}`, bars: []},
      ...members.map((index) => ({bars: [index]})),
    ];
  });
}

/**
 * Return rows in which no bar begins before the one before it ended.
 * @param {number[]} members by their start
 * @param {Bar[]} bars
 * @param {{begin: (bar: Bar) => number, endOf: (bar: Bar) => number}} times
 */
function packed(members, bars, {begin, endOf}) {
  const found = /** @type {number[][]} */ ([]);
  for (const index of members) {
    const free = found.find((row) => endOf(bars[row[row.length - 1]]) <= begin(bars[index]));
    if (free) free.push(index);
    else found.push([index]);
  }
  return found;
}

/** @param {string} kind the class @param {number} from @param {number} to in percent */
function span(kind, from, to) {
  const element = h("span", {class: kind});
  element.style.left = `${from}%`;
  element.style.width = `${Math.max(0, to - from)}%`;
  return element;
}

/**
 * @param {Bar} bar
 * @param {number} start
 * @param {number} end
 * @param {{lane: string, open: () => void}} how
 */
function barRow(bar, start, end, {lane, open}) {
  const {name, ms, state, usual, pauses = [], marks = []} = bar,
    percent = (/** @type {number} */ time) => Math.min(100, (100 * time) / end);
  const left = percent(start),
    width = (100 * (bar.span ?? ms)) / end,
    near = left + width > 82,
    inside = near && width > 20;
  const time = h("span", {class: `gantt-time ${inside ? "inside" : ""}`}, duration(ms));
  if (near) time.style.right = `${100 - left - (inside ? width : 0)}%`;
  else time.style.left = `${left + width}%`;
  const waited = waitOf(bar, start) > end / 500,
    words = wordsOf(bar, start, waited, lane);
  return h(
    "button",
    {type: "button", class: "gantt-row", role: "option", click: open, "aria-label": words, title: words},
    h(
      "span",
      {class: "gantt-name"},
      state && icon(state, 13),
      bidi(name),
      marks.map((mark) => icon(mark, 12)),
    ),
    h(
      "span",
      {class: "gantt-track"},
      waited && span("gantt-wait", percent(bar.ready ?? start), left),
      usual && span("gantt-usual", percent(start + usual[0]), percent(start + usual[2])),
      usual && span("gantt-middle", percent(start + usual[1]), percent(start + usual[1])),
      span(`gantt-bar is-${state ?? "plain"}`, left, left + width),
      pauses.map(([from, to]) => span("gantt-pause", percent(from), percent(to))),
      time,
    ),
  );
}

/**
 * @param {Bar} bar
 * @param {number} start
 * @param {number} end
 * @param {{lane: string, open: () => void}} how
 */
function laneBar(bar, start, end, {lane, open}) {
  const words = wordsOf(bar, start, false, lane),
    button = h(
      "button",
      {type: "button", class: `lane-bar is-${bar.state ?? "plain"}`, role: "option", click: open, "aria-label": words},
      bidi(bar.name),
    );
  button.title = words;
  button.style.left = `min(${(100 * start) / end}%, 100% - 4px)`;
  button.style.width = `${(100 * (bar.span ?? bar.ms)) / end}%`;
  return button;
}

/**
 * Return the time that a bar could have run and did not; 0 if it is unknown.
 * @param {Bar} bar
 * @param {number} start
 */
function waitOf({ready}, start) {
  return ready === null || ready === undefined || !(start > ready) ? 0 : start - ready;
}

/** @param {Bar} bar @param {number} start @param {boolean} waited @param {string} lane */
function wordsOf(bar, start, waited, lane) {
  const {name, ms, state, usual, note, from = `from ${duration(start)}`} = bar;
  return [
    `${name}: ${state ? `${label(state)}, ` : ""}${duration(ms)}${bar.start === null ? "" : ` ${from}`}`,
    lane,
    waited && `waited ${duration(waitOf(bar, start))}`,
    usual && `usually ${duration(usual[0])} to ${duration(usual[2])}`,
    note,
  ]
    .filter(Boolean)
    .join(", ");
}

/** @param {number} end @param {Ticks} ticks */
function axis(end, ticks) {
  const track = h("span", {class: "gantt-track"});
  for (const [at, text] of ticks(end)) {
    const mark = h("span", {class: "gantt-tick"}, text);
    mark.style.left = `${(100 * at) / end}%`;
    track.append(mark);
  }
  return h("div", {class: "gantt-axis", "aria-hidden": "true"}, h("span", {class: "gantt-name"}), track);
}

/**
 * Return ticks that count from the start.
 * @type {Ticks}
 */
function unitTicks(end) {
  const rough = end / 6,
    power = 10 ** Math.floor(Math.log10(rough)),
    unit = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough) ?? rough;
  return Array.from({length: Math.floor((end * 0.97) / unit) + 1}, (_, place) => [
    place * unit,
    place === 0 ? "0" : clean(place * unit),
  ]);
}

/** @param {number} ms */
function clean(ms) {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  return ms < 60000 ? `${Number((ms / 1000).toPrecision(3))} s` : duration(ms);
}
