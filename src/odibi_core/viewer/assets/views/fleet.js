// The view of all pipelines: a row for each, its last run, its cadence, and a cell for each day.
import {h, svg, choice} from "../dom.js";
import {count, plural} from "../format.js";
import {drawPage} from "../shell.js";
import {
  ago,
  firstLine,
  linked,
  listAsking,
  listing,
  notices,
  pageHead,
  pager,
  searchField,
  stateOf,
  toneOf,
  took,
} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

const CELL = 11,
  TALL = 18;

/**
 * @param {HTMLElement} root
 * @param {any} fleet
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, fleet, services) {
  const asked = {search: "", only: "all", offset: 0, zone: -new Date().getTimezoneOffset()};
  const list = h("div", {"aria-live": "off"});
  /** @param {any} found */
  const show = (found) =>
    list.replaceChildren(...notices(found), ...table(found, services, services.fetchJson && ((offset) => ask({offset}))));
  const ask = listAsking(services, "pipelines", asked, show);
  const tools = [
    searchField("Search pipelines", "", (search) => ask({search, offset: 0})),
    choice(
      "Pipelines",
      [
        ["all", "All"],
        ["trouble", "Need a look"],
        ["running", "Running"],
        ["late", "Late"],
      ],
      "all",
      (only) => ask({only, offset: 0}),
    ),
  ];
  drawPage(
    root,
    {
      kind: "fleet",
      parts: [],
      main: [pageHead("Pipelines", sentence(fleet), services.fetchJson && tools), legend(), list],
    },
    services,
  );
  show(fleet);
  return {
    update: () => {
      if (document.visibilityState === "visible") ask({});
    },
  };
}

/** @param {any} fleet */
function sentence(fleet) {
  const {pipelines} = fleet;
  const trouble = pipelines.filter(
    (/** @type {any} */ one) => one.state !== "success" && one.state !== "running",
  ).length;
  const late = pipelines.filter((/** @type {any} */ one) => one.late).length;
  return `${plural(fleet.total, "pipeline")}, the latest run first${trouble ? `; ${count(trouble)} here need a look` : ""}${late ? `; ${count(late)} late` : ""}.`;
}

/** @param {any} fleet @param {Services} services @param {((offset: number) => void) | undefined} go */
function table(fleet, services, go) {
  const now = new Date(fleet.now).getTime();
  return [
    listing(
      "Pipelines",
      [
        {title: "Pipeline", cell: (one) => h("strong", null, linked(services.link?.("pipeline", one.name), one.name))},
        {
          title: "Last run",
          cell: (one) =>
            one.last.run_id
              ? [
                  linked(services.link?.("run", one.last.run_id), ago(one.last.started, now)),
                  " ",
                  stateOf(one.state),
                  one.last.error && h("div", {class: "hint"}, firstLine(one.last.error)),
                ]
              : "–",
        },
        {title: "Took", number: true, cell: (one) => took({...one.last, state: one.state}, now)},
        {
          title: "Cadence",
          cell: (one) => [
            one.stopped ? "stopped" : one.cadence,
            one.late
              ? h("div", {class: "bad whole"}, `late: due ${ago(one.late, now)}`)
              : one.next_due && h("div", {class: "hint whole"}, `next ${ago(one.next_due, now)}`),
          ],
        },
        {title: `Last ${plural(fleet.days, "day")}`, cell: (one) => days(one, fleet, services)},
        {title: "Runs", number: true, cell: (one) => linked(services.link?.("runs", one.name), count(one.runs))},
      ],
      fleet.pipelines,
      "No pipeline is here.",
    ),
    pager(fleet, "pipeline", go),
  ];
}

/** @param {any} one @param {any} fleet @param {Services} services */
function days(one, fleet, services) {
  const cells = [],
    byDay = new Map(one.days.map((/** @type {any} */ day) => [day.day, day])),
    missing = new Set(one.missing);
  for (let place = 0; place < fleet.days; place += 1) {
    const number = fleet.first_day + place,
      day = /** @type {any} */ (byDay.get(number));
    const date = new Date(number * 86_400_000).toISOString().slice(0, 10);
    const x = place * CELL;
    if (!day) {
      cells.push(
        svg(
          "rect",
          {
            class: missing.has(number) ? "gap missing" : "gap",
            x: x + 0.5,
            y: 0.5,
            width: CELL - 3,
            height: TALL - 1,
            rx: 2.5,
          },
          svg("title", null, missing.has(number) ? `${date}: a run is missing` : `${date}: no run`),
        ),
      );
      continue;
    }
    const state = day.failed
      ? "failed"
      : day.running
        ? "running"
        : day.warnings
          ? "warn"
          : day.unusual
            ? "unusual"
            : "success";
    const words = [
      plural(day.runs, "run"),
      day.failed && `${day.failed} failed`,
      day.running && `${day.running} running`,
      day.warnings && `${day.warnings} with failed checks`,
      day.unusual && `${day.unusual} unusual`,
    ]
      .filter(Boolean)
      .join(", ");
    const cell = svg(
      "rect",
      {class: `cell is-${state}`, x, y: 0, width: CELL - 2, height: TALL, rx: 2.5},
      svg("title", null, `${date}: ${words}`),
    );
    const link = services.link?.("run", day.run_id);
    cells.push(link ? svg("a", {href: link, "aria-label": `${date}: ${words}`, tabindex: "-1"}, cell) : cell);
  }
  return svg(
    "svg",
    {
      class: "days",
      role: "group",
      "aria-label": `${one.name}: ${plural(one.days.length, "day")} with runs, ${count(missing.size)} missing`,
      width: fleet.days * CELL,
      height: TALL,
      viewBox: `0 0 ${fleet.days * CELL} ${TALL}`,
      preserveAspectRatio: "none",
    },
    cells,
  );
}

function legend() {
  const states = [
    ["success", "succeeded"],
    ["warn", "failed checks"],
    ["unusual", "unusual"],
    ["failed", "failed or lost"],
    ["running", "running"],
  ];
  return h(
    "ul",
    {class: "balance-key"},
    states.map(([state, word]) =>
      h(
        "li",
        null,
        svg(
          "svg",
          {width: CELL, height: 12, "aria-hidden": "true"},
          svg("rect", {class: `cell is-${toneOf(state)}`, width: CELL - 2, height: 12, rx: 2.5}),
        ),
        ` ${word}`,
      ),
    ),
    h(
      "li",
      null,
      svg(
        "svg",
        {width: CELL, height: 12, "aria-hidden": "true"},
        svg("rect", {class: "gap missing", x: 0.5, y: 0.5, width: CELL - 3, height: 11, rx: 2.5}),
      ),
      " missing",
    ),
  );
}
