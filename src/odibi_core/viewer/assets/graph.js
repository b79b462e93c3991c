// The pipeline as a graph: folded, filtered, searched, panned and zoomed. A canvas has the picture; nodes that are large
// enough to read are SVG above it.
import {choice, h, listen, svg} from "./dom.js";
import {count, plural, short} from "./format.js";
import {criticalPath, firstFold, modelOf, reach, stepsOf} from "./graphmodel.js";
import {drawNode} from "./graphnode.js";
import {mapOf, painterOf} from "./graphpaint.js";
import {NODE_HEIGHT, NODE_WIDTH, isDense, layout} from "./layout.js";
import {ORDER, icon, label} from "./states.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Edge} Edge */
/** @typedef {import("./selection.js").Selection} Selection */
/** @typedef {import("./graphmodel.js").Model} Model */
/** @typedef {import("./graphmodel.js").Fold} Fold */
/** @typedef {import("./layout.js").Layout} Layout */

const READABLE = 0.45;
const LEAST = 0.58; // smaller, and the names of a graph of few steps could not be read
const MOST_NODES = 260; // drawn in full at once
const TALLEST = 560;
const BELOW = 44; // pixels for the key
const PRINTED = 700; // pixels of a page of paper
const SETTLE_MS = 140; // after the last movement

/**
 * Return the section of the graph; null without steps.
 * @param {Step[]} steps
 * @param {Edge[]} edges
 * @param {Selection} selection
 * @param {import("./types.js").Memory} memory
 */
