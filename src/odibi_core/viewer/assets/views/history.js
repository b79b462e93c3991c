// The view of a pipeline's last runs: a grid of its steps, and the table of the runs.
import {bidi, h, listen, section, svg, columnHead, scrolledTable} from "../dom.js";
import {count, duration, plural, shortId} from "../format.js";
import {icon, label} from "../states.js";
import {drawPage} from "../shell.js";

/** @typedef {import("../types.js").History} History */
/** @typedef {import("../types.js").HistoryStep} Step */
/** @typedef {import("../types.js").HistoryCell} Cell */
/** @typedef {import("../types.js").Services} Services */

const CELL = 13,
  NARROW = 10,
  BAR = 5,
  TALL = 30,
  CHUNK = 60;
const MANY = 30; // runs from which cells are narrow
const WORDS = /** @type {Record<string, string>} */ ({
  warn: "failed checks",
  unusual: "unusual",
  unknown: "not checked",
});
const MARKS = /** @type {Record<string, string>} */ ({
  failed: "M3 4.5l5 5m0-5l-5 5",
  lost: "M3 4.5l5 5m0-5l-5 5",
  unusual: "M2 8q1.8-3.5 3.5-1t3.5-1",
  warn: "M5.5 3.5v4.5m0 2.2v.2",
  unknown: "M5.5 3.5v4.5m0 2.2v.2",
  skipped: "M3 7h5",
  cancelled: "M3 7h5",
});

/**
 * @param {HTMLElement} root
 * @param {History} history
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, history, services) {
  /** @param {History} shown */
  const draw = (shown) =>
    drawPage(
      root,
      {
        kind: "history",
        parts: [
          ["steps", "Steps"],
          ["runs", "Runs"],
        ],
        main: content(shown, services),
      },
      services,
    );
  draw(history);
  return {update: (patch) => draw((history = {...history, ...patch}))};
}

/** @param {History} history @param {Services} services */
function content(history, services) {
  return [
    h(
      "section",
      {class: "verdict", id: "verdict"},
      h(
        "div",
        {class: "verdict-text"},
        bidi(history.pipeline, "h1"),
        h("p", {class: "sentence"}, history.sentence),
        legend(history),
      ),
    ),
    section("steps", "Steps", "Each column is a run, the newest right", grid(history, services)),
    section("runs", "Runs", null, runs(history, services)),
  ];
}

/** @param {string} state */
function word(state) {
  return WORDS[state] ?? label(state).toLowerCase();
}

/** @param {History} history */
function legend(history) {
  const states = new Set(history.steps.flatMap((step) => step.cells.map((cell) => cell?.[0])));
  return h(
    "ul",
    {class: "balance-key"},
    ["success", "warn", "unusual", "failed", "lost", "running", "cancelled", "skipped", "pending", "unknown"]
      .filter((state) => states.has(state))
      .map((state) =>
        h("li", null, svg("svg", {width: 11, height: 14, "aria-hidden": "true"}, cellOf(state, 0)), ` ${word(state)}`),
      ),
  );
}

/** @param {string} state @param {number} x @param {number} [width] */
function cellOf(state, x, width = 11) {
  const mark = MARKS[state];
  return [
    svg("rect", {class: `cell is-${state}`, x, width, height: 14, rx: 2.5}),
    mark && svg("path", {class: "cell-mark", d: mark, transform: `translate(${x + (width - 11) / 2} 0)`}),
  ];
}

/** @param {History} history @param {Services} services */
function grid(history, services) {
  const body = h("tbody"),
    {steps} = history;
  let shown = 0;
  const more = h("button", {type: "button", class: "more", click: () => grow()}, "More steps");
  const grow = () => {
    body.append(...steps.slice(shown, shown + CHUNK).map((step) => row(step, history, services)));
    shown = Math.min(steps.length, shown + CHUNK);
    more.hidden = shown === steps.length;
  };
  grow();
  if ("IntersectionObserver" in window)
    new IntersectionObserver(
      (seen) => {
        if (seen.some((one) => one.isIntersecting) && !more.hidden) grow();
      },
      {rootMargin: "600px"},
    ).observe(more);
  listen("beforeprint", () => {
    while (!more.hidden) grow();
  });
  return [
    scrolledTable(
      "Steps of the last runs",
      "table grid",
      ["Step", "Runs", "Rows", "Last", "Duration", "Last", "Checks"].map((name) => columnHead(name, name === "Last")),
      body,
    ),
    more,
    history.stepsLeftOut > 0 &&
      h("p", {class: "hint"}, `${plural(history.stepsLeftOut, "further step")} without a row`),
  ];
}

