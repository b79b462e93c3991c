// The view of one step over its last runs: figures with the usual range, findings, and the runs.
import {h, bidi, section} from "../dom.js";
import {count, duration, moment, plural, shortId} from "../format.js";
import {drawPage} from "../shell.js";
import {lineChart} from "../lines.js";
import {firstLine, linked, listing, pageHead, stateOf, time, toneOf} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

const FORMATS = /** @type {Record<string, (value: number) => string>} */ ({
  ms: duration,
  rows: (value) => count(Math.round(value)),
  share: (value) => `${(100 * value).toFixed(value < 0.1 ? 2 : 1)} %`,
});

/**
 * @param {HTMLElement} root
 * @param {any} history
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, history, services) {
  /** @param {any} series */
  const chart = (series) => {
    const unusual = new Set(
      history.findings
        .filter((/** @type {any} */ finding) => isAbout(finding, series))
        .map((/** @type {any} */ finding) => finding.run_id),
    );
    const points = history.runs.map((/** @type {any} */ run) => ({
      state: toneOf(run.state),
      title: moment(run.run_started)?.utc ?? run.run_id,
      link: services.link?.("run", run.run_id) ?? null,
      unusual: unusual.has(run.run_id),
    }));
    return lineChart(
      series.dataset ? `${series.name} in ${series.dataset}` : series.name,
      series,
      points,
      FORMATS[series.unit],
    );
  };
  const checked = history.runs.some(
    (/** @type {any} */ run) => run.checks_passed || run.checks_failed || run.checks_not_checked,
  );
  const parts = [
    section(
      "figures",
      "Figures",
      "The shaded range is usual, learned from the runs before; a ringed point is unusual",
      h("div", {class: "charts"}, history.series.map(chart)),
    ),
    history.columns.length > 0 &&
      section(
        "nulls",
        "Null rates",
        "Columns that had nulls, the largest change first",
        h("div", {class: "charts"}, history.columns.map(chart)),
      ),
    history.findings.length > 0 &&
      section(
        "findings",
        "Unusual",
        null,
        listing(
          "Findings",
          [
            {title: "Run", cell: (finding) => linked(services.link?.("run", finding.run_id), shortId(finding.run_id))},
            {title: "Finding", cell: (finding) => bidi(finding.message ?? "")},
            {title: "Was", cell: (finding) => finding.actual ?? ""},
            {title: "Usually", cell: (finding) => finding.expected ?? ""},
          ],
          history.findings,
          "",
        ),
      ),
    section(
      "runs",
      "Runs",
      null,
      listing(
        "Runs",
        [
          {title: "Started", kind: "whole", cell: (run) => time(run.run_started)},
          {
            title: "State",
            cell: (run) => [stateOf(run.state), run.error && h("div", {class: "hint"}, firstLine(run.error))],
          },
          {title: "Rows in", number: true, cell: (run) => count(run.rows_in)},
          {title: "Rows out", number: true, cell: (run) => count(run.rows_out)},
          {title: "Duration", number: true, cell: (run) => duration(run.duration_ms)},
          {title: "Attempts", number: true, cell: (run) => count(run.attempts)},
          ...(checked
            ? [
                {
                  title: "Checks",
                  cell: (/** @type {any} */ run) =>
                    run.checks_failed
                      ? h("span", {class: "bad"}, `${count(run.checks_failed)} failed`)
                      : run.checks_not_checked
                        ? `${count(run.checks_not_checked)} not checked`
                        : run.checks_passed
                          ? `${count(run.checks_passed)} passed`
                          : "",
                },
              ]
            : []),
          {title: "Run", cell: (run) => linked(services.link?.("run", run.run_id), shortId(run.run_id))},
        ],
        [...history.runs].reverse(),
        "",
      ),
    ),
  ].filter(Boolean);
  drawPage(
    root,
    {
      kind: "step",
      parts: [],
      main: [
        pageHead(history.step, [
          linked(services.link?.("pipeline", history.pipeline), history.pipeline),
          ` · ${history.layer ?? "step"} · last ${plural(history.runs.length, "run")}`,
        ]),
        parts,
      ],
    },
    services,
  );
  return {update: () => {}};
}

/** @param {any} finding @param {any} series */
function isAbout(finding, series) {
  if (series.dataset) return finding.family === "nulls" && finding.column_name === series.name;
  return (
    finding.family ===
    {"rows out": "rows", duration: "duration", selectivity: "selectivity"}[/** @type {"duration"} */ (series.name)]
  );
}
