// The table of the steps: sorted, searched, filtered by state; a click selects a step.
import {bidi, h, listen, section, scrolledTable} from "./dom.js";
import {count, duration} from "./format.js";
import {kindOf, stepBody} from "./panel.js";
import {costKnown} from "./panelfigures.js";
import {rowsBars, timeBars} from "./past.js";
import {ORDER, icon, label} from "./states.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Run} Run */

const CHUNK = 80;
const MOST_PRINTED = 300;
const FEW_INPUTS = 3;

/** @type {Array<[string, string, (step: Step) => string | number]>} */
const COLUMNS = [
  ["Step", "", (step) => step.name],
  ["State", "", (step) => ORDER.indexOf(step.state)],
  ["Started", "number", (step) => step.startedMs ?? Infinity],
  ["Duration", "number", (step) => -(step.durationMs ?? -1)],
  ["Rows", "number", (step) => -(step.rows ?? -1)],
  ["Lost", "number", (step) => -(step.lost ?? -1)],
  ["Cost", "number", (step) => -(step.cost?.usd ?? (step.cost ? -0.5 : -1))],
];

/**
 * Return the section of the steps.
 * @param {Run} story
 * @param {import("./selection.js").Selection} selection
 * @param {import("./types.js").Memory} memory
 */
export function drawSteps(story, selection, memory) {
  const {steps, counts} = story,
    hasCosts = steps.some((step) => step.cost),
    columns = COLUMNS.filter(([name]) => hasCosts || name !== "Cost"),
    all = steps.map((step, index) => ({step, index, words: words(step)}));
  let {state, query, sorted, down} = memory.steps ?? {state: "all", query: "", sorted: "", down: false},
    found = all,
    from = 0,
    to = 0;
  const body = h("tbody"),
    outcome = h("p", {class: "hint", role: "status"});
  const earlier = h(
    "button",
    {type: "button", class: "more", click: () => build(Math.max(0, from - CHUNK), to)},
    "Earlier steps",
  );
  const later = h(
    "button",
    {type: "button", class: "more", click: () => build(from, Math.min(found.length, to + CHUNK))},
    "More steps",
  );
  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: "Search steps, columns, errors",
    "aria-label": "Search steps",
    "aria-keyshortcuts": "/",
    input: () => {
      query = search.value.trim().toLowerCase();
      refresh();
    },
  });
  const filter = stateChoice(
    ORDER.filter((name) => counts[name]),
    counts,
    steps.length,
    (value) => {
      state = value;
      refresh();
    },
  );
  const heads = columns.map(([name, kind]) =>
    h(
      "th",
      {scope: "col", class: kind || null},
      h("button", {type: "button", class: "sort", click: () => sort(name)}, name),
    ),
  );

  /** @param {string} name */
  function sort(name) {
    down = sorted === name && !down;
    sorted = name;
    columns.forEach(([other], place) => {
      if (other === name) heads[place].setAttribute("aria-sort", down ? "descending" : "ascending");
      else heads[place].removeAttribute("aria-sort");
    });
    refresh();
  }

  function refresh() {
    memory.steps = {state, query, sorted, down};
    found = all.filter(
      ({step, words: text}) => (state === "all" || step.state === state) && (!query || text.includes(query)),
    );
    const key = columns.find(([name]) => name === sorted)?.[2];
    if (key)
      found.sort((a, b) => {
        const [x, y] = [key(a.step), key(b.step)];
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1) || a.index - b.index;
      });
    outcome.textContent =
      found.length === all.length
        ? ""
        : found.length === 0
          ? "No step matches."
          : `${count(found.length)} of ${count(all.length)} steps`;
    body.replaceChildren();
    from = to = 0;
    build(0, Math.min(CHUNK, found.length));
  }

  /**
   * Build the missing part of the found steps: the table grows only at its two ends.
   * @param {number} start
   * @param {number} end
   */
  function build(start, end) {
    if (from === to) from = to = start;
    body.prepend(...found.slice(start, from).map(({step, index}) => row(step, index)));
    body.append(...found.slice(to, end).map(({step, index}) => row(step, index)));
    [from, to] = [start, end];
    earlier.hidden = from === 0;
    later.hidden = to === found.length;
  }

  /** @param {Step} step @param {number} index */
  function row(step, index) {
    return h(
      "tr",
      {
        class: `step-row is-${step.state} ${index === selection.index ? "is-chosen" : ""}`,
        "data-row": index,
        click: () => selection.select(index, "steps"),
      },
      h(
        "th",
        {scope: "row"},
        h(
          "button",
          {type: "button", class: "step-name", "aria-current": index === selection.index ? "true" : null},
          bidi(step.name),
        ),
        h("span", {class: "card-kind"}, kindOf(step)),
      ),
      h("td", {class: `result is-${step.state}`}, icon(step.state, 16), h("span", null, ` ${label(step.state)}`)),
      h("td", {class: "number"}, step.startedMs === undefined ? "" : duration(step.startedMs)),
      h(
        "td",
        {class: "number"},
        h(
          "span",
          {class: "with-bars"},
          timeBars(step),
          h("span", null, step.state === "skipped" ? "" : duration(step.durationMs)),
        ),
      ),
      h("td", {class: "number"}, h("span", {class: "with-bars"}, rowsBars(step), h("span", null, change(step)))),
      h("td", {class: `number ${step.lost ? "bad" : ""}`}, step.lost ? count(step.lost) : ""),
      hasCosts && h("td", {class: "number"}, step.cost ? costKnown(step.cost) : ""),
    );
  }

  selection.on((index, part) => {
    for (const element of body.querySelectorAll(".is-chosen")) {
      element.classList.remove("is-chosen");
      element.querySelector("button")?.removeAttribute("aria-current");
    }
    const element = body.querySelector(`[data-row="${index}"]`);
    element?.classList.add("is-chosen");
    element?.querySelector("button")?.setAttribute("aria-current", "true");
    if (index >= 0 && part === "check" && !element) filter.all();
  });
  search.value = query;
  filter.press(state);
  refresh();
  if ("IntersectionObserver" in window) {
    new IntersectionObserver(
      (seen) => {
        if (seen.some((one) => one.isIntersecting) && !later.hidden) later.click();
      },
      {rootMargin: "600px"},
    ).observe(later);
  }
  listen("keydown", (event) => {
    if (
      event.key !== "/" ||
      event.ctrlKey ||
      event.metaKey ||
      (event.target instanceof Element && event.target.closest("input, textarea, select"))
    )
      return;
    event.preventDefault();
    search.focus();
  });
  const element = section(
    "steps",
    "Steps",
    null,
    h("div", {class: "tools"}, search, filter.element, outcome),
    earlier,
    scrolledTable(
      "Table of the steps",
      "table steps-table",
      heads,
      body,
      `scroll panel ${steps.length > 200 ? "many" : ""}`,
    ),
    later,
  );
  printed(story, element, () => {
    if (steps.length <= MOST_PRINTED) build(0, found.length);
  });
  return element;
}

