// The views of costs, usage, health checks and measurements: tables of one answer.
import {h, bidi, section, choice} from "../dom.js";
import {count, duration, plural, size, usd} from "../format.js";
import {drawPage} from "../shell.js";
import {barList} from "../lines.js";
import {ago, linked, listing, pageHead, stateOf, time} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

/**
 * @param {HTMLElement} root
 * @param {any} found with `kind`: costs, usage, health or metrics
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, found, services) {
  const draws = /** @type {Record<string, (found: any, services: Services) => import("../dom.js").Child>} */ ({
    costs,
    usage,
    health,
    metrics,
  });
  const draw = () => drawPage(root, {kind: found.kind, parts: [], main: draws[found.kind](found, services)}, services);
  draw();
  return {update: () => {}};
}

/** @param {any} found @param {Services} services */
function costs(found, services) {
  const by = choice(
    "Grouping",
    [
      ["operation", "Operation"],
      ["pipeline", "Pipeline"],
      ["step", "Step"],
      ["run", "Run"],
      ["day", "Day"],
    ],
    found.by,
    async (value) => {
      const next = await services.fetchJson?.("costs", {by: value});
      if (next) content.replaceChildren(...costTable(next, services));
    },
  );
  const content = h("div", null, costTable(found, services));
  return [pageHead("Costs", ["Since ", time(found.since)], services.fetchJson && by), content];
}

/** @param {{calls: number, cost_usd: number | null, unknown_costs: number}} total */
function costSum({calls, cost_usd: cost, unknown_costs: unknown}) {
  if (calls === 0) return "No calls.";
  if (cost === null) return `${plural(calls, "call")} of unknown cost.`;
  return `${plural(calls, "call")}, ${usd(cost)}${unknown ? `; the cost of ${plural(unknown, "call")} is unknown, and not in the sum` : ""}.`;
}

/** @param {any} found @param {Services} services */
function costTable(found, services) {
  const bars = found.rows
    .filter((/** @type {any} */ row) => row.cost_usd)
    .map((/** @type {any} */ row) => [row.name ?? "–", row.cost_usd]);
  return [
    h("p", {class: "hint"}, costSum(found.total)),
    listing(
      "Costs",
      [
        {
          title: found.by,
          cell: (row) =>
            found.by === "run"
              ? linked(services.link?.("run", row.name), row.name ?? "outside of any run")
              : bidi(row.name ?? "–"),
        },
        {title: "Calls", number: true, cell: (row) => count(row.calls)},
        {title: "Cost", number: true, cell: (row) => usd(row.cost_usd)},
        {
          title: "Processed",
          number: true,
          cell: (row) => (row.bytes_processed === null ? "–" : size(row.bytes_processed)),
        },
        {title: "Billed", number: true, cell: (row) => (row.bytes_billed === null ? "–" : size(row.bytes_billed))},
      ],
      found.rows,
      "No cost is recorded.",
    ),
    ...(bars.length > 1 ? [barList("Costs", bars, usd)] : []),
  ];
}

/** @param {any} found */
function readOf(found) {
  return [
    `Of ${plural(found.runs_read, "run")} since `,
    time(found.since),
    found.runs_left_out > 0 && `; ${plural(found.runs_left_out, "older run")} left out`,
  ];
}

/** @param {any} found */
function usage(found) {
  /** @param {string} id @param {string} title @param {Record<string, number>} counts */
  const counted = (id, title, counts) =>
    Object.keys(counts).length > 0 &&
    section(
      id,
      title,
      null,
      barList(
        title,
        Object.entries(counts).sort((one, other) => other[1] - one[1]),
        count,
      ),
    );
  const commands = Object.entries(found.commands),
    checks = Object.entries(found.data_quality);
  return [
    pageHead("Usage", readOf(found)),
    section(
      "commands",
      "Commands",
      null,
      listing(
        "Commands",
        [
          {title: "Command", cell: ([name]) => bidi(name)},
          {title: "Started", number: true, cell: ([, one]) => count(one.started)},
          {title: "Succeeded", number: true, cell: ([, one]) => count(one.success)},
          {
            title: "Failed",
            number: true,
            cell: ([, one]) => (one.failed ? h("span", {class: "bad"}, count(one.failed)) : "0"),
          },
          {title: "Average", number: true, cell: ([, one]) => duration(one.avg_duration_ms)},
          {title: "Longest", number: true, cell: ([, one]) => duration(one.max_duration_ms)},
          {title: "Last", cell: ([, one]) => ago(one.last_used)},
        ],
        commands,
        "No command was tracked.",
      ),
    ),
    section(
      "checks",
      "Data checks",
      null,
      listing(
        "Data checks",
        [
          {title: "Check", cell: ([name]) => bidi(name)},
          {title: "Asked", number: true, cell: ([, one]) => count(one.executed)},
          {title: "Passed", number: true, cell: ([, one]) => count(one.passed)},
          {
            title: "Failed",
            number: true,
            cell: ([, one]) => (one.failed ? h("span", {class: "bad"}, count(one.failed)) : "0"),
          },
          {title: "Not checked", number: true, cell: ([, one]) => count(one.not_checked)},
          {
            title: "Rate",
            number: true,
            cell: ([, one]) => (one.pass_rate === null ? "–" : `${Math.round(100 * one.pass_rate)} %`),
          },
        ],
        checks,
        "No check was asked.",
      ),
    ),
    counted("features", "Features", found.features),
    counted("arguments", "Arguments", found.arguments),
    counted("operations", "BigQuery operations", found.bigquery_operations),
  ];
}

