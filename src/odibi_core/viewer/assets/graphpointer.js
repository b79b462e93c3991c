// The graph by pointer: drag to move, Ctrl and the wheel to zoom, a click to choose, the small map to go far.
import {pick} from "./graphbuild.js";
import {zoom} from "./graphcamera.js";
import {isReadable, place} from "./graphnodes.js";
import {MOST_NODES} from "./graphscene.js";
import {NODE_HEIGHT, NODE_WIDTH} from "./layout.js";

/** @typedef {import("./graphscene.js").Scene} Scene */

/** @param {Scene} scene */
export function listenToPointer(scene) {
  const {stage} = scene;
  stage.addEventListener("wheel", (event) => wheeled(scene, event), {passive: false});
  stage.addEventListener("pointerdown", (event) => drag(scene, event));
  scene.small.addEventListener("pointerdown", (event) => dragMap(scene, event));
  stage.addEventListener("click", (event) => {
    const node = scene.moved ? -1 : under(scene, event);
    if (node >= 0) pick(scene, node);
  });
  stage.addEventListener("pointermove", (event) => hover(scene, event));
}

/** @param {Scene} scene @param {WheelEvent} event */
function wheeled(scene, event) {
  if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
  event.preventDefault();
  const box = scene.stage.getBoundingClientRect();
  zoom(scene, Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top, true);
}

/** @param {Scene} scene @param {PointerEvent} event */
function drag(scene, event) {
  if (event.button !== 0 || event.target === scene.small) return;
  const from = [event.clientX - scene.left, event.clientY - scene.top, event.clientX, event.clientY];
  scene.moved = false;
  dragged(scene, (next) => {
    if (!scene.moved && Math.hypot(next.clientX - from[2], next.clientY - from[3]) < 4) return;
    if (!scene.moved) scene.stage.setPointerCapture(event.pointerId);
    scene.moved = true;
    [scene.left, scene.top] = [next.clientX - from[0], next.clientY - from[1]];
    place(scene, true);
  });
}

/** @param {Scene} scene @param {PointerEvent} event */
function dragMap(scene, event) {
  const box = scene.small.getBoundingClientRect(),
    to = (/** @type {PointerEvent} */ next) => {
      const ratio = scene.graph.width / box.width;
      [scene.left, scene.top] = [
        scene.size[0] / 2 - (next.clientX - box.left) * ratio * scene.scale,
        scene.size[1] / 2 - (next.clientY - box.top) * ratio * scene.scale,
      ];
      place(scene, true);
    };
  scene.moved = true;
  to(event);
  dragged(scene, to);
}

/** @param {Scene} scene @param {(next: PointerEvent) => void} act */
function dragged({stage}, act) {
  stage.addEventListener("pointermove", act);
  for (const end of ["pointerup", "pointercancel"])
    stage.addEventListener(end, () => stage.removeEventListener("pointermove", act), {once: true});
}

/**
 * Return the node under the pointer; -1 for none.
 * @param {Scene} scene
 * @param {MouseEvent} event
 */
function under({stage, graph, left, top, scale}, event) {
  const box = stage.getBoundingClientRect(),
    x = (event.clientX - box.left - left) / scale,
    y = (event.clientY - box.top - top) / scale;
  return graph.x.findIndex(
    (nx, index) => x >= nx && x <= nx + NODE_WIDTH && y >= graph.y[index] && y <= graph.y[index] + NODE_HEIGHT,
  );
}

/**
 * Emphasize the edges of the node under the pointer.
 * @param {Scene} scene
 * @param {PointerEvent} event
 */
function hover(scene, event) {
  const {nodes, lines} = scene.model;
  if (event.buttons || nodes.length > MOST_NODES || scene.selection.index >= 0 || scene.memory.query) return;
  const node = under(scene, event);
  if (node === scene.hovered) return;
  scene.hovered = node;
  const beside = lines.flatMap((line) => (line.from === node ? [line.to] : line.to === node ? [line.from] : []));
  scene.painter.emphasize({near: node < 0 ? null : new Set([node, ...beside])}, !isReadable(scene));
  place(scene);
}