/**
 * Add everything about each step to the page while it is printed.
 * @param {Run} story
 * @param {HTMLElement} element
 * @param {() => void} before
 */
function printed(story, element, before) {
  const list = h("div", {class: "printed"});
  listen("beforeprint", () => {
    before();
    if (story.steps.length > MOST_PRINTED || list.isConnected) return;
    list.replaceChildren(
      ...story.steps.map((step, index) =>
        h(
          "section",
          {class: `printed-step is-${step.state}`},
          h("h3", null, icon(step.state, 16), " ", bidi(step.name)),
          stepBody(step, index, story, () => {}),
        ),
      ),
    );
    for (const part of list.querySelectorAll("details")) part.open = true;
    element.append(list);
  });
  listen("afterprint", () => list.remove());
}

/** @param {string[]} states @param {Record<string, number>} counts @param {number} total @param {(value: string) => void} picked */
function stateChoice(states, counts, total, picked) {
  const element = h("div", {class: "choice", role: "group", "aria-label": "Show steps that"}),
    buttons = /** @type {HTMLElement[]} */ ([]),
    named = /** @type {Map<string, HTMLElement>} */ (new Map());
  const press = (/** @type {HTMLElement} */ chosen) => {
    for (const one of buttons) one.setAttribute("aria-pressed", String(one === chosen));
  };
  const button = (/** @type {string} */ value, /** @type {any[]} */ ...content) => {
    const made = h(
      "button",
      {
        type: "button",
        "aria-pressed": "false",
        click: () => {
          press(made);
          picked(value);
        },
      },
      content,
    );
    element.append(made);
    buttons.push(made);
    named.set(value, made);
    return made;
  };
  const every = button("all", `All ${count(total)}`);
  if (states.length > 1)
    for (const state of states) button(state, icon(state, 13), ` ${label(state)} ${count(counts[state])}`);
  press(every);
  return {element, all: () => every.click(), press: (/** @type {string} */ value) => press(named.get(value) ?? every)};
}

/** @param {Step} step */
function words(step) {
  const columns = (step.after?.schema ?? []).map(([name]) => name),
    rules = (step.rowChanges ?? []).map((change) => change.sentence);
  const keys = [...(step.inputs ?? []), ...(step.outputs ?? [])].flat();
  return [
    step.name,
    step.layer,
    step.type,
    step.engine,
    step.worker,
    label(step.state),
    step.error,
    step.errorType,
    step.skipReason,
    ...columns,
    ...rules,
    ...keys,
  ]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
}

/** @param {Step} step */
function change(step) {
  const before = step.rowsBefore;
  if (step.rows === undefined) return null;
  return [
    before &&
      h(
        "small",
        null,
        `${before.slice(0, FEW_INPUTS).map(count).join(" + ")}${before.length > FEW_INPUTS ? " + …" : ""} → `,
      ),
    count(step.rows),
  ];
}
