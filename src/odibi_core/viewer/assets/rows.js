// The rows of a step: lost, gained or without a match, each rule, and whether that is new.
import {h, bidi} from "./dom.js";
import {icon} from "./states.js";

/** @param {import("./types.js").Step} step */
export function drawRows(step) {
  return (
    step.rowChanges &&
    h(
      "section",
      {class: "row-changes"},
      h("h3", null, "Rows"),
      h(
        "ul",
        {class: "check-list"},
        step.rowChanges.map((change) =>
          h(
            "li",
            null,
            icon(change.unusual ? "warn" : "success", 15, true),
            h(
              "div",
              null,
              h(
                "p",
                null,
                change.frame && [bidi(change.frame, "code"), " "],
                bidi(change.sentence, change.unusual ? "strong" : "span"),
                change.unusual && [" ", h("span", {class: "tag is-warn"}, "unusual")],
                change.kind && h("span", {class: "hint"}, ` ${change.kind}`),
              ),
              (change.causes ?? []).map((cause) => rowCause(cause, change.since)),
              change.stages && rowStages(change.stages),
              change.reason && h("p", {class: "hint"}, "Unknown: ", bidi(change.reason)),
            ),
          ),
        ),
      ),
    )
  );
}

/** @param {{text: string, isNew?: boolean, same?: string[]}} cause @param {string | undefined} since */
function rowCause(cause, since) {
  return [
    h(
      "p",
      null,
      bidi(cause.text),
      since && cause.isNew !== undefined && " ",
      since &&
        cause.isNew !== undefined &&
        h("span", {class: cause.isNew ? "tag is-warn" : "hint"}, cause.isNew ? `new since ${since}` : `as in ${since}`),
    ),
    (cause.same ?? []).map((other) => h("p", {class: "hint"}, "the same rows: ", bidi(other))),
  ];
}

/** @param {string[]} texts */
function rowStages(texts) {
  return [
    h("p", {class: "hint"}, "Of the rows that reached each operator, as the engine ordered them:"),
    h(
      "ol",
      {class: "stages"},
      texts.map((text) => bidi(text, "li")),
    ),
  ];
}
