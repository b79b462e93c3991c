// Column lineage: the chosen column, where it comes from, and where it goes.
import {bidi, h, listen, section} from "./dom.js";
import {plural} from "./format.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {NonNullable<import("./types.js").Run["columns"]>} Frames */
/** @typedef {Array<string | undefined>} Entry a dataset, a column, a way, and words about it */
/** @typedef {{items?: Entry[], note?: string | null, more?: string | null}} Found */

const DEEPEST_TREE = 12;
const MOST_ENTRIES = 300;
const COLUMN_EVENT = "odibi-column";

/**
 * Return the name of a column as a button that shows its lineage.
 * @param {string} dataset
 * @param {string} name
 */
export function columnName(dataset, name) {
  const text = name === "" ? "(no name)" : name;
  return h(
    "button",
    {
      type: "button",
      class: "column link",
      dir: "auto",
      "aria-label": `Lineage of column ${text}`,
      click: () => dispatchEvent(new CustomEvent(COLUMN_EVENT, {detail: [dataset, name]})),
    },
    text,
  );
}

/**
 * @param {Frames | undefined} frames
 * @param {Step[]} steps
 * @param {(index: number) => void} pick
 * @param {(marks: Map<number, string>) => void} mark marks steps in the graph
 */
export function drawLineage(frames, steps, pick, mark) {
  if (!frames?.length) return null;
  const index = indexFrames(frames, steps);
  const shown = h("div", {class: "lineage", "aria-live": "polite"});
  const list = h(
    "datalist",
    {id: "all-columns"},
    [...index.names.keys()].slice(0, 2000).map((name) => h("option", {value: name})),
  );
  const search = h("input", {
    type: "search",
    class: "search",
    list: "all-columns",
    placeholder: "dataset.column",
    "aria-label": "Choose a column",
    change: () => {
      const known = index.names.get(search.value.trim());
      if (known) show(known[0], known[1]);
    },
  });
  const element = section(
    "columns",
    "Columns",
    "Choose a column, here or in a step, to see where it comes from and where it goes.",
    h("div", {class: "tools"}, search, h("button", {type: "button", class: "quiet", click: clear}, "Clear"), list),
    shown,
  );

  /** @param {string} dataset @param {string} column */
  function show(dataset, column) {
    search.value = `${dataset}.${column}`;
    const marked = /** @type {Map<number, string>} */ (new Map());
    shown.replaceChildren(
      h("h3", null, bidi(`${dataset}.${column}`, "code")),
      h(
        "div",
        {class: "frames"},
        h("section", null, h("h4", null, "Comes from"), tree(dataset, column, sourcesOf, marked, "is-source")),
        h("section", null, h("h4", null, "Goes into"), tree(dataset, column, usesOf, marked, "is-use")),
      ),
    );
    const own = index.step(dataset);
    if (own !== undefined) marked.set(own, "is-column");
    mark(marked);
  }

  function clear() {
    search.value = "";
    shown.replaceChildren();
    mark(new Map());
  }

  /** @param {string} dataset @param {string} column @returns {Found} */
  function sourcesOf(dataset, column) {
    const frame = index.made.get(dataset),
      known = frame?.columns.find(([name]) => name === column);
    if (!frame) return {note: "No step of this run records where this dataset comes from."};
    if (!known) return {note: "Not recorded."};
    const [, sources, method, confidence, reason] = known;
    if (sources === null) return {note: `Unknown: ${reason || "not recorded"}.`};
    const deciding = /** @type {Entry[]} */ (frame.indirect ?? []).map(([from, name, way]) => [
      from,
      name,
      way,
      "decides about rows",
    ]);
    const own = sources.map(([from, name, way]) => [
      from,
      name,
      way,
      [method, confidence].filter((one) => one !== null && one !== "").join(" "),
    ]);
    return {
      items: [...own, ...deciding],
      note: sources.length === 0 ? "No column: a constant, or a count of rows." : null,
      more: frame.indirect === undefined ? "The columns that decide about its rows are unknown." : null,
    };
  }

  /** @param {string} dataset @param {string} column @returns {Found} */
  function usesOf(dataset, column) {
    const items = index.uses.get(columnKey(dataset, column)) ?? [];
    return {items, note: items.length ? null : "No recorded column comes from it."};
  }

  /**
   * @param {string} dataset
   * @param {string} column
   * @param {(dataset: string, column: string) => Found} next
   * @param {Map<number, string>} marked
   * @param {string} kind
   * @param {Set<string>} [seen]
   * @param {number} [depth]
   * @returns {any[]}
   */
  function tree(dataset, column, next, marked, kind, seen = new Set(), depth = 0) {
    const {items = [], note, more} = next(dataset, column);
    const entries = /** @type {HTMLElement[]} */ ([]);
    for (const [from = "", name = "", way, about] of items) {
      if (seen.size >= MOST_ENTRIES) break;
      const place = columnKey(from, name),
        again = seen.has(place);
      seen.add(place);
      const step = index.step(from);
      if (step !== undefined && !marked.has(step)) marked.set(step, kind);
      entries.push(
        h(
          "li",
          null,
          h("button", {type: "button", class: "chip", click: () => show(from, name)}, bidi(`${from}.${name}`, "code")),
          h("span", {class: "hint"}, ` ${[way, about].filter(Boolean).join(" · ")} `),
          step !== undefined &&
            h("button", {type: "button", class: "link", click: () => pick(step)}, bidi(steps[step].name)),
          !again &&
            depth < DEEPEST_TREE &&
            about !== "decides about rows" &&
            tree(from, name, next, marked, kind, seen, depth + 1),
        ),
      );
    }
    const notes = [note && (depth === 0 || items.length === 0) && note, depth === 0 && more].filter(Boolean);
    return [
      entries.length > 0 && h("ul", {class: "tree"}, entries),
      depth === 0 || /^Unknown/.test(note ?? "") ? notes.map((text) => h("p", {class: "hint"}, text)) : null,
      depth === 0 &&
        seen.size >= MOST_ENTRIES &&
        h("p", {class: "hint"}, `The first ${plural(MOST_ENTRIES, "column")} are shown.`),
    ];
  }

  listen(COLUMN_EVENT, (event) => {
    const [dataset, column] = /** @type {CustomEvent} */ (event).detail;
    show(dataset, column);
    element.scrollIntoView({block: "nearest"});
    search.focus({preventScroll: true});
  });
  return element;
}

