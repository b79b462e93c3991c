// The view of the log of a run: pages that follow one another, filtered; a running run goes on.
import {h, bidi, columnHead, scrolledTable} from "../dom.js";
import {duration, plural} from "../format.js";
import {drawPage} from "../shell.js";
import {linked, pageHead, searchField, selectField} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

const SHOWN = new Set([
  "timestamp",
  "level",
  "event_type",
  "message",
  "node_name",
  "duration_ms",
  "row_count",
  "run_id",
  "writer_id",
  "seq",
  "error",
]);

/**
 * @param {HTMLElement} root
 * @param {any} page
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, page, services) {
  /** @type {Record<string, string | number>} */
  const asked = {search: "", level: "debug", step: "", newest: "", ...page.asked};
  const body = h("tbody"),
    state = h("span", {class: "hint", role: "status"});
  const more = h("button", {type: "button", class: "more", click: () => next()}, "More lines");
  let lines = 0,
    ask = 0,
    isAsking = false;
  /** @param {any} found */
  const add = (found) => {
    body.append(...found.lines.map(line));
    lines += found.lines.length;
    page = found;
    more.hidden = !found.more || !services.fetchJson;
    state.textContent = `${plural(lines, "line")}${found.more ? (services.fetchJson ? "" : "; the record has more") : ", the end of what is recorded"}`;
  };
  const wanted = () => Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ""));
  /**
   * @param {string} after
   * @param {() => boolean} isWanted
   */
  const fetched = async (after, isWanted) => {
    let found = {next: after, more: true, lines: []};
    // A filter that few lines pass ends a page early: go on until there is something to see.
    while (found && found.more && found.lines.length === 0 && isWanted())
      found = await services.fetchJson?.(`runs/${encodeURIComponent(page.run_id)}/log`, {
        ...wanted(),
        ...(found.next && {after: found.next}),
      });
    return found && isWanted() ? found : undefined;
  };
  const next = async () => {
    const mine = ask;
    const found = await fetched(page.next, () => mine === ask);
    if (found) add(found);
  };
  /** @param {Record<string, string>} changes */
  const filter = async (changes) => {
    Object.assign(asked, changes);
    const mine = (ask += 1);
    const found = await fetched("", () => mine === ask);
    if (!found) return;
    lines = 0;
    body.replaceChildren();
    add(found);
  };
  const tools = [
    searchField("Search lines: words or name=value", "", (search) => filter({search})),
    selectField(
      "Level",
      [
        ["debug", "Every level"],
        ["info", "Info and above"],
        ["warning", "Warnings and above"],
        ["error", "Errors"],
      ],
      "debug",
      (level) => filter({level}),
    ),
    searchField("Step", String(asked.step), (step) => filter({step})),
    selectField(
      "Order",
      [
        ["", "Oldest first"],
        ["true", "Newest first"],
      ],
      "",
      (newest) => filter({newest}),
    ),
  ];
  drawPage(
    root,
    {
      kind: "log",
      parts: [],
      main: [
        pageHead("Log", linked(services.link?.("run", page.run_id), page.run_id), services.fetchJson && tools),
        scrolledTable(
          "Lines",
          "table log",
          ["Time", "Level", "Event", "Step", "Message"].map((name) => columnHead(name)),
          body,
        ),
        more,
        state,
      ],
    },
    services,
  );
  add(page);
  return {
    update: async () => {
      if (page.more || asked.newest === "true" || isAsking) return;
      isAsking = true; // one request at a time: two would append the same lines
      try {
        await next();
        isAsking = false;
      } catch (error) {
        state.textContent = `${state.textContent}; not followed any more: ${/** @type {Error} */ (error).message}`;
      }
    },
  };
}

/** @param {any} event */
function line(event) {
  const at = new Date(event.timestamp);
  const rest = Object.entries(event).filter(([name, value]) => !SHOWN.has(name) && value !== null);
  const figures = [
    event.duration_ms !== undefined && event.duration_ms !== null && duration(event.duration_ms),
    event.row_count !== undefined && event.row_count !== null && plural(event.row_count, "row"),
  ]
    .filter(Boolean)
    .join(", ");
  const clock = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(at);
  return h(
    "tr",
    {class: `level-${event.level}`},
    h("td", {title: event.timestamp}, h("time", {datetime: event.timestamp}, clock)),
    h("td", {class: "level"}, event.level),
    h("td", null, event.event_type),
    bidi(event.node_name ?? "", "td"),
    h(
      "td",
      null,
      bidi([event.error ?? event.message, figures].filter(Boolean).join(" · "), "span"),
      rest.length > 0 &&
        h(
          "details",
          null,
          h("summary", null, plural(rest.length, "field")),
          h(
            "dl",
            {class: "pairs"},
            rest.map(([name, value]) =>
              h(
                "div",
                null,
                h("dt", null, name),
                bidi(typeof value === "string" ? value : JSON.stringify(value), "dd"),
              ),
            ),
          ),
        ),
    ),
  );
}
