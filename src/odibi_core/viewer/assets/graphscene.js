// What the graph of a run is at this moment: its elements, its model and places, the view, and what is marked.
import {h, svg} from "./dom.js";
import {plural} from "./format.js";
import {criticalPath, firstFold} from "./graphmodel.js";
import {mapOf, painterOf} from "./graphpaint.js";
import {NODE_HEIGHT, NODE_WIDTH, layout} from "./layout.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Edge} Edge */
/** @typedef {import("./selection.js").Selection} Selection */
/** @typedef {import("./graphmodel.js").Model} Model */
/** @typedef {import("./graphmodel.js").Fold} Fold */
/** @typedef {ReturnType<typeof sceneOf>} Scene */

export const LEAST = 0.58; // smaller, and the names of a graph of few steps could not be read
export const MOST_NODES = 260; // drawn in full at once

/** @param {Step[]} steps */
function elementsOf(steps) {
  const canvas = h("canvas", {class: "graph-canvas", "aria-hidden": "true"}),
    details = svg("g"),
    ring = svg("rect", {class: "ring", rx: 14, width: NODE_WIDTH + 10, height: NODE_HEIGHT + 10});
  const plane = svg("g", null, ring, details),
    drawing = svg("svg", {class: "graph-nodes", "aria-hidden": "true"}, plane),
    small = h("canvas", {class: "graph-map", "aria-hidden": "true"});
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
    small,
  );
  const spoken = h("p", {class: "unseen", role: "status"}),
    hint = h("span", {class: "hint graph-shown", role: "status"});
  return {canvas, details, ring, plane, drawing, small, stage, spoken, hint};
}

/**
 * Return the state of a graph, before anything is laid out.
 * @param {Step[]} steps
 * @param {Edge[]} edges
 * @param {Selection} selection
 * @param {import("./types.js").Memory} kept
 */
export function sceneOf(steps, edges, selection, kept) {
  const memory =
    /** @type {{fold: Fold, path: string, query: string, open: Set<string>, view: [number, number, number] | null}} */ (
      kept.graph ??= {fold: firstFold(steps), path: "all", query: "", open: new Set(), view: null}
    );
  const elements = elementsOf(steps),
    model = /** @type {Model} */ ({nodes: [], lines: [], of: new Map()}),
    graph = layout([], []);
  return {
    ...elements,
    steps,
    edges,
    selection,
    memory, // kept when the page is drawn again
    critical: criticalPath(steps),
    model,
    graph,
    painter: painterOf(elements.canvas, model, graph),
    drawSmall: mapOf(elements.small, model, graph),
    scale: 1,
    left: 0,
    top: 0,
    size: [0, 0], // of the stage
    base: [1, 0, 0], // the scale and place for which the nodes were built
    current: -1, // the node of the ring and of the keys
    hovered: -1,
    moved: false, // by a drag: its end is no click
    moving: false,
    wasReadable: true,
    built: "", // the part of the graph whose nodes are built
    frame: 0,
    timer: 0,
    marks: /** @type {Map<number, string>} */ (new Map()), // classes of steps
    emphasized: /** @type {Set<number> | null} */ (null),
  };
}
