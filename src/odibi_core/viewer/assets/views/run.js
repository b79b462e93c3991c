// @ts-nocheck
// The view of one run: the verdict first, then every step.
import {drawVerdict} from "../verdict.js";
import {drawGraph} from "../graph.js";
import {drawGantt} from "../gantt.js";
import {drawChecks} from "../checks.js";
import {drawCards} from "../cards.js";
import {drawActivity} from "../activity.js";
import {drawPurpose} from "../purpose.js";
import {drawUnusual} from "../unusual.js";
import {drawLineage} from "../lineage.js";
import {drawPage} from "../shell.js";

export function mount(root, story, services) {
  draw(root, story, services);
  return {update: ({nodes, head}) => {
    const steps = story.steps.map((step) => nodes?.find((one) => one.name === step.name) ?? step);
    draw(root, story = {...story, steps, ...head}, services);
  }};
}

function draw(root, story, services) {
  const pick = (index) => cards.show(index);
  const cards = drawCards(story.steps, story.counts, pick);
  const parts = [
    drawUnusual(story, pick),
    drawGraph(story.steps, story.graph, pick),
    drawGantt(story.steps, story.run.durationMs, pick),
    drawChecks(story.steps, pick),
    story.steps.length > 0 && cards.element,
    drawLineage(story.columns, story.steps, pick),
    drawPurpose(story.purpose, pick),
    ...drawActivity(story.activity ?? {}),
  ].filter(Boolean);
  drawPage(root, {kind: "run story", parts: parts.map((part) => [part.id, part.querySelector("h2").textContent]), main: [drawVerdict(story, pick), parts]}, services);
}