export function drawGraph(steps, edges, selection, memory) {
  if (steps.length === 0) return null;
  const canvas = h("canvas", {class: "graph-canvas", "aria-hidden": "true"}),
    details = svg("g"),
    ring = svg("rect", {class: "ring", rx: 14, width: NODE_WIDTH + 10, height: NODE_HEIGHT + 10});
  const plane = svg("g", null, ring, details),
    drawing = svg("svg", {class: "graph-nodes", "aria-hidden": "true"}, plane),
    map = h("canvas", {class: "graph-map", "aria-hidden": "true"});
  const stage = h(
    "div",
    {
      class: "graph-drawing",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "graph",
      "aria-label": `Graph of ${plural(steps.length, "step")}. Arrow keys move between steps, Enter opens a step, Escape closes it, plus and minus zoom.`,
    },
    canvas,
    drawing,
    map,
  );
  const spoken = h("p", {class: "unseen", role: "status"}),
    left_ = h("span", {class: "hint graph-shown", role: "status"});
  const state =
    /** @type {{fold: Fold, path: string, query: string, open: Set<string>, view: [number, number, number] | null}} */ (
      memory.graph ??= {fold: firstFold(steps), path: "all", query: "", open: new Set(), view: null}
    );
  const critical = criticalPath(steps);
  let model = /** @type {Model} */ ({nodes: [], lines: [], of: new Map()}),
    graph = layout([], []),
    painter = painterOf(canvas, model, graph),
    drawSmall = mapOf(map, model, graph);
  let scale = 1,
    left = 0,
    top = 0,
    current = -1,
    moved = false,
    built = "",
    frame = 0,
    size = [0, 0];

  /**
   * Compute what is shown, and where.
   * @param {boolean} [keep] keep the view if it is possible
   */
  function rebuild(keep = false) {
    model = modelOf(steps, edges, {
      fold: state.fold,
      shown: stepsOf(steps, state.path, selection.index),
      open: state.open,
    });
    graph = layout(
      model.nodes.map((node) => node.layer),
      model.lines.map((line) => [line.from, line.to]),
      Math.max(0.8, size[0] / TALLEST || 2.4),
    );
    painter = painterOf(canvas, model, graph);
    drawSmall = mapOf(map, model, graph);
    current = model.of.get(selection.index) ?? -1;
    const shown = model.nodes.reduce((sum, node) => sum + node.members.length, 0);
    left_.textContent =
      model.nodes.length === steps.length
        ? ""
        : shown === steps.length
          ? `${count(steps.length)} steps as ${plural(model.nodes.length, "node")}`
          : `${count(shown)} of ${count(steps.length)} steps`;
    emphasize();
    if (keep) return place();
    const natural = Math.min(size[0] / graph.width, 1),
      few = model.nodes.length <= MOST_NODES,
      wanted = graph.height * (few ? Math.max(natural, LEAST) : natural);
    const room = innerHeight - (stage.getBoundingClientRect().top + scrollY) - BELOW; // of the first screen
    stage.style.height = `${Math.round(Math.min(Math.max(wanted, few ? 170 : 420), room > 280 ? room : TALLEST, TALLEST))}px`;
    size[1] = stage.clientHeight;
    start();
  }

  /** The nodes that are not dim: found by the search, else those before and after the selected one. */
  function emphasize() {
    const index = selection.index,
      words = state.query.toLowerCase();
    const found = words
      ? steps.flatMap((step, place) => (step.name.toLowerCase().includes(words) ? [place] : []))
      : index >= 0
        ? [...reach(steps, [index], "up"), ...reach(steps, [index], "down")]
        : null;
    const nodes = found && nodesOf(found);
    painter.emphasize(
      {nodes, near: words || !nodes ? null : nodes, critical: state.path === "critical" ? nodesOf(critical) : null},
      !isReadable(),
    );
    [emphasized, built] = [nodes, ""];
    return found;
  }
  let marks = /** @type {Map<number, string>} */ (new Map());
  let emphasized = /** @type {Set<number> | null} */ (null);

  /** @param {number[]} found */
  function nodesOf(found) {
    return new Set(found.flatMap((step) => model.of.get(step) ?? []));
  }

  function isReadable() {
    const seen =
      ((size[0] / scale) * (size[1] / scale)) / ((graph.width * graph.height) / Math.max(1, model.nodes.length));
    return scale >= READABLE && Math.min(seen, model.nodes.length) <= MOST_NODES;
  }

  /** @param {boolean} [gesture] the picture moves: it is drawn sharp at its end */
  function place(gesture = false) {
    moving = gesture;
    if (!frame)
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw();
      });
    clearTimeout(timer);
    if (gesture)
      timer = setTimeout(() => {
        if (stage.isConnected) place();
      }, SETTLE_MS);
  }

  function draw() {
    const zooming = moving && scale !== base[0],
      factor = scale / base[0],
      readable = zooming ? wasReadable : isReadable();
    if (readable !== wasReadable) painter.emphasize({}, !readable);
    wasReadable = readable;
    state.view = [scale, left, top];
    painter.show({scale, left, top}, moving);
    if (!zooming) {
      base = [scale, left, top];
      plane.setAttribute("transform", `translate(${left} ${top}) scale(${scale})`);
      inSight(readable);
    }
    // A style moves the nodes as a picture: much faster than new places of their texts.
    drawing.style.willChange = zooming ? "transform" : "";
    drawing.style.transform = zooming
      ? `translate(${left - base[1] * factor}px, ${top - base[2] * factor}px) scale(${factor})`
      : "";
    drawMap();
    [stage.dataset.nodes, stage.dataset.scale] = [String(model.nodes.length), scale.toFixed(3)];
  }
  let wasReadable = true,
    moving = false,
    timer = 0,
    base = [1, 0, 0];

  /**
   * Build the nodes of the view and around it; nothing if they are there.
   * @param {boolean} readable
   */
  function inSight(readable) {
    const width = size[0] / scale,
      height = size[1] / scale,
      x = -left / scale,
      y = -top / scale;
    const cell = readable ? `${Math.floor(x / width)} ${Math.floor(y / height)} ${scale < LEAST}` : "none";
    if (cell === built) return;
    built = cell;
    details.replaceChildren();
    if (!readable) return;
    const [x1, y1] = [Math.floor(x / width) * width - NODE_WIDTH, Math.floor(y / height) * height - NODE_HEIGHT],
      [x2, y2] = [x1 + 2 * width + NODE_WIDTH, y1 + 2 * height + NODE_HEIGHT];
    const inside = (/** @type {number} */ node) =>
      graph.x[node] >= x1 && graph.x[node] <= x2 && graph.y[node] >= y1 && graph.y[node] <= y2;
    model.nodes.forEach((node, index) => {
      if (inside(index)) details.append(nodeOf(index));
    });
    const dense = isDense(model.nodes.length, model.lines.length);
    model.lines.forEach((line, edge) => {
      if (dense ? emphasized?.has(line.from) && line.to === current : inside(line.from) || inside(line.to))
        details.append(...labelsOf(line, edge));
    });
  }

  /** @param {number} index */
  function nodeOf(index) {
    const node = model.nodes[index],
      element = drawNode(node, steps, graph.x[index], graph.y[index]);
    element.dataset.node = String(index);
    if (node.group === null) element.dataset.step = String(node.members[0]);
    element.classList.toggle("is-chosen", index === current);
    const mark = node.group === null ? marks.get(node.members[0]) : undefined;
    if (mark) element.classList.add(mark);
    element.classList.toggle("dim", Boolean(emphasized && !emphasized.has(index)));
    return element;
  }

  /** @param {import("./graphmodel.js").Line} line @param {number} edge @returns {SVGElement[]} */
  function labelsOf(line, edge) {
    const found = /** @type {SVGElement[]} */ ([]),
      [x, y] = graph.labels[edge];
    if (line.rows !== null && !line.idle)
      found.push(
        svg(
          "text",
          {class: "rows", x, y: y - 6},
          short(line.rows),
          svg(
            "title",
            null,
            `${line.probable ? "Probable: a view or a copy was taken. " : ""}${plural(line.rows, "row")}${line.datasets.length ? ` of ${line.datasets.join(", ")}` : ""}`,
          ),
        ),
      );
    if (line.lost > 0)
      found.push(
        svg(
          "text",
          {class: "rows lost-rows", x: graph.x[line.to] - 6, y: graph.y[line.to] + NODE_HEIGHT / 2 + 18},
          `−${short(line.lost)}`,
          svg("title", null, `${plural(line.lost, "row")} lost`),
        ),
      );
    return found;
  }

  function drawMap() {
    map.hidden = graph.width * scale <= size[0] * 1.05 && graph.height * scale <= size[1] * 1.05;
    if (!map.hidden) drawSmall({x: -left / scale, y: -top / scale, width: size[0] / scale, height: size[1] / scale});
  }

  function whole() {
    return Math.min(size[0] / graph.width, size[1] / graph.height, 1);
  }

  function fitAll() {
    scale = whole();
    [left, top] = [(size[0] - graph.width * scale) / 2, (size[1] - graph.height * scale) / 2];
    place();
  }

  /** Show the whole graph, or its part with the first failure if it could not be read. */
  function start() {
    if (size[0] === 0) return;
    fitAll();
    if (model.nodes.length > MOST_NODES || scale >= LEAST) return;
    scale = LEAST;
    centre(
      Math.max(
        0,
        current,
        model.nodes.findIndex((node) => node.state === "failed" || node.state === "running"),
      ),
    );
  }

  /** @param {number} factor @param {number} [x] @param {number} [y] @param {boolean} [gesture] */
  function zoom(factor, x = size[0] / 2, y = size[1] / 2, gesture = false) {
    const next = Math.min(2.5, Math.max(Math.min(whole(), 0.4), scale * factor));
    [left, top] = [x - ((x - left) * next) / scale, y - ((y - top) * next) / scale];
    scale = next;
    place(gesture);
  }

  /** @param {number} node */
  function centre(node) {
    const x = graph.x[node] + NODE_WIDTH / 2,
      y = graph.y[node] + NODE_HEIGHT / 2;
    [left, top] = [
      hold(size[0] / 2 - x * scale, graph.width * scale, size[0]),
      hold(size[1] / 2 - y * scale, graph.height * scale, size[1]),
    ];
    place();
  }

  /** @param {number} node */
  function reveal(node) {
    const x = left + (graph.x[node] + NODE_WIDTH / 2) * scale,
      y = top + (graph.y[node] + NODE_HEIGHT / 2) * scale;
    if (x < 60 || y < 30 || x > size[0] - 60 || y > size[1] - 30) centre(node);
  }

  /** @param {number} node */
  function move(node) {
    current = node;
    const {name, layer, state: its, members, group} = model.nodes[node];
    for (const [key, value] of [
      ["x", graph.x[node] - 5],
      ["y", graph.y[node] - 5],
    ])
      ring.setAttribute(String(key), String(value));
    ring.classList.add("on");
    reveal(node);
    spoken.textContent =
      group === null
        ? `${name}, ${layer}, ${label(its)}`
        : `Group ${name} of ${plural(members.length, "step")}, ${label(its)}`;
  }

  /**
   * Select a step, or open a group.
   * @param {number} node
   */
  function pick(node) {
    const {group, members} = model.nodes[node];
    if (group === null) return selection.select(members[0] === selection.index ? -1 : members[0], "graph");
    state.open.add(group);
    rebuild(true);
    centre(model.of.get(members[0]) ?? 0);
  }

  selection.on((index, from) => {
    if (state.path === "selected") rebuild(true);
    let node = model.of.get(index) ?? -1;
    if (index >= 0 && node >= 0 && model.nodes[node].group !== null) {
      state.open.add(/** @type {string} */ (model.nodes[node].group));
      rebuild(true);
      node = model.of.get(index) ?? -1;
    }
    current = node;
    emphasize();
    if (node >= 0 && from !== "graph") reveal(node);
    place();
  });

  const tools = h(
    "div",
    {class: "tools graph-bar"},
    h("h2", {id: "graph-title"}, "Pipeline"),
    searchBox(),
    foldChoice(),
    pathChoice(),
    left_,
    zoomTools(),
  );

  function searchBox() {
    const query = state.query;
    let found = /** @type {number[]} */ ([]),
      next = 0;
    const note = h("span", {class: "hint", role: "status"});
    const box = h("input", {
      type: "search",
      class: "search graph-search",
      placeholder: "Find in the graph",
      "aria-label": "Find steps in the graph",
      input: () => {
        state.query = box.value.trim();
        [found, next] = [state.query ? (emphasize() ?? []) : (emphasize(), []), 0];
        note.textContent = state.query ? plural(found.length, "match", "matches") : "";
        place();
      },
      keydown: (event) => {
        if (event.key !== "Enter" || found.length === 0) return;
        const node = model.of.get(found[next++ % found.length]);
        if (node !== undefined) {
          move(node);
          centre(node);
        }
      },
    });
    box.value = query;
    return [box, note];
  }

  function foldChoice() {
    if (steps.length < 12) return null;
    return choice(
      "Fold",
      [
        ["none", "All steps"],
        ["layers", "Layers"],
        ["prefixes", "Names"],
      ],
      state.fold,
      (value) => {
        [state.fold, state.open] = [/** @type {Fold} */ (value), new Set()];
        rebuild();
      },
    );
  }

  function pathChoice() {
    const options = /** @type {Array<[string, string]>} */ ([
      ["all", "Everything"],
      ["critical", "Critical path"],
    ]);
    if (steps.some((step) => step.state === "failed" || step.state === "lost")) options.push(["failed", "Failed path"]);
    if (steps.some((step) => (step.lost ?? 0) > 0)) options.push(["lost", "Lost rows"]);
    options.push(["selected", "Selected"]);
    if (critical.length === 0) options.splice(1, 1);
    return (
      steps.length > 2 &&
      choice("Show", options, state.path, (value) => {
        state.path = value;
        rebuild();
      })
    );
  }

  stage.addEventListener("keydown", (event) => {
    /** @type {Record<string, () => void>} */
    const acts = {
      Enter: () => {
        if (current >= 0) pick(current);
      },
      Escape: () => selection.select(-1, "graph"),
      "+": () => zoom(1.3),
      "=": () => zoom(1.3),
      "-": () => zoom(1 / 1.3),
      0: fitAll,
    };
    const next = toward(event.key, current, model, graph);
    if (event.ctrlKey || event.metaKey || event.altKey || (next < 0 && !acts[event.key])) return;
    event.preventDefault();
    if (next >= 0) move(next);
    else acts[event.key]();
  });
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      const box = stage.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top, true);
    },
    {passive: false},
  );
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target === map) return;
    const from = [event.clientX - left, event.clientY - top, event.clientX, event.clientY];
    moved = false;
    dragged(event, (next) => {
      if (!moved && Math.hypot(next.clientX - from[2], next.clientY - from[3]) < 4) return;
      if (!moved) stage.setPointerCapture(event.pointerId);
      moved = true;
      [left, top] = [next.clientX - from[0], next.clientY - from[1]];
      place(true);
    });
  });
  map.addEventListener("pointerdown", (event) => {
    const box = map.getBoundingClientRect(),
      to = (/** @type {PointerEvent} */ next) => {
        const ratio = graph.width / box.width;
        [left, top] = [
          size[0] / 2 - (next.clientX - box.left) * ratio * scale,
          size[1] / 2 - (next.clientY - box.top) * ratio * scale,
        ];
        place(true);
      };
    moved = true;
    to(event);
    dragged(event, to);
  });
  /** @param {PointerEvent} event @param {(next: PointerEvent) => void} act */
  function dragged(event, act) {
    stage.addEventListener("pointermove", act);
    for (const end of ["pointerup", "pointercancel"])
      stage.addEventListener(end, () => stage.removeEventListener("pointermove", act), {once: true});
  }
  /** @param {MouseEvent} event the node under the pointer; -1 for none */
  function under(event) {
    const box = stage.getBoundingClientRect(),
      x = (event.clientX - box.left - left) / scale,
      y = (event.clientY - box.top - top) / scale;
    return graph.x.findIndex(
      (nx, index) => x >= nx && x <= nx + NODE_WIDTH && y >= graph.y[index] && y <= graph.y[index] + NODE_HEIGHT,
    );
  }
  stage.addEventListener("click", (event) => {
    const node = moved ? -1 : under(event);
    if (node >= 0) pick(node);
  });
  stage.addEventListener("pointermove", (event) => {
    if (event.buttons || model.nodes.length > MOST_NODES || selection.index >= 0 || state.query) return;
    const node = under(event),
      near =
        node < 0
          ? null
          : new Set([
              node,
              ...model.lines.flatMap((line) => (line.from === node ? [line.to] : line.to === node ? [line.from] : [])),
            ]);
    if (node === hovered) return;
    hovered = node;
    painter.emphasize({near}, !isReadable());
    place();
  });
  /** @param {string} width @param {string} zoomed */
  function resized(width, zoomed) {
    stage.style.width = width;
    stage.style.setProperty("zoom", zoomed);
  }
  function recolour() {
    painter.recolour();
    drawSmall = mapOf(map, model, graph);
    place();
  }
  let hovered = -1;
  const kept = state.view;
  listen("change", recolour, matchMedia("(prefers-color-scheme: dark)"));
  listen("odibi-theme", recolour);
  listen("beforeprint", () => {
    moving = false;
    fitAll();
    recolour();
    draw();
    resized(`${size[0]}px`, String(Math.min(1, PRINTED / size[0]))); // a canvas is a picture: it keeps its size
  });
  listen("afterprint", () => {
    resized("", "");
    place();
  });

  new ResizeObserver(() => {
    const first = size[0] === 0;
    if (
      stage.clientWidth === 0 ||
      (stage.clientWidth === size[0] && stage.clientHeight === size[1]) ||
      (!first && matchMedia("print").matches)
    )
      return;
    size = [stage.clientWidth, stage.clientHeight];
    if (first) rebuild();
    else start();
    if (first && kept) {
      [scale, left, top] = kept;
      place();
    }
  }).observe(stage);

  function zoomTools() {
    return h(
      "div",
      {class: "graph-tools"},
      [
        ["+", "Zoom in", () => zoom(1.3)],
        ["−", "Zoom out", () => zoom(1 / 1.3)],
        ["Fit", "Show the whole graph", fitAll],
      ].map(([text, name, act]) =>
        h(
          "button",
          {
            type: "button",
            "aria-label": /** @type {string} */ (name),
            title: /** @type {string} */ (name),
            click: /** @type {() => void} */ (act),
          },
          /** @type {string} */ (text),
        ),
      ),
    );
  }

  /** @param {Map<number, string>} marked classes of steps */
  const mark = (marked) => {
    [marks, built] = [marked, ""];
    place();
  };
  const element = h(
    "section",
    {class: "section", id: "graph", "aria-labelledby": "graph-title"},
    h("div", {class: "panel graph"}, tools, stage, spoken),
    key(steps, edges),
  );
  return {element, mark};
}