/** @param {Step} step @param {History} history @param {Services} services */
function row(step, history, services) {
  const {cells, name} = step,
    last = cells[cells.length - 1],
    link = step.all ? null : services.link?.("step", name);
  /** @param {(cell: Cell) => string | null} text */
  const titled = (text) =>
    cells.map((cell, place) => (cell ? text(cell) && `${history.runs[place].started} · ${text(cell)}` : null));
  return h(
    "tr",
    null,
    h("th", {scope: "row"}, link ? h("a", {href: link}, bidi(name)) : bidi(name)),
    h(
      "td",
      null,
      strip(
        cells.map((cell) => cell?.[0] ?? null),
        titled(([state, , ms, , error]) =>
          [word(state), ms === null ? "" : duration(ms), error ?? ""].filter(Boolean).join(" · "),
        ),
        `State of ${name}`,
      ),
    ),
    h(
      "td",
      null,
      bars(
        cells.map((cell) => cell?.[1] ?? null),
        titled(([, rows]) => (rows === null ? null : plural(rows, "row"))),
        `Rows of ${name}`,
      ),
    ),
    h("td", {class: "number"}, last && last[1] !== null ? count(last[1]) : ""),
    h(
      "td",
      null,
      bars(
        cells.map((cell) => cell?.[2] ?? null),
        titled(([, , ms]) => (ms === null ? null : duration(ms))),
        `Duration of ${name}`,
      ),
    ),
    h("td", {class: "number"}, last && last[2] !== null ? duration(last[2]) : ""),
    h(
      "td",
      null,
      cells.some((cell) => cell?.[3]) &&
        ticks(
          cells.map((cell) => cell?.[3] ?? null),
          titled(([, , , checks]) => checks && `checks: ${checks === "success" ? "passed" : word(checks)}`),
          `Checks of ${name}`,
        ),
    ),
  );
}

/** @param {Array<string | null>} states @param {Array<string | null>} titles @param {string} name */
function strip(states, titles, name) {
  const step = states.length > MANY ? NARROW : CELL;
  return svg(
    "svg",
    {
      role: "img",
      class: "wide-strip",
      "aria-label": name,
      width: states.length * step,
      height: 14,
      viewBox: `0 0 ${states.length * step} 14`,
      preserveAspectRatio: "none",
    },
    states.map(
      (state, place) =>
        state && svg("g", null, svg("title", null, titles[place]), cellOf(state, place * step, step - 2)),
    ),
  );
}

/** @param {Array<string | null>} states @param {Array<string | null>} titles @param {string} name */
function ticks(states, titles, name) {
  return svg(
    "svg",
    {
      role: "img",
      "aria-label": name,
      width: states.length * BAR,
      height: 14,
      viewBox: `0 0 ${states.length * BAR} 14`,
      preserveAspectRatio: "none",
    },
    states.map(
      (state, place) =>
        state &&
        svg(
          "rect",
          {
            class: `cell is-${state}`,
            x: place * BAR,
            y: state === "success" ? 5 : 0,
            width: 4,
            height: state === "success" ? 4 : 14,
            rx: 1,
          },
          svg("title", null, titles[place]),
        ),
    ),
  );
}

/** @param {Array<number | null>} values @param {Array<string | null>} titles @param {string} name */
function bars(values, titles, name) {
  const most = Math.max(...values.map((value) => value ?? 0)) || 1;
  if (values.every((value) => value === null)) return null;
  return svg(
    "svg",
    {
      role: "img",
      "aria-label": name,
      width: values.length * BAR,
      height: TALL,
      viewBox: `0 0 ${values.length * BAR} ${TALL}`,
      preserveAspectRatio: "none",
    },
    svg("line", {class: "base", x1: 0, x2: values.length * BAR, y1: TALL - 0.5, y2: TALL - 0.5}),
    values.map((value, place) => {
      if (value === null) return null;
      const height = Math.max(1, ((TALL - 2) * Math.max(0, value)) / most);
      return svg(
        "rect",
        {class: "grid-bar", x: place * BAR, y: TALL - 1 - height, width: 4, height, rx: 1},
        svg("title", null, titles[place]),
      );
    }),
  );
}

/** @param {History} history @param {Services} services */
function runs(history, services) {
  const names = [
    "Started",
    "Status",
    "Duration",
    "Read",
    "Published",
    "Failed checks",
    "Unusual",
    "Partition",
    "Run",
    "Error",
  ];
  /** @param {number | null | undefined} value */
  const number = (value) => h("td", {class: "number"}, value === null || value === undefined ? "" : count(value));
  return scrolledTable(
    "Table of the runs",
    "table runs",
    names.map((name, place) => columnHead(name, place > 1 && place < 7)),
    h(
      "tbody",
      null,
      [...history.runs].reverse().map((run) => {
        const link = services.link?.("run", run.id);
        return h(
          "tr",
          null,
          h("td", null, run.started),
          h("td", {class: `result is-${run.state}`}, icon(run.state, 14), ` ${word(run.state)}`),
          h("td", {class: "number"}, run.ms === null ? "" : duration(run.ms)),
          number(run.read),
          number(run.published),
          number(run.checksFailed),
          number(run.unusual),
          bidi(run.partition ?? "", "td"),
          h("td", {title: run.id}, link ? h("a", {href: link}, shortId(run.id)) : shortId(run.id)),
          bidi(run.error ?? "", "td", "long"),
        );
      }),
    ),
  );
}
