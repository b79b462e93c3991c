// What the graph shows, laid out; and the step or group that is chosen in it.
import {count, plural} from "./format.js";
import {modelOf, stepsOf} from "./graphmodel.js";
import {centre, reveal, start} from "./graphcamera.js";
import {emphasize, place} from "./graphnodes.js";
import {mapOf, painterOf} from "./graphpaint.js";
import {LEAST, MOST_NODES} from "./graphscene.js";
import {layout} from "./layout.js";
import {label} from "./states.js";

/** @typedef {import("./graphscene.js").Scene} Scene */

const TALLEST = 560;
const BELOW = 44; // pixels for the key

/**
 * Compute what is shown, and where.
 * @param {Scene} scene
 * @param {boolean} [keep] keep the view if it is possible
 */
export function rebuild(scene, keep = false) {
  scene.model = modelOf(scene.steps, scene.edges, {
    fold: scene.memory.fold,
    shown: stepsOf(scene.steps, scene.memory.path, scene.selection.index),
    open: scene.memory.open,
  });
  scene.graph = layout(
    scene.model.nodes.map((node) => node.layer),
    scene.model.lines.map((line) => [line.from, line.to]),
    Math.max(0.8, scene.size[0] / TALLEST || 2.4),
  );
  scene.painter = painterOf(scene.canvas, scene.model, scene.graph);
  scene.drawSmall = mapOf(scene.small, scene.model, scene.graph);
  scene.current = scene.model.of.get(scene.selection.index) ?? -1;
  const shown = scene.model.nodes.reduce((sum, node) => sum + node.members.length, 0);
  scene.hint.textContent =
    scene.model.nodes.length === scene.steps.length
      ? ""
      : shown === scene.steps.length
        ? `${count(scene.steps.length)} steps as ${plural(scene.model.nodes.length, "node")}`
        : `${count(shown)} of ${count(scene.steps.length)} steps`;
  emphasize(scene);
  if (keep) return place(scene);
  const natural = Math.min(scene.size[0] / scene.graph.width, 1),
    few = scene.model.nodes.length <= MOST_NODES,
    wanted = scene.graph.height * (few ? Math.max(natural, LEAST) : natural);
  const room = innerHeight - (scene.stage.getBoundingClientRect().top + scrollY) - BELOW; // of the first screen
  scene.stage.style.height = `${Math.round(Math.min(Math.max(wanted, few ? 170 : 420), room > 280 ? room : TALLEST, TALLEST))}px`;
  scene.size[1] = scene.stage.clientHeight;
  start(scene);
}

/** @param {Scene} scene @param {number} node */
export function move(scene, node) {
  scene.current = node;
  const {name, layer, state: its, members, group} = scene.model.nodes[node];
  for (const [key, value] of [
    ["x", scene.graph.x[node] - 5],
    ["y", scene.graph.y[node] - 5],
  ])
    scene.ring.setAttribute(String(key), String(value));
  scene.ring.classList.add("on");
  reveal(scene, node);
  scene.spoken.textContent =
    group === null
      ? `${name}, ${layer}, ${label(its)}`
      : `Group ${name} of ${plural(members.length, "step")}, ${label(its)}`;
}

/**
 * Select a step, or open a group.
 * @param {Scene} scene
 * @param {number} node
 */
export function pick(scene, node) {
  const {group, members} = scene.model.nodes[node];
  if (group === null) return scene.selection.select(members[0] === scene.selection.index ? -1 : members[0], "graph");
  scene.memory.open.add(group);
  rebuild(scene, true);
  centre(scene, scene.model.of.get(members[0]) ?? 0);
}
