// The view of errors by cause; with `example` that of one of them.
import {h, bidi, section} from "../dom.js";
import {count, plural} from "../format.js";
import {drawPage} from "../shell.js";
import {ago, firstLine, linked, listAsking, listing, notices, pageHead, pager, searchField, time} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

/**
 * @param {HTMLElement} root
 * @param {any} page
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, page, services) {
  if ("fingerprint" in page) {
    drawPage(root, {kind: "error", parts: [], main: one(page, services)}, services);
    return {update: () => {}};
  }
  const list = h("div");
  /** @param {any} found */
  const show = (found) =>
    list.replaceChildren(
      ...notices(found),
      listing(
        "Errors",
        [
          {
            title: "Error",
            cell: (error) => [
              h(
                "strong",
                null,
                linked(services.link?.("error", error.fingerprint), error.error_type ?? error.event_type),
              ),
              h("div", null, bidi(firstLine(error.message ?? ""))),
            ],
          },
          {
            title: "Where",
            cell: (error) => bidi([...error.nodes, ...error.operations].slice(0, 3).join(", ") || (error.place ?? "")),
          },
          {title: "Times", number: true, cell: (error) => count(error.count)},
          {title: "Runs", number: true, cell: (error) => count(error.run_count)},
          {title: "First", cell: (error) => time(error.first_seen)},
          {title: "Last", cell: (error) => ago(error.last_seen)},
        ],
        found.errors,
        "No error is recorded.",
      ),
      pager(found, "error", services.fetchJson && ((offset) => ask({offset}))),
    );
  const ask = listAsking(services, "errors", {search: "", offset: 0}, show);
  drawPage(
    root,
    {
      kind: "errors",
      parts: [],
      main: [
        pageHead(
          "Errors",
          "By cause, those seen last first",
          services.fetchJson && searchField("Search errors", "", (search) => ask({search, offset: 0})),
        ),
        list,
      ],
    },
    services,
  );
  show(page);
  return {update: () => ask({})};
}

/** @param {any} error @param {Services} services */
function one(error, services) {
  const {example} = error;
  return [
    pageHead(
      error.error_type ?? error.event_type,
      `${plural(error.count, "time")} in ${plural(error.run_count, "run")}, first ${ago(error.first_seen)}, last ${ago(error.last_seen)}`,
    ),
    h(
      "div",
      {class: "trouble"},
      bidi(error.message ?? "", "p"),
      example?.traceback && h("pre", null, example.traceback),
    ),
    section(
      "runs",
      "Runs",
      null,
      h(
        "ul",
        {class: "panel questions"},
        [...error.runs]
          .reverse()
          .map((/** @type {string} */ run) => h("li", null, linked(services.link?.("run", run), run))),
      ),
    ),
    (example?.breadcrumbs ?? []).length > 0 &&
      section(
        "before",
        "Before it",
        null,
        listing(
          "Before it",
          [
            {title: "Time", cell: (crumb) => time(crumb.at)},
            {title: "What", cell: (crumb) => bidi(`${crumb.category ?? ""}: ${crumb.message ?? ""}`)},
          ],
          example.breadcrumbs,
          "",
        ),
      ),
  ];
}
