// The source of a step with its failing line, and the frames of a traceback.
import {h, bidi} from "./dom.js";
import {count, plural} from "./format.js";

const AROUND = 400;

/** @param {import("./types.js").Step} step */
export function drawSource(step) {
  const source = step.source;
  if (!source) return null;
  const first = source.first ?? 1,
    failing = source.failing;
  const lines = h(
    "ol",
    {class: "code-lines"},
    source.lines
      .slice(0, AROUND)
      .map((line, place) =>
        h(
          "li",
          {class: place === failing ? "failing" : null},
          h("span", {class: "line-number", "aria-hidden": "true"}, String(first + place)),
          bidi(line === "" ? " " : line, "code"),
        ),
      ),
  );
  const name = source.file ? `${source.file}${source.first ? `:${source.first + (failing ?? 0)}` : ""}` : null;
  return h(
    "details",
    {class: "source", open: failing !== undefined},
    h(
      "summary",
      null,
      failing === undefined ? "Source" : `Source: it failed in line ${count(first + failing)}`,
      name && bidi(name, "span", "source-file"),
    ),
    h("div", {class: "code", tabindex: "0", role: "region", "aria-label": `Source of ${step.name}`}, lines),
    source.more && h("p", {class: "hint"}, `and ${plural(source.more, "more line")}`),
  );
}

/**
 * Return the frames of the program, the innermost first; those of libraries are in the whole traceback below.
 * @param {import("./types.js").Step} step
 */
export function drawTrace(step) {
  const {trace, traceback} = step;
  if (!traceback) return null;
  const whole = h(
    "details",
    {class: "whole-trace", open: !trace && step.state === "failed"},
    h(
      "summary",
      null,
      trace
        ? `The whole traceback${trace.others ? `, with ${plural(trace.others, "frame")} of libraries` : ""}`
        : "Traceback",
    ),
    h("pre", {dir: "auto", tabindex: "0"}, traceback),
  );
  if (!trace) return whole;
  return [
    h(
      "ol",
      {class: "trace"},
      trace.own.map((frame) =>
        h(
          "li",
          null,
          h(
            "p",
            null,
            frame.name && bidi(frame.name, "strong"),
            frame.name && h("span", {class: "hint"}, " in "),
            bidi(`${frame.file}:${frame.line}`, "span", "source-file"),
          ),
          frame.code && bidi(frame.code, "code", "trace-code"),
        ),
      ),
    ),
    whole,
  ];
}
