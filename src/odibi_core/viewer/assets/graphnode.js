// One node of a graph, drawn in full: a step or a group of steps.
import {svg} from "./dom.js";
import {count, duration, fit, plural, short} from "./format.js";
import {NODE_HEIGHT, NODE_WIDTH} from "./layout.js";
import {icon, label} from "./states.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./graphmodel.js").Node} Node */

const FONT = "system-ui, sans-serif";

/**
 * Return a node as SVG.
 * @param {Node} node
 * @param {Step[]} steps
 * @param {number} x
 * @param {number} y
 */
export function drawNode(node, steps, x, y) {
  const step = steps[node.members[0]],
    grouped = node.group !== null;
  const checks = grouped ? 0 : (step.checks ?? []).filter((check) => check.result === "failed").length;
  const badge =
    checks || (!grouped && step.rowChanges?.some((one) => one.unusual))
      ? "warn"
      : !grouped && (step.attempts ?? 1) > 1
        ? "retry"
        : null;
  const mark = badge && at(icon(badge, 14), NODE_WIDTH - 21, 7),
    room = NODE_WIDTH - 42;
  return svg(
    "g",
    {class: `node is-${node.state} ${grouped ? "group" : ""}`, transform: `translate(${x} ${y})`},
    svg(
      "title",
      null,
      grouped
        ? `${node.name}: ${plural(node.members.length, "step")}. A click shows them.`
        : `${step.name} (${step.layer}): ${label(step.state)}`,
    ),
    grouped && svg("rect", {class: "stack", x: 5, y: 5, width: NODE_WIDTH, height: NODE_HEIGHT, rx: 10}),
    svg("rect", {class: "box", width: NODE_WIDTH, height: NODE_HEIGHT, rx: 10}),
    at(icon(node.state, 19), 11, NODE_HEIGHT / 2 - 9.5),
    mark,
    svg(
      "text",
      {class: "node-name", x: 38, y: NODE_HEIGHT / 2 - 3},
      fit(grouped ? `${node.name}…` : step.name, room - (mark ? 18 : 0), `600 14px ${FONT}`),
    ),
    svg(
      "text",
      {class: "node-note", x: 38, y: NODE_HEIGHT / 2 + 14},
      fit(grouped ? groupNote(node, steps) : note(step), room, `12.5px ${FONT}`),
    ),
  );
}

/** @param {SVGElement} element @param {number} x @param {number} y */
function at(element, x, y) {
  element.setAttribute("x", String(x));
  element.setAttribute("y", String(y));
  return element;
}

/** @param {Step} step */
function note(step) {
  if (step.failedCalls) return `failed, ${count(step.failedCalls)} of ${count(step.calls)} calls`;
  if (step.state === "failed") return (step.attempts ?? 1) > 1 ? `failed, ${step.attempts} attempts` : "failed";
  if (step.state !== "success") return label(step.state).toLowerCase();
  const parts = [
    step.cached ? "cached" : "",
    step.calls ? `${short(step.calls)} ×` : "",
    step.cached || step.durationMs === undefined ? "" : duration(step.durationMs),
    step.rows === undefined ? "" : `${short(step.rows)} rows`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** @param {Node} node @param {Step[]} steps */
function groupNote(node, steps) {
  const bad = node.members.filter((index) => steps[index].state === "failed").length;
  return [plural(node.members.length, "step"), bad && `${count(bad)} failed`].filter(Boolean).join(" · ");
}
