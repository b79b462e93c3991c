// The panel of one step: what it did, why it failed, before and after, and everything that is known of it.
import {h, bidi, copyButton} from "./dom.js";
import {count, duration, plural} from "./format.js";
import {examples, share, verdictOf} from "./checks.js";
import {drawFrame} from "./frames.js";
import {logTable} from "./log.js";
import {figures, flow} from "./panelfigures.js";
import {drawPast} from "./past.js";
import {drawRows} from "./rows.js";
import {drawSource, drawTrace} from "./source.js";
import {cacheMark, icon, label} from "./states.js";
import {drawStatistics} from "./statistics.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Run} Run */
/** @typedef {(index: number) => void} Pick */

const MOST_LINES = 100; // of the log

/**
 * Return the panel, which follows the selection.
 * @param {Run} story
 * @param {import("./selection.js").Selection} selection
 * @param {import("./types.js").Services} services
 */
export function drawPanel(story, selection, services) {
  const panel = h("aside", {class: "step-panel", "aria-label": "Step", hidden: true});
  let origin = /** @type {Element | null} */ (null);
  const close = () => {
    selection.select(-1, "panel");
    if (origin instanceof HTMLElement && origin.isConnected) origin.focus({preventScroll: true});
  };

  /** @param {number} index @param {string} from */
  function show(index, from) {
    panel.hidden = index < 0;
    document.body.classList.toggle("has-panel", index >= 0);
    if (index < 0) return panel.replaceChildren();
    if (!["panel", "update"].includes(from) && !panel.contains(document.activeElement)) origin = document.activeElement;
    const step = story.steps[index],
      heading = h("h2", {tabindex: "-1", dir: "auto"}, step.name),
      pick = (/** @type {number} */ other) => selection.select(other, "panel");
    const link = services.link?.("step", step.name);
    panel.replaceChildren(
      h(
        "header",
        {class: `panel-head is-${step.state}`},
        icon(step.state, 22, true),
        h("div", {class: "panel-name"}, heading, h("p", {class: "card-kind"}, kindOf(step))),
        h(
          "div",
          {class: "panel-tools"},
          link && h("a", {href: link}, "History"),
          copyButton(step.name, "Copy the name of the step"),
          h("button", {type: "button", class: "quiet", "aria-label": "Close the step", click: close}, "✕"),
        ),
      ),
      stepBody(step, index, story, pick),
    );
    if (from === "update") return;
    panel.scrollTop = 0;
    if (from !== "address") heading.focus({preventScroll: true});
  }

  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  selection.on(show);
  return panel;
}

/** @param {Step} step */
export function kindOf(step) {
  const failed = (step.checks ?? []).filter((check) => check.result === "failed"),
    cache = cacheMark(step.cached);
  return [
    bidi([step.layer, step.type, step.engine].filter(Boolean).join(" · ")),
    step.takenFrom && h("span", {class: "tag"}, `taken from ${step.takenFrom}`),
    cache && h("span", {class: "tag"}, icon(cache, 12), ` ${label(cache).toLowerCase()}`),
    (step.attempts ?? 1) > 1 && h("span", {class: "tag"}, icon("retry", 12), ` ${step.attempts} attempts`),
    step.calls && h("span", {class: "tag"}, plural(step.calls, "call")),
    step.tasks && h("span", {class: "tag"}, plural(step.tasks, "item")),
    step.rowChanges?.some((one) => one.unusual) && h("span", {class: "tag is-warn"}, icon("warn", 12), " unusual rows"),
    step.failedCalls && h("span", {class: "tag is-failed"}, `${count(step.failedCalls)} failed`),
    failed.length > 0 && h("span", {class: "tag is-warn"}, icon("warn", 12), ` ${plural(failed.length, "check")}`),
  ];
}

/**
 * Return everything about a step.
 * @param {Step} step
 * @param {number} index
 * @param {Run} story
 * @param {Pick} pick
 */
export function stepBody(step, index, story, pick) {
  return h(
    "div",
    {class: "card-body"},
    step.error && trouble(step),
    step.skipReason && h("p", {class: "notice"}, "Skipped: ", bidi(step.skipReason)),
    figures(step),
    flow(step),
    drawRows(step),
    step.checks && checks(step.checks),
    relations(step, story.steps, pick),
    drawPast(step),
    step.retries && retries(step.retries),
    differences(step.diff),
    (step.before || step.after) &&
      h(
        "div",
        {class: "frames"},
        step.before &&
          h(
            "div",
            null,
            step.before.map((frame) => drawFrame("In", frame)),
          ),
        step.after && h("div", null, drawFrame("Out", step.after, step.diff)),
      ),
    statisticsOf(step),
    !step.error && drawSource(step),
    keys(step),
    files(story.purpose?.files, index),
    logOf(story.activity?.log, step.name),
  );
}

/**
 * Of the output, else of the first input that has some: a step that only writes.
 * @param {Step} step
 */
function statisticsOf(step) {
  const frame = [step.after, ...(step.before ?? [])].find((one) => one?.stats);
  return (
    frame &&
    h(
      "details",
      {class: "stats-of", open: true},
      h("summary", null, h("h3", null, "Column statistics", frame.name && [" ", bidi(frame.name, "code")])),
      drawStatistics(frame),
    )
  );
}

/** @param {Step} step */
function trouble(step) {
  return h(
    "div",
    {class: "trouble"},
    h(
      "p",
      null,
      step.errorType && bidi(step.errorType, "strong"),
      step.errorType && ": ",
      bidi(step.error),
      " ",
      copyButton([step.errorType, step.error].filter(Boolean).join(": "), "Copy the error"),
    ),
    drawSource(step),
    drawTrace(step),
  );
}

