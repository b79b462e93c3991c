// @ts-nocheck
// The time of each step as a bar, in rows that are built when they come into view.
import {choice, h, bidi, section} from "./dom.js";
import {duration, plural} from "./format.js";
import {icon, label} from "./states.js";

const ROW = 28;
const ALL_AT_ONCE = 250;

export function drawGantt(steps, took, pick) {
  const timed = steps.map((step, index) => ({step, index})).filter(({step}) => step.durationMs !== undefined && step.state !== "skipped");
  if (timed.length === 0) return null;
  const known = timed.every(({step}) => step.startedMs !== undefined);
  const begin = (step) => (known ? step.startedMs : 0);
  const end = timed.reduce((latest, {step}) => Math.max(latest, begin(step) + span(step)), known ? took ?? 0 : 0) || 1;
  const by = {layer: rowsBy(timed, (step) => step.layer, begin), worker: rowsBy(timed, (step) => step.worker ?? "unknown", begin)};
  const workers = new Set(timed.map(({step}) => step.worker).filter(Boolean)).size;
  const body = h("div", {class: "gantt-rows"}), view = h("div", {class: "gantt-view", tabindex: "0", role: "region", "aria-label": "Timing of the steps"});
  let rows = by.layer, shown = "";

  function window_(every) {
    const few = every || rows.length <= ALL_AT_ONCE;
    const start = few ? 0 : Math.max(0, Math.floor(view.scrollTop / ROW) - 20);
    const stop = few ? rows.length : Math.min(rows.length, start + Math.ceil(view.clientHeight / ROW || 20) + 40);
    if (shown === `${start} ${stop}`) return;
    shown = `${start} ${stop}`;
    body.style.height = `${rows.length * ROW}px`;
    body.replaceChildren(...rows.slice(start, stop).map((row, offset) => {
      const element = row.title === undefined ? bar(row, begin(row.step), end, pick) : h("div", {class: "gantt-group"}, bidi(row.title), h("span", {class: "hint"}, row.note));
      element.style.top = `${(start + offset) * ROW}px`;
      return element;
    }));
  }

  const toggle = workers > 0 && choice("Group by", [["layer", "By layer"], ["worker", "By worker"]], "layer", (value) => {
    [rows, shown, view.scrollTop] = [by[value], "", 0];
    window_();
  });
  view.addEventListener("scroll", () => window_(), {passive: true});
  new ResizeObserver(() => window_()).observe(view);
  view.append(axis(end), body);
  window_();
  const hint = known ? workers > 1 ? `${plural(timed.length, "step")} on ${plural(workers, "worker")}` : null : "Start times are unknown: bars show durations only";
  return section("timing", "Timing", hint, h("div", {class: "panel gantt"}, toggle && h("div", {class: "tools"}, toggle), view));
}

// Of a step that was called several times, from the first call to the last.
function span(step) {
  return step.spanMs ?? step.durationMs;
}

function rowsBy(timed, key, begin) {
  const groups = Map.groupBy ? Map.groupBy(timed, ({step}) => key(step)) : grouped(timed, key);
  return [...groups].sort(([, a], [, b]) => earliest(a, begin) - earliest(b, begin)).flatMap(([title, members]) => [
    {title, note: ` ${plural(members.length, "step")}, ${duration(members.reduce((sum, {step}) => sum + step.durationMs, 0))}`},
    ...members.sort((a, b) => begin(a.step) - begin(b.step)),
  ]);
}

function earliest(members, begin) {
  return members.reduce((least, {step}) => Math.min(least, begin(step)), Infinity);
}

function grouped(timed, key) {
  const groups = new Map();
  for (const one of timed) groups.set(key(one.step), [...(groups.get(key(one.step)) ?? []), one]);
  return groups;
}

function bar({step, index}, start, end, pick) {
  const left = (100 * start) / end, width = (100 * span(step)) / end, near = left + width > 82, inside = near && width > 20;
  const block = h("span", {class: `gantt-bar is-${step.state}`}), time = h("span", {class: `gantt-time ${inside ? "inside" : ""}`}, duration(step.durationMs));
  block.style.left = `${left}%`;
  block.style.width = `${Math.max(width, 0)}%`;
  if (near) time.style.right = `${100 - left - (inside ? width : 0)}%`;
  else time.style.left = `${left + width}%`;
  return h("button", {type: "button", class: "gantt-row", click: () => pick(index), tabindex: "-1",
    "aria-label": `${step.name}: ${label(step.state)}, ${duration(step.durationMs)} from ${duration(start)}`},
  h("span", {class: "gantt-name"}, icon(step.state, 13), bidi(step.name)), h("span", {class: "gantt-track"}, block, time));
}

function axis(end) {
  const rough = end / 6, power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough);
  const track = h("span", {class: "gantt-track"});
  for (let tick = 0; tick <= end * 0.97; tick += unit) {
    const mark = h("span", {class: "gantt-tick"}, tick === 0 ? "0" : clean(tick));
    mark.style.left = `${(100 * tick) / end}%`;
    track.append(mark);
  }
  return h("div", {class: "gantt-axis", "aria-hidden": "true"}, h("span", {class: "gantt-name"}), track);
}

function clean(ms) {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  return ms < 60000 ? `${Number((ms / 1000).toPrecision(3))} s` : duration(ms);
}
