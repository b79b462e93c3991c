// Draws the story into an element; runs at once on the data in the page.
import {h} from "./dom.js";
import {drawVerdict} from "./verdict.js";
import {drawGraph} from "./graph.js";
import {drawGantt} from "./gantt.js";
import {drawChecks} from "./checks.js";
import {drawCards} from "./cards.js";
import {drawActivity} from "./activity.js";
import {drawPurpose} from "./purpose.js";
import {drawUnusual} from "./unusual.js";
import {drawLineage} from "./lineage.js";

export function drawStory(host, story) {
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
  host.replaceChildren(topBar(parts), h("main", {class: "page"}, drawVerdict(story, pick), parts),
    h("footer", {class: "foot"}, "Recorded by odibi-core. This file is self-contained and makes no network requests."));
  document.documentElement.dataset.ready = "true";
}

function topBar(parts) {
  return h("header", {class: "bar"}, h("a", {class: "brand", href: "#verdict"}, h("b", null, "odibi"), " run story"),
    h("nav", {"aria-label": "Parts of this page"}, parts.map((part) => h("a", {href: `#${part.id}`}, part.querySelector("h2").textContent))),
    h("div", {class: "bar-tools"}, theme(), h("button", {type: "button", class: "quiet", click: () => print()}, "Print")));
}

// Light or dark follows the system until the switch is used.
function theme() {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  const button = h("button", {type: "button", class: "quiet", "aria-label": "Switch between light and dark", click: () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  }});
  dark.addEventListener("change", name);
  name();
  return button;
}

const saved = document.getElementById("story-data");
if (saved) drawStory(document.getElementById("story"), JSON.parse(saved.textContent));
