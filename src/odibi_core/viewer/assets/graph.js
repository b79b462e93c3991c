// @ts-nocheck
// The pipeline as a graph. Places come with the data; here it is drawn, panned and zoomed.
// Few steps are drawn once. Of many, an overview is drawn in a few paths, and the visible steps are drawn in full when they
// are large enough to read.
import {h, section, svg} from "./dom.js";
import {count, duration, fit, plural, short} from "./format.js";
import {ORDER, icon, label} from "./states.js";

const FEW = 300;
const READABLE = 0.5;
const LEAST = 0.7; // smaller, and the names of a graph of few steps could not be read
const FONT = "system-ui, sans-serif";

export function drawGraph(steps, graph, pick) {
  if (steps.length === 0) return null;
  const few = steps.length <= FEW;
  const edges = svg("g", {class: "edges"}), details = svg("g"), lit = svg("path", {class: "lit"}), ring = svg("rect", {class: "ring", rx: 14});
  const overview = svg("g", {class: "overview"}), plane = svg("g", null, bands(graph), edges, overview, lit, details, ring);
  const drawing = svg("svg", {class: "graph-drawing", tabindex: "0", role: "application", "aria-roledescription": "graph",
    "aria-label": `Graph of ${plural(steps.length, "step")}. Arrow keys move between steps, Enter opens a step's card, plus and minus zoom.`}, plane);
  const spoken = h("p", {class: "unseen", role: "status"});
  const frame = h("div", {class: "panel graph"}, drawing, tools(), spoken);
  const nodes = new Map(), joined = neighbours(steps.length, graph.edges);
  let scale = 1, left = 0, top = 0, current = -1, moved = false;

  edges.append(...lines(steps, graph));
  if (few) for (let index = 0; index < steps.length; index++) detail(index);
  else overview.append(...blocks(steps, graph));

  function detail(index) {
    const element = node(steps[index], graph.x[index], graph.y[index], graph);
    element.dataset.step = index;
    nodes.set(index, element);
    details.append(element, ...joined[index].filter((edge) => edge.from === index).map((edge) => rowsLabel(edge, steps)).filter(Boolean));
  }

  function place() {
    plane.setAttribute("transform", `translate(${left} ${top}) scale(${scale})`);
    if (!few) schedule();
  }

  let waiting = false;
  function schedule() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; inSight(); });
  }

  function inSight() {
    details.replaceChildren();
    nodes.clear();
    const readable = scale >= READABLE;
    overview.classList.toggle("behind", readable);
    if (!readable) return;
    const x1 = -left / scale - graph.nodeWidth, x2 = (drawing.clientWidth - left) / scale;
    const y1 = -top / scale - graph.nodeHeight, y2 = (drawing.clientHeight - top) / scale;
    for (let index = 0; index < steps.length; index++) {
      const x = graph.x[index], y = graph.y[index];
      if (x > x1 && x < x2 && y > y1 && y < y2) detail(index);
    }
  }

  function whole() {
    return Math.min(drawing.clientWidth / graph.width, drawing.clientHeight / graph.height, 1);
  }

  function fitAll() {
    scale = whole();
    [left, top] = [(drawing.clientWidth - graph.width * scale) / 2, (drawing.clientHeight - graph.height * scale) / 2];
    place();
  }

  function zoom(factor, x = drawing.clientWidth / 2, y = drawing.clientHeight / 2) {
    const next = Math.min(2.5, Math.max(Math.min(whole(), 0.4), scale * factor));
    [left, top] = [x - ((x - left) * next) / scale, y - ((y - top) * next) / scale];
    scale = next;
    place();
  }

  function centre(index) {
    const x = graph.x[index] + graph.nodeWidth / 2, y = graph.y[index] + graph.nodeHeight / 2;
    [left, top] = [hold(drawing.clientWidth / 2 - x * scale, graph.width * scale, drawing.clientWidth), hold(drawing.clientHeight / 2 - y * scale, graph.height * scale, drawing.clientHeight)];
    place();
  }

  function light(index) {
    lit.setAttribute("d", index < 0 ? "" : joined[index].map((edge) => edge.path).join(""));
  }

  function move(index) {
    current = index;
    for (const [name, value] of [["x", graph.x[index] - 5], ["y", graph.y[index] - 5], ["width", graph.nodeWidth + 10], ["height", graph.nodeHeight + 10]]) ring.setAttribute(name, value);
    ring.classList.add("on");
    light(index);
    const x = left + (graph.x[index] + graph.nodeWidth / 2) * scale, y = top + (graph.y[index] + graph.nodeHeight / 2) * scale;
    if (x < 60 || y < 30 || x > drawing.clientWidth - 60 || y > drawing.clientHeight - 30) centre(index);
    spoken.textContent = `${steps[index].name}, ${steps[index].layer}, ${label(steps[index].state)}`;
  }

  function tools() {
    const button = (text, name, act) => h("button", {type: "button", "aria-label": name, title: name, click: act}, text);
    return h("div", {class: "graph-tools"}, button("+", "Zoom in", () => zoom(1.3)), button("−", "Zoom out", () => zoom(1 / 1.3)), button("Fit", "Show the whole graph", fitAll));
  }

  drawing.addEventListener("keydown", (event) => {
    const acts = {Enter: () => current >= 0 && pick(current), "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: fitAll};
    const next = toward(event.key, current, steps, graph);
    if (event.ctrlKey || event.metaKey || event.altKey || (next < 0 && !acts[event.key])) return;
    event.preventDefault();
    if (next >= 0) move(next);
    else acts[event.key]();
  });
  drawing.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
    event.preventDefault();
    const box = drawing.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});
  drawing.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const start = [event.clientX - left, event.clientY - top, event.clientX, event.clientY];
    moved = false;
    const drag = (next) => {
      if (!moved && Math.hypot(next.clientX - start[2], next.clientY - start[3]) < 4) return;
      if (!moved) drawing.setPointerCapture(event.pointerId);
      moved = true;
      [left, top] = [next.clientX - start[0], next.clientY - start[1]];
      place();
    };
    drawing.addEventListener("pointermove", drag);
    for (const end of ["pointerup", "pointercancel"]) drawing.addEventListener(end, () => drawing.removeEventListener("pointermove", drag), {once: true});
  });
  const at = (event) => {
    const known = event.target.closest?.("[data-step]");
    return known ? Number(known.dataset.step) : few ? -1 : under(event);
  };
  function under(event) {
    const box = drawing.getBoundingClientRect(), x = (event.clientX - box.left - left) / scale, y = (event.clientY - box.top - top) / scale;
    return graph.x.findIndex((nx, index) => x >= nx && x <= nx + graph.nodeWidth && y >= graph.y[index] && y <= graph.y[index] + graph.nodeHeight);
  }
  drawing.addEventListener("click", (event) => { const index = at(event); if (!moved && index >= 0) pick(index); });
  if (few) {
    drawing.addEventListener("pointerover", (event) => light(at(event)));
    drawing.addEventListener("pointerleave", () => light(-1));
  }
  addEventListener("beforeprint", () => { drawing.setAttribute("viewBox", `0 0 ${graph.width} ${graph.height}`); plane.removeAttribute("transform"); });
  addEventListener("afterprint", () => { drawing.removeAttribute("viewBox"); place(); });

  let width = 0;
  new ResizeObserver(() => {
    if (drawing.clientWidth === 0 || drawing.clientWidth === width || matchMedia("print").matches) return;
    width = drawing.clientWidth;
    const natural = Math.min(width / graph.width, 1), wanted = few ? Math.max(natural, LEAST) : natural;
    drawing.style.height = `${Math.round(Math.min(Math.max(graph.height * wanted, 150), 580))}px`;
    fitAll();
    if (!few || scale >= LEAST) return;
    scale = LEAST;
    centre(Math.max(0, steps.findIndex((step) => step.state === "failed" || step.state === "running")));
  }).observe(frame);

  return section("graph", "Pipeline", "Drag to move, Ctrl + wheel to zoom, click a step for its card", frame, key(steps, graph.edges));
}

