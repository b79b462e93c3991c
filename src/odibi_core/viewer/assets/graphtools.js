// The tools above the graph: search, folding, what is shown, zoom; and the key below it.
import {choice, h, svg} from "./dom.js";
import {plural} from "./format.js";
import {move, rebuild} from "./graphbuild.js";
import {centre, fitAll, zoom} from "./graphcamera.js";
import {emphasize, place} from "./graphnodes.js";
import {ORDER, icon, label} from "./states.js";

/** @typedef {import("./graphscene.js").Scene} Scene */
/** @typedef {import("./graphmodel.js").Fold} Fold */

/** @param {Scene} scene */
export function toolsOf(scene) {
  return h(
    "div",
    {class: "tools graph-bar"},
    h("h2", {id: "graph-title"}, "Pipeline"),
    searchBox(scene),
    foldChoice(scene),
    pathChoice(scene),
    scene.hint,
    zoomTools(scene),
  );
}

/** @param {Scene} scene */
function searchBox(scene) {
  const query = scene.memory.query;
  let found = /** @type {number[]} */ ([]),
    next = 0;
  const note = h("span", {class: "hint", role: "status"});
  const box = h("input", {
    type: "search",
    class: "search graph-search",
    placeholder: "Find in the graph",
    "aria-label": "Find steps in the graph",
    input: () => {
      scene.memory.query = box.value.trim();
      [found, next] = [scene.memory.query ? (emphasize(scene) ?? []) : (emphasize(scene), []), 0];
      note.textContent = scene.memory.query ? plural(found.length, "match", "matches") : "";
      place(scene);
    },
    keydown: (event) => {
      if (event.key !== "Enter" || found.length === 0) return;
      const node = scene.model.of.get(found[next++ % found.length]);
      if (node !== undefined) {
        move(scene, node);
        centre(scene, node);
      }
    },
  });
  box.value = query;
  return [box, note];
}

/** @param {Scene} scene */
function foldChoice(scene) {
  if (scene.steps.length < 12) return null;
  return choice(
    "Fold",
    [
      ["none", "All steps"],
      ["layers", "Layers"],
      ["prefixes", "Names"],
    ],
    scene.memory.fold,
    (value) => {
      [scene.memory.fold, scene.memory.open] = [/** @type {Fold} */ (value), new Set()];
      rebuild(scene);
    },
  );
}

/** @param {Scene} scene */
function pathChoice(scene) {
  const options = /** @type {Array<[string, string]>} */ ([
    ["all", "Everything"],
    ["critical", "Critical path"],
  ]);
  if (scene.steps.some((step) => step.state === "failed" || step.state === "lost"))
    options.push(["failed", "Failed path"]);
  if (scene.steps.some((step) => (step.lost ?? 0) > 0)) options.push(["lost", "Lost rows"]);
  options.push(["selected", "Selected"]);
  if (scene.critical.length === 0) options.splice(1, 1);
  return (
    scene.steps.length > 2 &&
    choice("Show", options, scene.memory.path, (value) => {
      scene.memory.path = value;
      rebuild(scene);
    })
  );
}

/** @param {Scene} scene */
function zoomTools(scene) {
  return h(
    "div",
    {class: "graph-tools"},
    [
      ["+", "Zoom in", () => zoom(scene, 1.3)],
      ["−", "Zoom out", () => zoom(scene, 1 / 1.3)],
      ["Fit", "Show the whole graph", () => fitAll(scene)],
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

/** @param {Scene} scene */
export function key({steps, edges}) {
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