/**
 * The offset without an empty border, if the content is large enough.
 * @param {number} offset
 * @param {number} size
 * @param {number} room
 */
function hold(offset, size, room) {
  return size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, offset));
}

/**
 * Return the node that an arrow key leads to: along an edge sideways, else the nearest in that direction; -1 for none.
 * @param {string} pressed
 * @param {number} current
 * @param {Model} model
 * @param {Layout} graph
 */
function toward(pressed, current, model, graph) {
  const way = /** @type {Record<string, [number, number]>} */ ({
    ArrowRight: [1, 0],
    ArrowLeft: [-1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  })[pressed];
  if (!way) return -1;
  if (current < 0)
    return Math.max(
      0,
      model.nodes.findIndex((node) => node.state === "failed"),
    );
  const along =
    way[0] > 0
      ? model.lines.find((line) => line.from === current)?.to
      : way[0] < 0
        ? model.lines.find((line) => line.to === current)?.from
        : undefined;
  if (along !== undefined && along !== current) return along;
  let best = -1,
    least = Infinity;
  for (let index = 0; index < model.nodes.length; index++) {
    const dx = graph.x[index] - graph.x[current],
      dy = graph.y[index] - graph.y[current];
    const ahead = dx * way[0] + dy * way[1],
      aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
    if (ahead > 0 && ahead + 3 * aside < least) [best, least] = [index, ahead + 3 * aside];
  }
  return best;
}

/** @param {Step[]} steps @param {Edge[]} edges */
function key(steps, edges) {
  const states = new Set(steps.map((step) => step.state));
  return h(
    "ul",
    {class: "balance-key graph-key", "aria-label": "Key"},
    ORDER.filter((state) => states.has(state)).map((state) => h("li", null, icon(state, 13), ` ${label(state)}`)),
    edges.some((edge) => edge.rows) &&
      h(
        "li",
        null,
        svg("svg", {width: 26, height: 10, "aria-hidden": "true"}, svg("path", {class: "key-wide", d: "M0 5h26"})),
        " Wider: more rows",
      ),
    steps.some((step) => (step.lost ?? 0) > 0) && h("li", null, h("span", {class: "key-lost"}, "−1"), " Rows lost"),
    edges.some((edge) => edge.probable) &&
      h(
        "li",
        {class: "key-probable"},
        svg("svg", {width: 26, height: 8, "aria-hidden": "true"}, svg("path", {class: "way probable", d: "M0 4h26"})),
        " Probable: a view or a copy was taken",
      ),
    h("li", {class: "graph-help"}, "Drag to move, Ctrl + wheel to zoom"),
  );
}
