// Parts that the pages of a server share: tables, pages of a list, fields of a filter, times.
import {h, bidi, columnHead, scrolledTable} from "./dom.js";
import {count, duration, elapsed, moment, plural} from "./format.js";
import {icon, label} from "./states.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * A column: its title, the content of a cell, whether it holds numbers.
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => Child} cell
 * @property {boolean} [number]
 * @property {string} [kind] the class of the cells
 */

/** The tones of states that the server names otherwise. */
const TONES = /** @type {Record<string, string>} */ ({
  warning: "warn",
  healthy: "success",
  degraded: "warn",
  unhealthy: "failed",
  skipped: "skipped",
  open: "failed",
  escalated: "failed",
  acknowledged: "skipped",
  resolved: "success",
});

/** Words of states that differ from those of their tones. */
const WORDS = /** @type {Record<string, string>} */ ({warning: "failed checks"});

/** @param {string | null | undefined} state */
export function toneOf(state) {
  return TONES[state ?? ""] ?? state ?? "unknown";
}

/**
 * Return a state as an icon with its word.
 * @param {string} state
 * @param {string} [word]
 */
export function stateOf(state, word) {
  const tone = toneOf(state);
  return h(
    "span",
    {class: `result is-${tone}`},
    icon(tone, 14),
    ` ${word ?? WORDS[state] ?? label(tone).toLowerCase()}`,
  );
}

/**
 * Return a notice for each reason why a list may not have everything.
 * @param {{problems?: string[]}} found
 */
export function notices(found) {
  return (found.problems ?? []).map((text) => h("p", {class: "trouble", role: "status"}, bidi(text, "span")));
}

/**
 * Return a table, or a sentence without rows.
 * @param {string} name for screen readers
 * @param {Column[]} columns
 * @param {any[]} rows
 * @param {string} empty
 */
export function listing(name, columns, rows, empty) {
  if (rows.length === 0) return h("p", {class: "hint empty"}, empty);
  return scrolledTable(
    `Table: ${name}`,
    "table",
    columns.map(({title, number}) => columnHead(title, number)),
    h(
      "tbody",
      null,
      rows.map((row) =>
        h(
          "tr",
          null,
          columns.map(({cell, number, kind}) => h("td", {class: number ? "number" : (kind ?? null)}, cell(row))),
        ),
      ),
    ),
  );
}

/**
 * Return a function that asks for a list by changes of its filter and shows it; an answer that a later one overtook is
 * dropped.
 * @param {import("./types.js").Services} services
 * @param {string} path
 * @param {Record<string, string | number>} asked the filter, which takes the changes
 * @param {(page: any) => void} show
 * @returns {(changes: Record<string, string | number>) => Promise<void>}
 */
export function listAsking(services, path, asked, show) {
  let last = 0;
  return async (changes) => {
    Object.assign(asked, changes);
    const mine = (last += 1),
      page = await services.fetchJson?.(path, asked);
    if (page && mine === last) show(page);
  };
}

/**
 * Return the place of a page in its list, with buttons to the page before and after; without `go` there are none.
 * @param {{total: number, offset: number, limit: number}} page
 * @param {string} noun
 * @param {((offset: number) => void) | null | undefined} go
 */
export function pager({total, offset, limit}, noun, go) {
  const last = Math.min(total, offset + limit);
  /** @param {string} text @param {number} to @param {boolean} on */
  const button = (text, to, on) =>
    h("button", {type: "button", class: "quiet", disabled: !on, click: () => go?.(to)}, text);
  return h(
    "nav",
    {class: "pager", "aria-label": `Pages of the list: ${noun}`},
    h(
      "span",
      {class: "hint", role: "status"},
      total > limit
        ? `${count(offset + 1)}–${count(last)} of ${plural(total, noun)}`
        : total === 0
          ? `No ${noun}`
          : plural(total, noun),
    ),
    go &&
      total > limit && [
        button("Previous", Math.max(0, offset - limit), offset > 0),
        button("Next", offset + limit, last < total),
      ],
  );
}

/**
 * Return a field to search by, which reports its text when typing pauses.
 * @param {string} name
 * @param {string} value
 * @param {(text: string) => void} changed
 */
export function searchField(name, value, changed) {
  let timer = 0;
  /** @type {HTMLInputElement} */
  const field = h("input", {
    type: "search",
    class: "search",
    placeholder: name,
    "aria-label": name,
    value,
    "data-search": "",
    input: () => {
      clearTimeout(timer);
      timer = setTimeout(() => changed(field.value.trim()), 250);
    },
  });
  return field;
}

/**
 * Return a list of choices.
 * @param {string} name
 * @param {Array<[string, string]>} options
 * @param {string} value
 * @param {(value: string) => void} changed
 */
export function selectField(name, options, value, changed) {
  /** @type {HTMLSelectElement} */
  const field = h(
    "select",
    {class: "select", "aria-label": name, change: () => changed(field.value)},
    options.map(([key, text]) => h("option", {value: key, selected: key === value}, text)),
  );
  return field;
}

/**
 * Return a time in the reader's zone, with UTC in its title.
 * @param {string | null | undefined} iso
 */
export function time(iso) {
  const at = moment(iso);
  if (!at || !iso) return "–";
  const own = new Date(iso);
  const today = new Date().toDateString() === own.toDateString();
  const text = new Intl.DateTimeFormat("en-GB", {
    ...(today ? {} : {day: "numeric", month: "short", year: "numeric"}),
    hour: "2-digit",
    minute: "2-digit",
    second: today ? "2-digit" : undefined,
    hourCycle: "h23",
  }).format(own);
  return h("time", {datetime: iso, title: at.local ? `${at.local} · ${at.utc}` : at.utc}, text);
}

/**
 * Return how long ago a time is, such as `3 h ago`.
 * @param {string | null | undefined} iso
 * @param {number} [now] milliseconds
 */
export function ago(iso, now = Date.now()) {
  if (!iso) return "–";
  const seconds = (now - new Date(iso).getTime()) / 1000;
  const ahead = seconds < 0,
    size = Math.abs(seconds);
  const [value, unit] =
    size < 90
      ? [size, "s"]
      : size < 5400
        ? [size / 60, "min"]
        : size < 129_600
          ? [size / 3600, "h"]
          : [size / 86_400, "days"];
  return ahead ? `in ${Math.round(value)} ${unit}` : `${Math.round(value)} ${unit} ago`;
}

/**
 * Return the duration of a run; of one that goes on, the time since its start.
 * @param {{state?: string, status?: string, started: string | null, duration_ms: number | null}} run
 * @param {number} [now] milliseconds
 */
export function took({state, status, started, duration_ms: known}, now = Date.now()) {
  if ((state ?? status) !== "running" || !started) return duration(known);
  return `${elapsed(started, now)} so far`;
}

/**
 * Return a link, or its text if the page is in no server.
 * @param {string | null | undefined} address
 * @param {string} text
 * @param {string} [kind]
 */
export function linked(address, text, kind) {
  return address ? h("a", {href: address, class: kind ?? null}, bidi(text)) : bidi(text);
}

/**
 * Return the head of a page: its title, a sentence, and tools beside it.
 * @param {string} title
 * @param {Child} sentence
 * @param {...Child} tools
 */
export function pageHead(title, sentence, ...tools) {
  return h(
    "header",
    {class: "page-head"},
    h("div", null, bidi(title, "h1"), sentence && h("p", {class: "hint"}, sentence)),
    tools.length > 0 && h("div", {class: "tools"}, tools),
  );
}

/** @param {string} text */
export function firstLine(text) {
  const line = text.split("\n", 1)[0];
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
