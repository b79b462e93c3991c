// The view of two runs: the verdict, the probable cause, and the differences with the changes around them.
import {h, bidi, section, copyButton} from "../dom.js";
import {count} from "../format.js";
import {icon} from "../states.js";
import {drawPage} from "../shell.js";

/** @typedef {import("../types.js").Comparison} Comparison */
/** @typedef {import("../types.js").ComparisonItem} Item */

/**
 * @param {HTMLElement} root
 * @param {Comparison} comparison
 * @param {import("../types.js").Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, comparison, services) {
  /** @param {Comparison} shown */
  const draw = (shown) =>
    drawPage(
      root,
      {
        kind: "comparison",
        parts: shown.sections.map(({title}) => [idOf(title), title]),
        main: content(shown, services),
      },
      services,
    );
  draw(comparison);
  return {update: (patch) => draw((comparison = {...comparison, ...patch}))};
}

/** @param {Comparison} comparison @param {import("../types.js").Services} services */
function content(comparison, services) {
  const tone = comparison.notable ? "warn" : "success";
  return [
    h(
      "section",
      {class: `verdict is-${tone}`, id: "verdict"},
      h("div", {class: "verdict-icon"}, icon(tone, 40)),
      h(
        "div",
        {class: "verdict-text"},
        h("p", {class: "eyebrow"}, comparison.notable ? "Different" : "No difference beyond the noise"),
        bidi(comparison.pipeline, "h1"),
        bidi(comparison.verdict, "p", "sentence"),
        comparison.cause && bidi(comparison.cause, "p", "cause"),
        h(
          "dl",
          {class: "facts"},
          [
            ["Run", comparison.after],
            ["Compared with", comparison.before],
          ].map(([name, run]) => runFact(String(name), /** @type {any} */ (run), services)),
        ),
      ),
    ),
    comparison.sections.map((part) => sectionOf(part)),
  ];
}

/** @param {string} name @param {{id: string, text: string}} run @param {import("../types.js").Services} services */
function runFact(name, run, services) {
  const link = services.link?.("run", run.id);
  return h(
    "div",
    null,
    h("dt", null, name),
    h(
      "dd",
      null,
      link ? h("a", {href: link}, bidi(run.text)) : bidi(run.text),
      " ",
      copyButton(run.id, `Copy the id of the run: ${name.toLowerCase()}`),
    ),
  );
}

/** @param {{title: string, folded?: boolean, items: Item[]}} part */
function sectionOf({title, folded, items}) {
  const list = h("ul", {class: "panel compared"}, items.map(itemOf));
  return section(
    idOf(title),
    title,
    count(items.length),
    folded ? h("details", null, h("summary", null, `Show all ${count(items.length)}`), list) : list,
  );
}

/** @param {Item} item */
function itemOf({label, text, notes, detail}) {
  return h(
    "li",
    {class: label ? null : "plain"},
    label && h("span", {class: "tag"}, label),
    h(
      "div",
      null,
      bidi(text, "p"),
      (notes ?? []).map((note) => bidi(note, "p", "hint")),
      detail && diffOf(detail),
    ),
  );
}

/** @param {string} detail */
function diffOf(detail) {
  const lines = detail
    .split("\n")
    .map((line) =>
      bidi(line === "" ? " " : line, "code", line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : null),
    );
  return h(
    "details",
    {open: lines.length <= 60},
    h("summary", null, detail.startsWith("---") ? "Diff" : "More"),
    h("div", {class: "code diff-lines", tabindex: "0", role: "region", "aria-label": "Lines"}, lines),
  );
}

/** @param {string} title */
function idOf(title) {
  return title.toLowerCase().replaceAll(" ", "-");
}