/** @param {string} dataset @param {string} column */
function columnKey(dataset, column) {
  return `${dataset}\u0000${column}`;
}

/** @param {Frames} frames @param {Step[]} steps */
function indexFrames(frames, steps) {
  const makers = new Map(
    steps.flatMap((step, place) =>
      (step.outputs ?? []).map(([, dataset]) => /** @type {[string, number]} */ ([dataset, place])),
    ),
  );
  /** @type {Map<string, Frames[number]>} */
  const made = new Map();
  /** @type {Map<string, Entry[]>} */
  const uses = new Map();
  /** @type {Map<string, [string, string]>} */
  const names = new Map();
  /** @param {string} from @param {string} name @param {Entry} entry */
  const use = (from, name, entry) => {
    const place = columnKey(from, name);
    if (!uses.has(place)) uses.set(place, []);
    uses.get(place)?.push(entry);
    names.set(`${from}.${name}`, [from, name]);
  };
  for (const frame of frames) {
    made.set(frame.dataset, frame);
    for (const [name, sources, method] of frame.columns) {
      names.set(`${frame.dataset}.${name}`, [frame.dataset, name]);
      for (const [from, column, way] of sources ?? []) use(from, column, [frame.dataset, name, way, method]);
    }
    for (const [from, column, way] of frame.indirect ?? []) {
      for (const [name] of frame.columns) use(from, column, [frame.dataset, name, way, "decides about rows"]);
    }
  }
  return {made, uses, names, step: (/** @type {string} */ dataset) => made.get(dataset)?.step ?? makers.get(dataset)};
}