/** @param {Step} step @param {Step[]} steps @param {Pick} pick */
function relations(step, steps, pick) {
  const link = (/** @type {number} */ index) =>
    h(
      "button",
      {type: "button", class: "chip", click: () => pick(index)},
      icon(steps[index].state, 12),
      bidi(steps[index].name),
    );
  const row = (/** @type {string} */ title, /** @type {number[] | undefined} */ indices) =>
    indices &&
    h(
      "div",
      {class: "relation"},
      h("span", {class: "relation-title"}, title),
      indices.slice(0, 12).map(link),
      indices.length > 12 && h("span", {class: "hint"}, `and ${count(indices.length - 12)} more`),
    );
  return (step.up || step.down) && h("div", {class: "relations"}, row("Needs", step.up), row("Feeds", step.down));
}

/** @param {NonNullable<Step["retries"]>} found */
function retries(found) {
  return h(
    "section",
    null,
    h("h3", null, "Attempts"),
    h(
      "ol",
      {class: "retries"},
      found.map((retry) =>
        h(
          "li",
          null,
          h("strong", null, `Attempt ${retry.attempt ?? "?"}`),
          " ",
          bidi(retry.error ?? "failed"),
          retry.delayMs !== undefined && h("span", {class: "hint"}, ` · retried after ${duration(retry.delayMs)}`),
        ),
      ),
    ),
  );
}

/** @param {import("./types.js").Check[]} found */
function checks(found) {
  return h(
    "section",
    null,
    h("h3", null, "Checks"),
    h(
      "ul",
      {class: "check-list"},
      found.map((check) => {
        const [state, word] = verdictOf(check);
        return h(
          "li",
          null,
          icon(state, 15, true),
          h(
            "div",
            null,
            bidi(check.check, "strong"),
            " ",
            check.column && bidi(check.column, "code"),
            h("span", {class: "hint"}, ` ${word.toLowerCase()}`),
            check.result === "failed" && [" · ", share(check)],
            check.message && bidi(check.message, "p"),
            examples(check),
          ),
        );
      }),
    ),
  );
}

/** @param {Step["diff"]} diff */
function differences(diff) {
  if (!diff) return null;
  const chips = (/** @type {string} */ kind, /** @type {string} */ sign, /** @type {string[] | undefined} */ names) =>
    (names ?? []).map((name) =>
      h(
        "li",
        {class: kind},
        h("span", {"aria-hidden": "true"}, `${sign} `),
        h("span", {class: "unseen"}, `${kind}: `),
        bidi(name),
      ),
    );
  const changed = (diff.changed ?? []).map(([name, before, after]) =>
    h("li", {class: "changed"}, bidi(name), h("span", {class: "type"}, bidi(before), " → ", bidi(after))),
  );
  const renamed = (diff.renamed ?? []).map(([before, after]) =>
    h(
      "li",
      {class: "renamed"},
      h("span", {class: "unseen"}, "renamed: "),
      bidi(before),
      h("span", {class: "type"}, " → "),
      bidi(after),
    ),
  );
  return h(
    "section",
    null,
    h("h3", null, "Schema changes"),
    h("ul", {class: "diff"}, renamed, chips("added", "+", diff.added), chips("removed", "−", diff.removed), changed),
    diff.more && h("p", {class: "hint"}, `and ${plural(diff.more, "more change")}`),
  );
}

/**
 * The names under which the function takes and returns its datasets.
 * @param {Step} step
 */
function keys({inputs, outputs}) {
  const list = (/** @type {import("./types.js").Pairs | undefined} */ pairs, /** @type {string} */ word) =>
    (pairs ?? [])
      .slice(0, 50)
      .map(([name, key]) =>
        h("div", null, h("dt", null, word), h("dd", null, bidi(name, "code"), name !== key && [" ", bidi(key)])),
      );
  return (
    (inputs || outputs) &&
    h(
      "details",
      null,
      h("summary", null, "Parameters and datasets"),
      h("dl", {class: "pairs"}, list(inputs, "takes"), list(outputs, "returns")),
    )
  );
}

/** @param {import("./types.js").File[] | undefined} all @param {number} index */
function files(all, index) {
  const own = (all ?? []).filter((file) => file.step === index);
  return (
    own.length > 0 &&
    h(
      "section",
      null,
      h("h3", null, "Files"),
      h(
        "ul",
        {class: "check-list plain"},
        own.map((file) =>
          h(
            "li",
            null,
            h("span", {class: `tag access-${file.access}`}, file.access),
            h(
              "span",
              null,
              bidi(file.uri, "span", "uri"),
              h(
                "span",
                {class: "hint"},
                ` ${[file.rows && `${file.rows} rows`, file.size, file.modified].filter(Boolean).join(" · ")}`,
              ),
            ),
          ),
        ),
      ),
    )
  );
}

/** @param {import("./types.js").LogLine[] | undefined} lines @param {string} name */
function logOf(lines, name) {
  const own = (lines ?? []).filter((line) => line.within === name);
  return (
    own.length > 0 &&
    h(
      "details",
      {class: "step-log"},
      h("summary", null, h("h3", null, `Log: ${plural(own.length, "line")}`)),
      own.length > MOST_LINES && h("p", {class: "hint"}, `The last ${MOST_LINES}.`),
      logTable(own.slice(-MOST_LINES), `Log of ${name}`),
    )
  );
}
