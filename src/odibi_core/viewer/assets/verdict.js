// @ts-nocheck
// The verdict: state, sentence, facts, figures, and the steps that need attention.
import {h, bidi} from "./dom.js";
import {ORDER, icon, label} from "./states.js";
import {count} from "./format.js";
import {drawStrip} from "./past.js";

export function drawVerdict(story, pick) {
  const {run, title} = story;
  return h("section", {class: `verdict is-${run.tone}`, id: "verdict"},
    h("div", {class: "verdict-icon"}, icon(run.tone, 44)),
    h("div", {class: "verdict-text"},
      h("p", {class: "eyebrow"}, run.label),
      bidi(title, "h1"),
      bidi(run.sentence, "p", "sentence"),
      h("dl", {class: "facts"}, facts(story).map(([name, value]) =>
        h("div", null, h("dt", null, name), bidi(value, "dd"))))),
    balance(story.counts, story.steps.length),
    drawStrip(story.strip),
    story.figures.length > 0 && h("dl", {class: "figures"}, story.figures.map((figure) =>
      h("div", {class: "figure"}, h("dt", null, figure.label), h("dd", null, figure.value),
        figure.note && bidi(figure.note, "dd", "note")))),
    story.attention.length > 0 && attention(story, pick),
    (story.commands ?? []).length > 0 && goOn(story.commands));
}

// The commands that resume the run and replay its failed steps; one click selects a whole one.
function goOn(commands) {
  return h("div", {class: "attention go-on"},
    h("h2", null, "Go on from here"),
    h("dl", null, commands.map(({label, text}) =>
      h("div", null, bidi(label, "dt"), h("dd", {class: "command"}, h("code", null, text))))));
}

function facts({run, title}) {
  return [["Started", run.started], ["Duration", run.duration], ["Partition", run.partition], ["Pipeline", run.pipeline === title ? "" : run.pipeline],
    ["Engine", run.engine], ["Run", run.id]].filter(([, value]) => value);
}

// One bar with the number of steps in each state.
function balance(counts, total) {
  const states = ORDER.filter((state) => counts[state]).reverse();
  if (total === 0) return null;
  return h("div", {class: "balance"},
    h("div", {class: "balance-bar", "aria-hidden": "true"}, states.map((state) => {
      const part = h("span", {class: `is-${state}`});
      part.style.flexGrow = String(counts[state]);
      return part;
    })),
    h("ul", {class: "balance-key"}, states.map((state) =>
      h("li", null, icon(state, 13), ` ${count(counts[state])} ${label(state).toLowerCase()}`))));
}

function attention({attention: entries, moreAttention: more, steps}, pick) {
  return h("div", {class: "attention"},
    h("h2", null, "Needs attention"),
    h("ul", null, entries.map(({step, anchor, name, tone, text}) => {
      const content = [icon(tone, 16, true), bidi(name ?? steps[step].name, "span", "attention-name"), bidi(text, "span", "attention-text")];
      return h("li", null, anchor ? h("a", {class: "attention-entry", href: `#${anchor}`}, content)
        : h("button", {type: "button", class: "attention-entry", click: () => pick(step)}, content));
    })),
    more > 0 && h("p", {class: "hint attention-more"}, `and ${count(more)} more: see the checks and steps below`));
}
