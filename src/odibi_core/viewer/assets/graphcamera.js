// The view of the graph: the whole of it, nearer and farther, and the way to a node.
import {isHidden, place} from "./graphnodes.js";
import {LEAST, MOST_NODES} from "./graphscene.js";
import {NODE_HEIGHT, NODE_WIDTH} from "./layout.js";

/** @typedef {import("./graphscene.js").Scene} Scene */

/** @param {Scene} scene */
function whole(scene) {
  return Math.min(scene.size[0] / scene.graph.width, scene.size[1] / scene.graph.height, 1);
}

/** @param {Scene} scene */
export function fitAll(scene) {
  if (isHidden(scene)) return;
  scene.scale = whole(scene);
  [scene.left, scene.top] = [
    (scene.size[0] - scene.graph.width * scene.scale) / 2,
    (scene.size[1] - scene.graph.height * scene.scale) / 2,
  ];
  place(scene);
}

/**
 * Show the whole graph, or its part with the first failure if it could not be read.
 * @param {Scene} scene
 */
export function start(scene) {
  if (isHidden(scene)) return;
  fitAll(scene);
  if (scene.model.nodes.length > MOST_NODES || scene.scale >= LEAST) return;
  scene.scale = LEAST;
  centre(
    scene,
    Math.max(
      0,
      scene.current,
      scene.model.nodes.findIndex((node) => node.state === "failed" || node.state === "running"),
    ),
  );
}

/** @param {Scene} scene @param {number} factor @param {number} [x] @param {number} [y] @param {boolean} [gesture] */
export function zoom(scene, factor, x = scene.size[0] / 2, y = scene.size[1] / 2, gesture = false) {
  if (isHidden(scene)) return;
  const next = Math.min(2.5, Math.max(Math.min(whole(scene), 0.4), scene.scale * factor));
  [scene.left, scene.top] = [x - ((x - scene.left) * next) / scene.scale, y - ((y - scene.top) * next) / scene.scale];
  scene.scale = next;
  place(scene, gesture);
}

/** @param {Scene} scene @param {number} node */
export function centre(scene, node) {
  if (isHidden(scene)) return;
  const x = scene.graph.x[node] + NODE_WIDTH / 2,
    y = scene.graph.y[node] + NODE_HEIGHT / 2;
  [scene.left, scene.top] = [
    hold(scene.size[0] / 2 - x * scene.scale, scene.graph.width * scene.scale, scene.size[0]),
    hold(scene.size[1] / 2 - y * scene.scale, scene.graph.height * scene.scale, scene.size[1]),
  ];
  place(scene);
}

/** @param {Scene} scene @param {number} node */
export function reveal(scene, node) {
  const x = scene.left + (scene.graph.x[node] + NODE_WIDTH / 2) * scene.scale,
    y = scene.top + (scene.graph.y[node] + NODE_HEIGHT / 2) * scene.scale;
  if (x < 60 || y < 30 || x > scene.size[0] - 60 || y > scene.size[1] - 30) centre(scene, node);
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
