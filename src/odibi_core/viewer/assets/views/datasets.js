// The view of datasets: files and tables, with their last writer, freshness, rows, columns and readers.
import {h, bidi} from "../dom.js";
import {count, plural, size} from "../format.js";
import {drawPage} from "../shell.js";
import {ago, linked, listAsking, listing, notices, pageHead, pager, searchField} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

/**
 * @param {HTMLElement} root
 * @param {any} page
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, page, services) {
  const list = h("div");
  /** @param {any} found */
  const show = (found) =>
    list.replaceChildren(
      ...notices(found),
      listing("Datasets", columns(found, services), found.datasets, "No run read or wrote a file."),
      pager(found, "dataset", services.fetchJson && ((offset) => ask({offset}))),
    );
  const ask = listAsking(services, "datasets", {search: "", offset: 0}, show);
  drawPage(
    root,
    {
      kind: "datasets",
      parts: [],
      main: [
        pageHead(
          "Datasets",
          "Files and tables that runs wrote or read, the last written first",
          services.fetchJson && searchField("Search datasets", "", (search) => ask({search, offset: 0})),
        ),
        list,
      ],
    },
    services,
  );
  show(page);
  return {update: () => ask({})};
}

/** @param {any} page @param {Services} services @returns {import("../listing.js").Column[]} */
function columns(page, services) {
  const now = new Date(page.now).getTime();
  return [
    {
      title: "Dataset",
      cell: (one) => [h("strong", null, bidi(one.dataset ?? one.uri)), h("div", {class: "hint uri"}, bidi(one.uri))],
    },
    {title: "Format", cell: (one) => one.format ?? ""},
    {
      title: "Written",
      cell: (one) =>
        one.written
          ? [
              linked(services.link?.("run", one.run_id), ago(one.written, now)),
              h("div", {class: "hint"}, bidi(`${one.pipeline_name} / ${one.node_name ?? ""}`)),
            ]
          : h(
              "span",
              {class: "hint"},
              one.modified ? `by no recorded run; changed ${ago(one.modified, now)}` : "by no recorded run",
            ),
    },
    {title: "Rows", number: true, cell: (one) => count(one.row_count)},
    {title: "Columns", number: true, cell: (one) => count(one.column_count)},
    {title: "Size", number: true, cell: (one) => (one.bytes === null ? "–" : size(one.bytes))},
    {
      title: "Read by",
      cell: (one) =>
        one.readers
          ? h(
              "details",
              null,
              h("summary", null, `${plural(one.readers.length, "step")}, ${ago(one.last_read, now)}`),
              h(
                "ul",
                null,
                one.readers.map((/** @type {string} */ name) => h("li", null, bidi(name))),
              ),
            )
          : h("span", {class: "hint"}, "no recorded run"),
    },
  ];
}
