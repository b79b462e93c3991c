// The timing of the steps: by start, duration, layer or worker, with their usual range, waiting, retries and memory.
import {choice, h, section, svg} from "./dom.js";
import {plural} from "./format.js";
import {usualRange} from "./past.js";
import {drawTimeline} from "./timeline.js";

/** @typedef {import("./types.js").Step} Step */

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
    name: step.name,
    start: step.startedMs ?? null,
    ms: step.durationMs ?? 0,
    span: step.spanMs,
    lane: step.layer,
    state: step.state,
    usual: known ? usualRange(step, 3) : null,
    ready:
      known && step.up
        ? Math.max(
            ...step.up.map(
              (other) => (steps[other].startedMs ?? NaN) + (steps[other].spanMs ?? steps[other].durationMs ?? NaN),
            ),
          )
        : null,
    marks: [(step.attempts ?? 1) > 1 && "retry"].flatMap((mark) => mark || []),
    note: [step.cached && "from the cache", (step.attempts ?? 1) > 1 && `${step.attempts} attempts`]
      .filter(Boolean)
      .join(", "),
    pick: () => selection.select(index, "timing"),
  }));
  const timeline = drawTimeline(bars, {
    label: "Timing of the steps",
    end: took,
    strip: known
      ? memoryStrip(
          timed.map(({step}) => step),
          Math.max(took ?? 0, ...bars.map((bar) => (bar.start ?? 0) + (bar.span ?? bar.ms))),
        )
      : null,
  });
  const orders = /** @type {Array<[string, string]>} */ ([
    ["start", "By start"],
    ["duration", "By duration"],
    ["layer", "By layer"],
  ]);
  if (workers > 0) orders.push(["worker", "By worker"]);
  const order = (/** @type {string} */ value) => {
    memory.timing = value;
    bars.forEach((bar, place) => {
      bar.lane = value === "worker" ? (timed[place].step.worker ?? "unknown") : timed[place].step.layer;
    });
    timeline.order(value === "layer" || value === "worker" ? "lane" : value);
  };
  const toggle = choice("Order", orders, memory.timing ?? "start", order);
  order(memory.timing ?? "start");
  selection.on((index) => timeline.choose(places.get(index) ?? -1));
  const some = (/** @type {boolean} */ has, /** @type {string} */ kind, /** @type {string} */ text) =>
    has && h("li", null, h("span", {class: `gantt-key ${kind}`, "aria-hidden": "true"}), ` ${text}`);
  const hint = known
    ? workers > 1
      ? `${plural(timed.length, "step")} on ${plural(workers, "worker")}`
      : null
    : "Start times are unknown: bars show durations only";
  return section(
    "timing",
    "Timing",
    hint,
    h("div", {class: "panel gantt"}, h("div", {class: "tools"}, toggle), timeline),
    h(
      "ul",
      {class: "balance-key"},
      some(
        bars.some((bar) => bar.usual),
        "usual",
        "usual range of the earlier runs",
      ),
      some(
        bars.some((bar) => bar.ready !== null && (bar.start ?? 0) > bar.ready),
        "wait",
        "waiting",
      ),
      some(timed.some(({step}) => step.memoryMb !== undefined) && known, "memory", "memory of the running steps"),
    ),
  );
}

/**
 * Return the memory of the steps that run at each time, as a strip; null if it is unknown.
 * @param {Step[]} steps
 * @param {number} end
 */
function memoryStrip(steps, end) {
  const changes = steps.flatMap(({startedMs = 0, durationMs = 0, spanMs, memoryMb}) =>
    memoryMb && memoryMb > 0
      ? [
          [startedMs, memoryMb],
          [startedMs + (spanMs ?? durationMs), -memoryMb],
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
  const words = `Memory of the running steps, at most ${most.toLocaleString("en", {maximumFractionDigits: 1})} MB`;
  return h(
    "div",
    {class: "gantt-memory"},
    h(
      "span",
      {class: "gantt-name hint"},
      `Memory, at most ${most.toLocaleString("en", {maximumFractionDigits: 1})} MB`,
    ),
    h(
      "span",
      {class: "gantt-track"},
      svg(
        "svg",
        {viewBox: "0 0 1000 30", preserveAspectRatio: "none", role: "img", "aria-label": words},
        svg("path", {d: `${path}L1000 30Z`}),
      ),
    ),
  );
}
