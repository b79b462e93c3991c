// The view of the list of runs: filtered, searched, paged.
import {h} from "../dom.js";
import {count, shortId} from "../format.js";
import {drawPage} from "../shell.js";
import {
  firstLine,
  linked,
  listAsking,
  listing,
  notices,
  pageHead,
  pager,
  searchField,
  selectField,
  stateOf,
  time,
  took,
} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

/**
 * @param {HTMLElement} root
 * @param {any} page with `asked`, the filter of its address
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, page, services) {
  /** @type {Record<string, string | number>} */
  const asked = {...page.asked};
  const list = h("div");
  /** @param {any} found */
  const show = (found) =>
    list.replaceChildren(...notices(found), ...table(found, services, services.fetchJson && ((offset) => ask({offset}))));
  const ask = listAsking(services, "runs", asked, (found) => {
    services.remember?.(asked);
    show(found);
  });
  const text = (/** @type {string} */ name) => String(asked[name] ?? "");
  const tools = [
    searchField("Search runs: id, error, host, tag", text("search"), (search) => ask({search, offset: 0})),
    searchField("Pipeline", text("pipeline"), (pipeline) => ask({pipeline, offset: 0})),
    selectField(
      "Status",
      [
        ["", "Every status"],
        ...["success", "failed", "cancelled", "running", "lost"].map(
          (name) => /** @type {[string, string]} */ ([name, name]),
        ),
      ],
      text("status"),
      (status) => ask({status, offset: 0}),
    ),
    selectField(
      "Findings",
      [
        ["", "All runs"],
        ["true", "Unusual only"],
      ],
      text("unusual"),
      (unusual) => ask({unusual, offset: 0}),
    ),
  ];
  drawPage(
    root,
    {kind: "runs", parts: [], main: [pageHead("Runs", "The newest first", services.fetchJson && tools), list]},
    services,
  );
  show(page);
  return {update: () => ask({})};
}

/** @param {any} page @param {Services} services @param {((offset: number) => void) | undefined} go */
function table(page, services, go) {
  return [
    listing(
      "Runs",
      [
        {title: "Started", kind: "whole", cell: (run) => time(run.started)},
        {
          title: "Pipeline",
          cell: (run) => linked(services.link?.("pipeline", run.pipeline_name ?? ""), run.pipeline_name ?? "?"),
        },
        {
          title: "Status",
          cell: (run) => [stateOf(run.state), run.error && h("div", {class: "hint"}, firstLine(run.error))],
        },
        {title: "Duration", number: true, cell: (run) => took(run)},
        {
          title: "Steps",
          number: true,
          cell: (run) =>
            run.steps === null ? count(run.success_count) : `${count(run.success_count)}/${count(run.steps)}`,
        },
        {title: "Read", number: true, cell: (run) => count(run.rows_read)},
        {title: "Published", number: true, cell: (run) => count(run.rows_published)},
        {title: "Checks", kind: "whole", cell: (run) => checks(run)},
        {title: "Unusual", number: true, cell: (run) => (run.unusual ? count(run.unusual) : "")},
        {title: "Run", cell: (run) => linked(services.link?.("run", run.run_id), shortId(run.run_id))},
      ],
      page.runs,
      "No run passes the filter.",
    ),
    pager(page, "run", go),
  ];
}

/** @param {any} run */
function checks(run) {
  if (run.checks_failed) return h("span", {class: "bad"}, `${count(run.checks_failed)} failed`);
  if (run.checks_not_checked) return `${count(run.checks_not_checked)} not checked`;
  return run.checks_passed ? `${count(run.checks_passed)} passed` : "";
}
