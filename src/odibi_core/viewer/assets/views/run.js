// The view of one run: the verdict first, then every step.
import {drawActivity} from "../activity.js";
import {drawChecks} from "../checks.js";
import {downloadButton, redrawn} from "../dom.js";
import {drawGraph} from "../graph.js";
import {drawLedger} from "../ledger.js";
import {drawLineage} from "../lineage.js";
import {drawPanel} from "../panel.js";
import {drawPurpose} from "../purpose.js";
import {selectionOf} from "../selection.js";
import {drawPage} from "../shell.js";
import {drawSteps} from "../steps.js";
import {drawTiming} from "../timing.js";
import {drawVerdict} from "../verdict.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("../types.js").Services} Services */
/** @typedef {import("../types.js").Memory} Memory */

/**
 * Draw a run. An update draws its parts again, except one in which the reader types.
 * @param {HTMLElement} root
 * @param {Run} story
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, story, services) {
  const selection = selectionOf(),
    memory = {};
  draw(root, story, {selection, memory, services});
  selection.start();
  return {update: (document) => draw(root, document, {selection, memory, services})};
}

/**
 * @param {HTMLElement} root
 * @param {Run} story
 * @param {{selection: import("../selection.js").Selection, memory: Memory, services: Services}} page
 */
function draw(root, story, {selection, memory, services}) {
  const {steps} = story,
    pick = (/** @type {number} */ index) => selection.select(index, "link");
  redrawn();
  selection.renew(steps);
  const graph = drawGraph(steps, story.graph.edges, selection, memory);
  const parts = [
    graph?.element,
    drawTiming(steps, story.run.durationMs, selection, memory),
    drawLedger(steps, pick),
    drawChecks(steps, pick),
    steps.length > 0 && drawSteps(story, selection, memory),
    drawLineage(story.columns, steps, pick, (marks) => graph?.mark(marks)),
    drawPurpose(story.purpose, pick),
    ...drawActivity(story.activity ?? {}, memory),
  ].flatMap((part) => part || []);
  const titles = /** @type {Array<[string, string]>} */ (
    parts.map((part) => [part.id, part.querySelector("h2")?.textContent ?? part.id])
  );
  const all = [drawVerdict(story, pick, services), ...parts],
    panel = drawPanel(story, selection, services);
  if (!replaced(root, all))
    drawPage(
      root,
      {
        kind: "run story",
        parts: titles,
        main: all,
        tools: downloadButton(`${story.run.id || "run"}.json`, () => JSON.stringify(story), "Data"),
      },
      services,
    );
  root.querySelector(":scope > .step-panel")?.remove();
  root.append(panel);
  if (selection.index >= 0) selection.select(selection.index, "update");
}

/**
 * Replace the parts of a drawn page; false if it has other parts.
 * @param {HTMLElement} root
 * @param {HTMLElement[]} parts
 */
function replaced(root, parts) {
  const main = root.querySelector(":scope > main.page"),
    old = main ? [...main.children] : [];
  if (!main || old.length !== parts.length || parts.some((part, place) => part.id !== old[place].id)) return false;
  parts.forEach((part, place) => {
    const typing = document.activeElement instanceof HTMLInputElement && old[place].contains(document.activeElement);
    if (!typing) old[place].replaceWith(part);
  });
  return true;
}
