// What the run was for: parameters, tags, code, versions, place, and the files that it read and wrote.
import {h, bidi, section, columnHead, scrolledTable} from "./dom.js";
import {count, plural} from "./format.js";

/** @typedef {NonNullable<import("./types.js").Run["purpose"]>} Purpose */
/** @typedef {(index: number) => void} Pick */

const FEW_PAIRS = 12;

/** @param {Purpose | null} purpose @param {Pick} pick */
export function drawPurpose(purpose, pick) {
  if (!purpose) return null;
  const beside = /** @type {Array<[string, import("./types.js").Pairs | undefined]>} */ ([
    ["Parameters", purpose.params],
    ["Tags", purpose.tags],
    ["Versions", purpose.packages],
    ["Environment", purpose.environment],
  ]).filter(([, pairs]) => pairs);
  return section(
    "purpose",
    "What the run was for",
    "Parameters, code, versions and files",
    (purpose.facts || beside.length > 0) &&
      h(
        "div",
        {class: "panel purpose"},
        purpose.facts && h("div", null, group("Run", purpose.facts)),
        beside.length > 0 &&
          h(
            "div",
            null,
            beside.map(([title, pairs]) => group(title, pairs)),
          ),
      ),
    purpose.files && filesOf(purpose, pick),
  );
}

/** @param {string} title @param {import("./types.js").Pairs | undefined} given */
function group(title, given) {
  const pairs = given ?? [];
  return h(
    "details",
    {class: "purpose-group", open: pairs.length <= FEW_PAIRS},
    h("summary", null, title, h("span", {class: "hint"}, ` ${count(pairs.length)}`)),
    h(
      "dl",
      {class: "pairs"},
      pairs.map(([name, value]) => h("div", null, bidi(name, "dt"), bidi(value, "dd"))),
    ),
  );
}

/** @param {Purpose} purpose @param {Pick} pick */
function filesOf({files = [], moreFiles}, pick) {
  const region = scrolledTable(
    "Files",
    "table files-table",
    ["File", "Step", "Rows", "Size", "Modified"].map((name) => columnHead(name, name === "Rows" || name === "Size")),
    h(
      "tbody",
      null,
      files.map((file) =>
        h(
          "tr",
          null,
          h(
            "td",
            null,
            h("span", {class: `tag access-${file.access}`}, file.access),
            " ",
            bidi(file.uri, "span", "uri"),
            (file.files ?? 1) > 1 && h("span", {class: "hint"}, ` ${plural(file.files ?? 1, "file")}`),
          ),
          h(
            "td",
            null,
            file.step !== undefined
              ? h("button", {type: "button", class: "link", click: () => pick(Number(file.step))}, bidi(file.name))
              : file.name && bidi(file.name),
          ),
          h("td", {class: "number"}, file.rows ?? ""),
          h("td", {class: "number"}, file.size ?? ""),
          h("td", {class: "modified"}, file.modified ?? ""),
        ),
      ),
    ),
    "scroll panel files",
  );
  if (moreFiles)
    region.append(h("p", {class: "hint files-more"}, `and ${plural(moreFiles, "more file")}: odibi show lists them`));
  return region;
}