// The offset without an empty border, if the content is large enough.
function hold(offset, size, room) {
  return size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, offset));
}

function neighbours(count, edges) {
  const joined = Array.from({length: count}, () => []);
  for (const edge of edges) {
    joined[edge.from].push(edge);
    joined[edge.to].push(edge);
  }
  return joined;
}

function bands(graph) {
  const beyond = graph.bands.every((band) => band.y === 0) ? 2000 : 0; // a single row fills the panel, whatever its height
  return svg("g", {class: "bands"}, graph.bands.map((band, index) => [
    svg("rect", {x: band.x, y: band.y - beyond, width: band.width, height: band.height + 2 * beyond, class: index % 2 ? "odd" : "even"}),
    svg("text", {x: band.x + band.width / 2, y: band.y + 20}, fit(band.label.toUpperCase(), band.width - 20, `600 11px ${FONT}`))]));
}

function lines(steps, graph) {
  const ways = {whole: "", broken: "", probable: ""}, heads = {whole: "", broken: "", probable: ""};
  for (const edge of graph.edges) {
    const kind = idle(steps[edge.to]) ? "broken" : edge.probable ? "probable" : "whole";
    const x = graph.x[edge.to], y = graph.y[edge.to] + graph.nodeHeight / 2;
    ways[kind] += edge.path;
    heads[kind] += `M${x - 8} ${y - 4.5}L${x} ${y}L${x - 8} ${y + 4.5}z`;
  }
  return Object.keys(ways).flatMap((kind) => [svg("path", {class: `way ${kind}`, d: ways[kind]}), svg("path", {class: `head ${kind}`, d: heads[kind]})]);
}