/** @param {any} found */
function health(found) {
  return [
    pageHead("Health", readOf(found)),
    found.problems.length > 0 &&
      h(
        "ul",
        {class: "trouble", role: "alert"},
        found.problems.map((/** @type {string} */ text) => h("li", null, bidi(text))),
      ),
    section(
      "checks",
      "Checks",
      "The last recorded result of each",
      listing(
        "Checks",
        [
          {title: "Check", cell: ([name]) => bidi(name)},
          {title: "Status", cell: ([, one]) => stateOf(one.status, one.status)},
          {title: "Since", cell: ([, one]) => ago(one.since)},
          {title: "Last", cell: ([, one]) => ago(one.last)},
          {title: "Message", cell: ([, one]) => bidi(one.message ?? "")},
        ],
        Object.entries(found.checks),
        "No check is recorded: odibi health runs them, and a program records its own.",
      ),
    ),
    section(
      "circuits",
      "Circuits",
      null,
      listing(
        "Circuits",
        [
          {title: "Circuit", cell: ([name]) => bidi(name)},
          {
            title: "State",
            cell: ([, one]) =>
              stateOf(one.state === "closed" ? "success" : one.state === "open" ? "failed" : "warn", one.state),
          },
          {title: "Since", cell: ([, one]) => ago(one.since)},
          {title: "Changes", number: true, cell: ([, one]) => count(one.changes)},
        ],
        Object.entries(found.circuits),
        "No circuit breaker is recorded.",
      ),
    ),
  ];
}

/** @param {any} found @param {Services} services */
function metrics(found, services) {
  const steps = [...found.by_node].sort((one, other) => (other.duration_ms ?? 0) - (one.duration_ms ?? 0));
  return [
    pageHead("Metrics", ["Of ", linked(services.link?.("run", found.run_id), found.run_id), ", as at its end"]),
    section(
      "steps",
      "Steps",
      null,
      listing(
        "Steps",
        [
          {title: "Step", cell: (one) => bidi(one.node_name)},
          {title: "Duration", number: true, cell: (one) => duration(one.duration_ms)},
          {title: "Rows", number: true, cell: (one) => count(one.row_count)},
          {
            title: "Rows a second",
            number: true,
            cell: (one) => (one.throughput === null ? "–" : count(Math.round(one.throughput))),
          },
          {
            title: "Memory",
            number: true,
            cell: (one) => (one.memory_mb === null ? "–" : `${count(Math.round(one.memory_mb))} MB`),
          },
        ],
        steps,
        "No step is measured.",
      ),
    ),
    Object.entries(found.by_type).map(([name, all]) =>
      section(
        name,
        name,
        plural(/** @type {any[]} */ (all).length, "series", "series"),
        h(
          "details",
          null,
          h("summary", null, "Show"),
          listing(
            name,
            [
              {title: "Name", cell: (one) => bidi(one.name)},
              {
                title: "Labels",
                cell: (one) =>
                  bidi(
                    Object.entries(one.labels)
                      .map(([key, value]) => `${key}=${value}`)
                      .join(", "),
                  ),
              },
              {
                title: "Value",
                number: true,
                cell: (one) =>
                  typeof one.value === "number" ? one.value.toLocaleString("en-US", {maximumFractionDigits: 3}) : "–",
              },
            ],
            /** @type {any[]} */ (all),
            "",
          ),
        ),
      ),
    ),
  ];
}
