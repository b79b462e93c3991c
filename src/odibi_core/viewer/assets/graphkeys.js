// The graph by keyboard: the arrows move between steps, Enter opens one, Escape closes it, plus and minus zoom.
import {move, pick} from "./graphbuild.js";
import {fitAll, zoom} from "./graphcamera.js";

/** @typedef {import("./graphscene.js").Scene} Scene */
/** @typedef {import("./graphmodel.js").Model} Model */
/** @typedef {import("./layout.js").Layout} Layout */

/** @param {Scene} scene */
export function listenToKeys(scene) {
  /** @type {Record<string, () => void>} */
  const acts = {
    Enter: () => {
      if (scene.current >= 0) pick(scene, scene.current);
    },
    Escape: () => scene.selection.select(-1, "graph"),
    "+": () => zoom(scene, 1.3),
    "=": () => zoom(scene, 1.3),
    "-": () => zoom(scene, 1 / 1.3),
    0: () => fitAll(scene),
  };
  scene.stage.addEventListener("keydown", (event) => {
    const next = toward(event.key, scene.current, scene.model, scene.graph);
    if (event.ctrlKey || event.metaKey || event.altKey || (next < 0 && !acts[event.key])) return;
    event.preventDefault();
    if (next >= 0) move(scene, next);
    else acts[event.key]();
  });
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
