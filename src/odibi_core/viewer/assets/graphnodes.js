// The picture of the graph: what is dim, the frame that is drawn next, and the nodes above the canvas.
import {svg} from "./dom.js";
import {plural, short} from "./format.js";
import {reach} from "./graphmodel.js";
import {drawNode} from "./graphnode.js";
import {LEAST, MOST_NODES} from "./graphscene.js";
import {NODE_HEIGHT, NODE_WIDTH, isDense} from "./layout.js";

/** @typedef {import("./graphscene.js").Scene} Scene */

const READABLE = 0.45;
const SETTLE_MS = 140; // after the last movement

/**
 * The nodes that are not dim: found by the search, else those before and after the selected one.
 * @param {Scene} scene
 */
export function emphasize(scene) {
  const index = scene.selection.index,
    words = scene.memory.query.toLowerCase();
  const found = words
    ? scene.steps.flatMap((step, place) => (step.name.toLowerCase().includes(words) ? [place] : []))
    : index >= 0
      ? [...reach(scene.steps, [index], "up"), ...reach(scene.steps, [index], "down")]
      : null;
  const nodes = found && nodesOf(scene, found);
  scene.painter.emphasize(
    {
      nodes,
      near: words || !nodes ? null : nodes,
      critical: scene.memory.path === "critical" ? nodesOf(scene, scene.critical) : null,
    },
    !isReadable(scene),
  );
  [scene.emphasized, scene.built] = [nodes, ""];
  return found;
}

/** @param {Scene} scene @param {number[]} found */
function nodesOf(scene, found) {
  return new Set(found.flatMap((step) => scene.model.of.get(step) ?? []));
}

/** @param {Scene} scene */
export function isReadable(scene) {
  const seen =
    ((scene.size[0] / scene.scale) * (scene.size[1] / scene.scale)) /
    ((scene.graph.width * scene.graph.height) / Math.max(1, scene.model.nodes.length));
  return scene.scale >= READABLE && Math.min(seen, scene.model.nodes.length) <= MOST_NODES;
}

/**
 * Return true if the graph has no place on the page yet: nothing can be drawn, and no view computed.
 * @param {Scene} scene
 */
export function isHidden({size}) {
  return size[0] === 0 || size[1] === 0;
}

/** @param {Scene} scene @param {boolean} [gesture] the picture moves: it is drawn sharp at its end */
export function place(scene, gesture = false) {
  scene.moving = gesture;
  if (!scene.frame)
    scene.frame = requestAnimationFrame(() => {
      scene.frame = 0;
      draw(scene);
    });
  clearTimeout(scene.timer);
  if (gesture)
    scene.timer = setTimeout(() => {
      if (scene.stage.isConnected) place(scene);
    }, SETTLE_MS);
}

/** @param {Scene} scene */
export function draw(scene) {
  if (isHidden(scene)) return;
  const zooming = scene.moving && scene.scale !== scene.base[0],
    factor = scene.scale / scene.base[0],
    readable = zooming ? scene.wasReadable : isReadable(scene);
  if (readable !== scene.wasReadable) scene.painter.emphasize({}, !readable);
  scene.wasReadable = readable;
  scene.memory.view = [scene.scale, scene.left, scene.top];
  scene.painter.show({scale: scene.scale, left: scene.left, top: scene.top}, scene.moving);
  if (!zooming) {
    scene.base = [scene.scale, scene.left, scene.top];
    scene.plane.setAttribute("transform", `translate(${scene.left} ${scene.top}) scale(${scene.scale})`);
    inSight(scene, readable);
  }
  // A style moves the nodes as a picture: much faster than new places of their texts.
  scene.drawing.style.willChange = zooming ? "transform" : "";
  scene.drawing.style.transform = zooming
    ? `translate(${scene.left - scene.base[1] * factor}px, ${scene.top - scene.base[2] * factor}px) scale(${factor})`
    : "";
  drawMap(scene);
  [scene.stage.dataset.nodes, scene.stage.dataset.scale] = [String(scene.model.nodes.length), scene.scale.toFixed(3)];
}

/**
 * Build the nodes of the view and around it; nothing if they are there.
 * @param {Scene} scene
 * @param {boolean} readable
 */
function inSight(scene, readable) {
  const width = scene.size[0] / scene.scale,
    height = scene.size[1] / scene.scale,
    x = -scene.left / scene.scale,
    y = -scene.top / scene.scale;
  const cell = readable ? `${Math.floor(x / width)} ${Math.floor(y / height)} ${scene.scale < LEAST}` : "none";
  if (cell === scene.built) return;
  scene.built = cell;
  scene.details.replaceChildren();
  if (!readable) return;
  const [x1, y1] = [Math.floor(x / width) * width - NODE_WIDTH, Math.floor(y / height) * height - NODE_HEIGHT],
    [x2, y2] = [x1 + 2 * width + NODE_WIDTH, y1 + 2 * height + NODE_HEIGHT];
  const inside = (/** @type {number} */ node) =>
    scene.graph.x[node] >= x1 && scene.graph.x[node] <= x2 && scene.graph.y[node] >= y1 && scene.graph.y[node] <= y2;
  scene.model.nodes.forEach((node, index) => {
    if (inside(index)) scene.details.append(nodeOf(scene, index));
  });
  const dense = isDense(scene.model.nodes.length, scene.model.lines.length);
  scene.model.lines.forEach((line, edge) => {
    if (dense ? scene.emphasized?.has(line.from) && line.to === scene.current : inside(line.from) || inside(line.to))
      scene.details.append(...labelsOf(scene, line, edge));
  });
}

/** @param {Scene} scene @param {number} index */
function nodeOf(scene, index) {
  const node = scene.model.nodes[index],
    element = drawNode(node, scene.steps, scene.graph.x[index], scene.graph.y[index]);
  element.dataset.node = String(index);
  if (node.group === null) element.dataset.step = String(node.members[0]);
  element.classList.toggle("is-chosen", index === scene.current);
  const mark = node.group === null ? scene.marks.get(node.members[0]) : undefined;
  if (mark) element.classList.add(mark);
  element.classList.toggle("dim", Boolean(scene.emphasized && !scene.emphasized.has(index)));
  return element;
}

/** @param {Scene} scene @param {import("./graphmodel.js").Line} line @param {number} edge @returns {SVGElement[]} */
function labelsOf(scene, line, edge) {
  const found = /** @type {SVGElement[]} */ ([]),
    [x, y] = scene.graph.labels[edge];
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
        {class: "rows lost-rows", x: scene.graph.x[line.to] - 6, y: scene.graph.y[line.to] + NODE_HEIGHT / 2 + 18},
        `−${short(line.lost)}`,
        svg("title", null, `${plural(line.lost, "row")} lost`),
      ),
    );
  return found;
}

/** @param {Scene} scene */
function drawMap(scene) {
  scene.small.hidden =
    scene.graph.width * scene.scale <= scene.size[0] * 1.05 && scene.graph.height * scene.scale <= scene.size[1] * 1.05;
  if (!scene.small.hidden)
    scene.drawSmall({
      x: -scene.left / scene.scale,
      y: -scene.top / scene.scale,
      width: scene.size[0] / scene.scale,
      height: scene.size[1] / scene.scale,
    });
}
