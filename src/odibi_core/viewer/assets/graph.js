// The pipeline as a graph: folded, filtered, searched, panned and zoomed. A canvas has the picture; nodes that are large
// enough to read are SVG above it.
import {h, listen} from "./dom.js";
import {rebuild} from "./graphbuild.js";
import {fitAll, reveal, start} from "./graphcamera.js";
import {listenToKeys} from "./graphkeys.js";
import {draw, emphasize, place} from "./graphnodes.js";
import {mapOf} from "./graphpaint.js";
import {listenToPointer} from "./graphpointer.js";
import {sceneOf} from "./graphscene.js";
import {key, toolsOf} from "./graphtools.js";

/** @typedef {import("./graphscene.js").Scene} Scene */

const PRINTED = 700; // pixels of a page of paper

/**
 * Return the section of the graph; null without steps.
 * @param {import("./types.js").Step[]} steps
 * @param {import("./types.js").Edge[]} edges
 * @param {import("./selection.js").Selection} selection
 * @param {import("./types.js").Memory} memory
 */
export function drawGraph(steps, edges, selection, memory) {
  if (steps.length === 0) return null;
  const scene = sceneOf(steps, edges, selection, memory);
  selection.on((index, from) => selected(scene, index, from));
  listenToKeys(scene);
  listenToPointer(scene);
  listenToColours(scene);
  listenToPrinter(scene);
  listenToSize(scene);
  const element = h(
    "section",
    {class: "section", id: "graph", "aria-labelledby": "graph-title"},
    h("div", {class: "panel graph"}, toolsOf(scene), scene.stage, scene.spoken),
    key(scene),
  );
  /** @param {Map<number, string>} marked classes of steps */
  const mark = (marked) => {
    [scene.marks, scene.built] = [marked, ""];
    place(scene);
  };
  return {element, mark};
}

/** @param {Scene} scene @param {number} index @param {string} from */
function selected(scene, index, from) {
  if (scene.memory.path === "selected") rebuild(scene, true);
  let node = scene.model.of.get(index) ?? -1;
  if (index >= 0 && node >= 0 && scene.model.nodes[node].group !== null) {
    scene.memory.open.add(/** @type {string} */ (scene.model.nodes[node].group));
    rebuild(scene, true);
    node = scene.model.of.get(index) ?? -1;
  }
  scene.current = node;
  emphasize(scene);
  if (node >= 0 && from !== "graph") reveal(scene, node);
  place(scene);
}

/** @param {Scene} scene */
function listenToColours(scene) {
  listen("change", () => recolour(scene), matchMedia("(prefers-color-scheme: dark)"));
  listen("odibi-theme", () => recolour(scene));
}

/** @param {Scene} scene */
function recolour(scene) {
  scene.painter.recolour();
  scene.drawSmall = mapOf(scene.small, scene.model, scene.graph);
  place(scene);
}

/** @param {Scene} scene */
function listenToPrinter(scene) {
  /** @param {string} width @param {string} zoomed */
  const resized = (width, zoomed) => {
    scene.stage.style.width = width;
    scene.stage.style.setProperty("zoom", zoomed);
  };
  listen("beforeprint", () => {
    scene.moving = false;
    fitAll(scene);
    recolour(scene);
    draw(scene);
    resized(`${scene.size[0]}px`, String(Math.min(1, PRINTED / scene.size[0]))); // a canvas is a picture: it keeps its size
  });
  listen("afterprint", () => {
    resized("", "");
    place(scene);
  });
}

/** @param {Scene} scene */
function listenToSize(scene) {
  const {stage} = scene,
    kept = scene.memory.view;
  new ResizeObserver(() => {
    const first = scene.size[0] === 0,
      same = stage.clientWidth === scene.size[0] && stage.clientHeight === scene.size[1];
    if (stage.clientWidth === 0 || same || (!first && matchMedia("print").matches)) return;
    scene.size = [stage.clientWidth, stage.clientHeight];
    if (first) rebuild(scene);
    else start(scene);
    if (first && kept) {
      [scene.scale, scene.left, scene.top] = kept;
      place(scene);
    }
  }).observe(stage);
}