// True for a step without a run of its own.
function idle(step) {
  return step.state === "skipped" || step.state === "pending";
}

function rowsLabel(edge, steps) {
  if (edge.rows === null || edge.rows === undefined || idle(steps[edge.to])) return null;
  return svg("text", {class: "rows", x: edge.label[0], y: edge.label[1] - 6}, short(edge.rows),
    svg("title", null, `${edge.probable ? "Probable: a view or a copy was taken. " : ""}${edge.rows} rows${edge.datasets.length ? ` of ${edge.datasets.join(", ")}` : ""}`));
}

function blocks(steps, graph) {
  const paths = {};
  steps.forEach((step, index) => {
    paths[step.state] = (paths[step.state] ?? "") + `M${graph.x[index]} ${graph.y[index]}h${graph.nodeWidth}v${graph.nodeHeight}h-${graph.nodeWidth}z`;
  });
  // The worst on top, so that one failure among thousands is seen.
  return [...ORDER].reverse().filter((state) => paths[state]).map((state) => svg("path", {class: `is-${state}`, d: paths[state]}));
}

function node(step, x, y, graph) {
  const checks = (step.checks ?? []).filter((check) => check.result === "failed").length, badge = checks ? "warn" : (step.attempts ?? 1) > 1 ? "retry" : null;
  const state = icon(step.state, 20), mark = badge && icon(badge, 15);
  state.setAttribute("x", 13);
  state.setAttribute("y", graph.nodeHeight / 2 - 10);
  if (mark) {
    mark.setAttribute("x", graph.nodeWidth - 24);
    mark.setAttribute("y", 9);
  }
  const room = graph.nodeWidth - 54;
  return svg("g", {class: `node is-${step.state}`, transform: `translate(${x} ${y})`},
    svg("title", null, `${step.name} (${step.layer}): ${label(step.state)}`),
    svg("rect", {width: graph.nodeWidth, height: graph.nodeHeight, rx: 10}), state, mark,
    svg("text", {class: "node-name", x: 43, y: graph.nodeHeight / 2 - 4}, fit(step.name, room - (mark ? 18 : 0), `600 14px ${FONT}`)),
    svg("text", {class: "node-note", x: 43, y: graph.nodeHeight / 2 + 14}, fit(note(step), room, `12.5px ${FONT}`)));
}

function note(step) {
  if (step.failedCalls) return `failed, ${count(step.failedCalls)} of ${count(step.calls)} calls`;
  if (step.state === "failed") return (step.attempts ?? 1) > 1 ? `failed, ${step.attempts} attempts` : "failed";
  if (step.state !== "success") return label(step.state).toLowerCase();
  const parts = [step.calls ? `${short(step.calls)} ×` : "", step.durationMs === undefined ? "" : duration(step.durationMs), step.rows === undefined ? "" : `${short(step.rows)} rows`];
  return parts.filter(Boolean).join(" · ");
}

// The step that an arrow key leads to: along an edge sideways, else the nearest in that direction; -1 for none.
function toward(key_, current, steps, graph) {
  const way = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[key_];
  if (!way) return -1;
  if (current < 0) return Math.max(0, steps.findIndex((step) => step.state === "failed"));
  const along = way[0] > 0 ? steps[current].down : way[0] < 0 ? steps[current].up : null;
  if (along) return along[0];
  let best = -1, least = Infinity;
  for (let index = 0; index < steps.length; index++) {
    const dx = graph.x[index] - graph.x[current], dy = graph.y[index] - graph.y[current];
    const ahead = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
    if (ahead > 0 && ahead + 3 * aside < least) [best, least] = [index, ahead + 3 * aside];
  }
  return best;
}

function key(steps, edges) {
  const states = new Set(steps.map((step) => step.state));
  return h("ul", {class: "balance-key graph-key", "aria-label": "Key"}, ORDER.filter((state) => states.has(state)).map((state) => h("li", null, icon(state, 13), ` ${label(state)}`)),
    edges.some((edge) => edge.probable) && h("li", {class: "key-probable"}, svg("svg", {width: 26, height: 8, "aria-hidden": "true"}, svg("path", {class: "way probable", d: "M0 4h26"})), " Probable: a view or a copy was taken"));
}
