// @ts-nocheck
// The unusual findings, and the differences to the last good run.
import {h, bidi} from "./dom.js";
import {count, plural} from "./format.js";
import {icon} from "./states.js";

// Returns one section with one or two panels; null without content.
export function drawUnusual(story, pick) {
  const found = (story.unusual ?? []).length > 0, compared = story.changes && (story.changes.list ?? []).length > 0;
  if (!found && !story.changes) return null;
  const title = found ? "Unusual" : "Changes";
  return h("section", {class: "section", id: "unusual", "aria-labelledby": "unusual-title"},
    h("h2", {id: "unusual-title", class: "unseen"}, title),
    h("div", {class: found && story.changes ? "pair" : "pair single"},
      found && h("div", {class: "panel findings"}, panelHead("warn", "Unusual", `compared with earlier runs of this pipeline`),
        h("ul", null, story.unusual.map((one) => finding(one, pick)))),
      story.changes && h("div", {class: "panel findings changes"},
        panelHead("retry", compared ? "Changed since the last good run" : "Nothing changed since the last good run", story.changes.with),
        compared && h("ul", null, story.changes.list.map((one) => changeOf(one, pick))),
        story.changes.more && h("p", {class: "hint findings-more"}, `and ${plural(story.changes.more, "more difference")}: odibi compare shows all`))));
}

function panelHead(state, title, note) {
  return h("header", {class: "panel-head"}, icon(state, 17), h("h3", null, title), note && bidi(note, "span", "hint"));
}

function stepButton(one, pick) {
  if (one.step !== undefined) return h("button", {type: "button", class: "link strong", click: () => pick(one.step)}, bidi(one.name));
  return one.name && bidi(one.name, "strong");
}

function finding(one, pick) {
  const follows = one.follows ?? [];
  return h("li", {class: "finding"},
    h("p", null, stepButton(one, pick), one.name && ": ", bidi(one.text)),
    (one.usual || one.family) && h("p", {class: "hint"}, one.family && h("span", {class: "tag"}, one.family), one.family && one.usual && " ", one.usual && bidi(one.usual)),
    follows.length > 0 && h("details", {class: "follows"}, h("summary", null, `${plural(follows.length, "finding")} that ${follows.length === 1 ? "follows" : "follow"} from it`),
      h("ul", null, follows.map((each) => h("li", null, stepButton(each, pick), each.name && ": ", bidi(each.text))))),
    one.id && h("p", {class: "hint command"}, h("code", null, `odibi ack ${one.id}`)));
}

function changeOf(one, pick) {
  return h("li", {class: "finding"},
    h("p", null, stepButton(one, pick), one.name && ": ", bidi(one.text)),
    (one.before !== undefined || one.after !== undefined) && h("p", {class: "values"},
      one.before !== undefined && bidi(one.before, "del"), one.before !== undefined && one.after !== undefined && h("span", {"aria-hidden": "true"}, " → "),
      one.after !== undefined && bidi(one.after, "ins")),
    one.why && bidi(one.why, "p", "hint"));
}
