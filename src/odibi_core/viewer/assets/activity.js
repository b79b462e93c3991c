// The activity of the run beside its steps: captured errors, measured operations, costs, the log.
import {h, bidi, section, columnHead, scrolledTable} from "./dom.js";
import {count, duration, plural} from "./format.js";
import {drawLog} from "./log.js";
import {icon} from "./states.js";

/** @typedef {import("./types.js").Activity} Activity */

const NUMBERS = ["Calls", "Total", "Own", "Failed", "Estimated cost"];

/**
 * Return the sections that have content.
 * @param {Activity} activity
 * @param {import("./types.js").Memory} memory
 * @returns {HTMLElement[]}
 */
export function drawActivity(activity, memory) {
  return [errors(activity), operations(activity), costs(activity), drawLog(activity, memory)].flatMap(
    (one) => one ?? [],
  );
}

/** @param {Activity} activity */
function errors({errors: found, errorCount = 0}) {
  if (!found) return null;
  const more =
    errorCount > found.length
      ? `${plural(errorCount, "error")}, ${count(found.length)} different ones shown`
      : plural(errorCount, "error");
  return section(
    "errors",
    "Captured errors",
    more,
    h(
      "div",
      {class: "panel errors"},
      found.map((error) =>
        h(
          "div",
          {class: "trouble"},
          h(
            "p",
            null,
            icon("failed", 15, true),
            " ",
            error.type && bidi(error.type, "strong"),
            error.type && ": ",
            bidi(error.message),
            error.uncaught && h("span", {class: "tag is-failed"}, "uncaught"),
            (error.count ?? 1) > 1 && h("span", {class: "tag"}, plural(error.count ?? 1, "time")),
          ),
          (error.where || error.lastSeen) &&
            h(
              "p",
              {class: "hint"},
              [error.where && `in ${error.where}`, error.lastSeen && `last at ${error.lastSeen} UTC`]
                .filter(Boolean)
                .join(", "),
            ),
          error.traceback &&
            h(
              "details",
              null,
              h("summary", null, "Traceback"),
              h("pre", {dir: "auto", tabindex: "0"}, error.traceback),
            ),
        ),
      ),
    ),
  );
}

/** @param {Activity} activity */
function operations({operations: found}) {
  if (!found) return null;
  const longest = Math.max(...found.map((operation) => operation.totalMs ?? 0), 1e-9);
  return section(
    "operations",
    "Measured operations",
    "Each above its parts; own time is without that of the parts",
    table(
      "operations-table",
      "measured operations",
      ["Operation", "Calls", "Total", "Own", "Failed"],
      found.map((operation) => {
        const name = h("td", null, bidi(operation.name)),
          share = h("span", {class: "operation-bar", "aria-hidden": "true"});
        name.style.paddingInlineStart = `${16 + 20 * operation.depth}px`;
        if (operation.totalMs !== undefined) {
          share.style.width = `${(100 * operation.totalMs) / longest}%`;
          name.append(share);
        }
        return h(
          "tr",
          null,
          name,
          number(operation.calls, count),
          number(operation.totalMs, duration),
          number(operation.selfMs, duration),
          h(
            "td",
            {class: `number ${operation.failures ? "bad" : ""}`},
            operation.failures ? count(operation.failures) : "",
          ),
        );
      }),
    ),
  );
}

/** @param {Activity} activity */
function costs({cost}) {
  if (!cost) return null;
  return section(
    "costs",
    "Costs",
    `${cost.total} estimated${cost.note ? `, ${cost.note}` : ""}`,
    table(
      "costs-table",
      "costs",
      ["Operation", "Calls", "Estimated cost"],
      cost.rows.map(([name, calls, usd]) =>
        h("tr", null, h("td", null, bidi(name)), number(calls, count), h("td", {class: "number"}, usd)),
      ),
    ),
  );
}

/** @param {string} kind @param {string} label @param {string[]} names @param {HTMLElement[]} rows */
function table(kind, label, names, rows) {
  return scrolledTable(
    `Table: ${label}`,
    `table ${kind}`,
    names.map((name) => columnHead(name, NUMBERS.includes(name))),
    h("tbody", null, rows),
  );
}

/** @param {number | undefined} value @param {(value: number) => string} format */
function number(value, format) {
  return h("td", {class: "number"}, value === undefined ? "–" : format(value));
}
