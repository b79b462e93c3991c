// The timing of the steps: by start, duration, layer or worker, with usual range, waiting, attempts, cache and memory.
import {choice, h, section, svg} from "./dom.js";
import {duration, plural} from "./format.js";
import {usualRange} from "./past.js";
import {cacheMark, icon, label} from "./states.js";
import {drawTimeline} from "./timeline.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./timeline.js").Bar} Bar */

const MARKS = ["retry", "hit", "miss"];

/**
 * Return the section of the timing; null if no step has a duration.
 * @param {Step[]} steps
 * @param {number | undefined} took the duration of the run
 * @param {import("./selection.js").Selection} selection
 * @param {import("./types.js").Memory} memory
 */
export function drawTiming(steps, took, selection, memory) {
  const timed = steps
    .map((step, index) => ({step, index}))
    .filter(({step}) => step.durationMs !== undefined && step.state !== "skipped");
  if (timed.length === 0) return null;
  const known = timed.every(({step}) => step.startedMs !== undefined),
    workers = new Set(timed.flatMap(({step}) => step.worker ?? [])).size;
  const places = new Map(timed.map(({index}, place) => [index, place]));
  const bars = timed.map(({step, index}) => ({
    ...barOf(step, known ? steps : null),
    pick: () => selection.select(index, "timing"),
  }));
  const end = Math.max(took ?? 0, ...bars.map((bar) => (bar.start ?? 0) + (bar.span ?? bar.ms)));
  const measured = known ? timed.flatMap(({step}) => (step.memoryMb === undefined ? [] : step)) : [],
    strip = memoryStrip(measured, end),
    part = measured.length < timed.length ? `, known of ${measured.length} of ${plural(timed.length, "step")}` : "";
  const timeline = drawTimeline(bars, {label: "Timing of the steps", end: took, strip});
  const key = h("ul", {class: "balance-key"}, legend(bars, strip && `memory of the running steps${part}`));
  const order = (/** @type {string} */ value) => {
    memory.timing = value;
    key.hidden = value === "worker"; // the lanes have the bars alone
    bars.forEach((bar, place) => {
      bar.lane = value === "worker" ? timed[place].step.worker : timed[place].step.layer;
    });
    timeline.order({layer: "lane", worker: "packed"}[value] ?? value);
  };
  const toggle = choice("Order", orders(workers > 0), memory.timing ?? "start", order);
  order(memory.timing ?? "start");
  selection.on((index) => timeline.choose(places.get(index) ?? -1));
  const several = workers > 1 ? `${plural(timed.length, "step")} on ${plural(workers, "worker")}` : null;
  return section(
    "timing",
    "Timing",
    known ? several : "Start times are unknown: bars show durations only",
    h("div", {class: "panel gantt"}, h("div", {class: "tools"}, toggle), timeline),
    key,
  );
}

/** @param {boolean} withWorkers @returns {Array<[string, string]>} */
function orders(withWorkers) {
  return [
    ["start", "By start"],
    ["duration", "By duration"],
    ["layer", "By layer"],
    .../** @type {Array<[string, string]>} */ (withWorkers ? [["worker", "By worker"]] : []),
  ];
}

/**
 * @param {Step} step
 * @param {Step[] | null} steps all of them; null if the start of one is unknown
 * @returns {Bar}
 */
function barOf(step, steps) {
  const retried = (step.attempts ?? 1) > 1,
    cache = cacheMark(step.cached);
  const pauses = (step.retries ?? []).flatMap(({atMs, delayMs = 0}) =>
    steps && atMs !== undefined ? [/** @type {[number, number]} */ ([atMs, atMs + delayMs])] : [],
  );
  return {
    name: step.name,
    start: step.startedMs ?? null,
    ms: Number(step.durationMs),
    span: step.spanMs,
    state: step.state,
    usual: steps && usualRange(step, 3),
    ready: steps && step.up ? Math.max(...step.up.map((other) => endOf(steps[other]))) : null,
    pauses,
    marks: [retried && "retry", cache].flatMap((mark) => mark || []),
    note: [
      cache && label(cache).toLowerCase(),
      retried && `${step.attempts} attempts`,
      pauses.length > 0 && `${duration(pauses.reduce((sum, [from, to]) => sum + to - from, 0))} between them`,
    ]
      .filter(Boolean)
      .join(", "),
  };
}

/** @param {Step} step */
function endOf({startedMs = NaN, spanMs, durationMs = NaN}) {
  return startedMs + (spanMs ?? durationMs);
}

/** @param {Bar[]} bars @param {string | null} memory */
function legend(bars, memory) {
  const keys = /** @type {Array<[unknown, string, string]>} */ ([
    [bars.some((bar) => bar.usual), "usual", "usual range of the earlier runs"],
    [bars.some(({start, ready}) => (start ?? NaN) > (ready ?? NaN)), "wait", "waiting"],
    [bars.some((bar) => bar.pauses?.length), "pause", "from a failed attempt to the next one"],
    [memory, "memory", memory],
  ]);
  return [
    keys
      .filter(([is]) => is)
      .map(([, kind, text]) =>
        h("li", null, h("span", {class: `gantt-key ${kind}`, "aria-hidden": "true"}), ` ${text}`),
      ),
    MARKS.filter((mark) => bars.some((bar) => bar.marks?.includes(mark))).map((mark) =>
      h("li", null, icon(mark, 13), ` ${label(mark).toLowerCase()}`),
    ),
  ];
}

/**
 * Return the memory of the steps that run at each time, as a strip; null if it is unknown.
 * @param {Step[]} steps those with a known memory
 * @param {number} end
 */
function memoryStrip(steps, end) {
  const changes = steps.flatMap((step) =>
    step.memoryMb && step.memoryMb > 0
      ? [
          [step.startedMs ?? 0, step.memoryMb],
          [endOf(step), -step.memoryMb],
        ]
      : [],
  );
  if (changes.length === 0) return null;
  let sum = 0,
    most = 0,
    path = "M0 30";
  const levels = changes
    .sort((a, b) => a[0] - b[0] || b[1] - a[1])
    .map(([at, change]) => {
      sum += change;
      most = Math.max(most, sum);
      return [at, sum];
    });
  let last = 0;
  for (const [at, level] of levels) {
    const x = ((1000 * at) / end).toFixed(1),
      y = 30 - (26 * Math.max(0, level)) / most;
    path += `L${x} ${(30 - (26 * last) / most).toFixed(1)}L${x} ${y.toFixed(1)}`;
    last = Math.max(0, level);
  }
  const highest = `${most.toLocaleString("en", {maximumFractionDigits: 1})} MB`;
  return h(
    "div",
    {class: "gantt-memory"},
    h("span", {class: "gantt-name hint"}, `Memory ≤ ${highest}`),
    h(
      "span",
      {class: "gantt-track"},
      svg(
        "svg",
        {
          viewBox: "0 0 1000 30",
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `Memory of the running steps, at most ${highest}`,
        },
        svg("path", {d: `${path}L1000 30Z`}),
      ),
    ),
  );
}
