// The view of alerts: those of rules, findings of runs and missing runs, to acknowledge and to mute.
import {h, bidi, section, choice} from "../dom.js";
import {count, plural, shortId} from "../format.js";
import {drawPage} from "../shell.js";
import {ago, linked, listAsking, listing, pageHead, stateOf} from "../listing.js";

/** @typedef {import("../types.js").Services} Services */

const TONES = /** @type {Record<string, string>} */ ({
  unusual: "unusual",
  failed: "failed",
  lost: "lost",
  missed: "failed",
  late: "warn",
});

/**
 * @param {HTMLElement} root
 * @param {any} found
 * @param {Services} services
 * @returns {import("../types.js").Mounted}
 */
export function mount(root, found, services) {
  const body = h("div"),
    status = h("p", {class: "hint", role: "status"});
  const asked = {all: "false"},
    sentence = h("span");
  /** @param {string} path @param {any} body */
  const change = async (path, body) => {
    try {
      status.textContent = (await services.send?.(path, body))?.message ?? "";
      await ask({});
    } catch (error) {
      status.textContent = String(/** @type {Error} */ (error).message);
    }
  };
  /** @param {any} alerts */
  const show = (alerts) => {
    sentence.textContent = sentenceOf(alerts, asked.all === "true");
    body.replaceChildren(...parts(alerts, services, services.send ? change : null));
  };
  const ask = listAsking(services, "alerts", asked, show);
  drawPage(
    root,
    {
      kind: "alerts",
      parts: [
        ["rules", "Rules"],
        ["findings", "Findings"],
        ["mutes", "Mutes"],
      ],
      main: [
        pageHead(
          "Alerts",
          sentence,
          services.fetchJson &&
            choice(
              "Alerts",
              [
                ["open", "Open"],
                ["all", "All"],
              ],
              "open",
              (value) => ask({all: String(value === "all")}),
            ),
        ),
        status,
        body,
      ],
    },
    services,
  );
  show(found);
  return {update: () => ask({})};
}

/** @param {any} found @param {boolean} all */
function sentenceOf(found, all) {
  const hidden =
    found.hidden && !all
      ? `${plural(found.hidden, "acknowledged or muted finding")} ${found.hidden === 1 ? "is" : "are"} hidden`
      : "What needs a look";
  const unjudged = `${plural(found.not_judged, "run")} not judged: too few earlier runs, or noticing could not run`;
  return found.not_judged ? `${hidden}; ${unjudged}` : hidden;
}

/** @param {any} found @param {Services} services @param {((path: string, body: any) => void) | null} change */
function parts(found, services, change) {
  /** @param {any} alert */
  const actions = (alert) => {
    if (!change) return "";
    if (alert.acknowledged) return h("span", {class: "hint"}, `acknowledged${alert.note ? `: ${alert.note}` : ""}`);
    const note = h("input", {class: "search note", placeholder: "Note", "aria-label": "Note"});
    return h(
      "div",
      {class: "actions"},
      note,
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          click: () => change(`alerts/${encodeURIComponent(alert.alert_id)}/acknowledge`, {note: note.value}),
        },
        "Acknowledge",
      ),
      alert.muted
        ? h("span", {class: "hint"}, "muted")
        : h(
            "button",
            {
              type: "button",
              class: "quiet",
              title: `Mute ${alert.family ?? "everything"} of this ${alert.node_name ? "step" : "pipeline"} for a week`,
              click: () => change("mutes", muteOf(alert)),
            },
            "Mute 7 days",
          ),
    );
  };
  return [
    section(
      "rules",
      "Rules",
      null,
      listing(
        "Alerts of rules",
        [
          {title: "Raised", kind: "whole", cell: (alert) => ago(alert.raised)},
          {title: "State", cell: (alert) => stateOf(alert.status, alert.status)},
          {
            title: "Pipeline",
            cell: (alert) => linked(services.link?.("pipeline", alert.pipeline_name), alert.pipeline_name || "–"),
          },
          {
            title: "Alert",
            cell: (alert) => [
              bidi(alert.message),
              h(
                "div",
                {class: "hint"},
                bidi([alert.rule, alert.severity, alert.owner && `owner ${alert.owner}`].filter(Boolean).join(" · ")),
              ),
            ],
          },
          {
            title: "Run",
            cell: (alert) => alert.run_id && linked(services.link?.("run", alert.run_id), shortId(alert.run_id)),
          },
          {title: "Action", cell: actions},
        ],
        found.rules,
        "No rule has an open alert.",
      ),
    ),
    section(
      "findings",
      "Findings",
      null,
      listing(
        "Findings",
        [
          {title: "When", kind: "whole", cell: (alert) => ago(alert.at)},
          {title: "Kind", cell: (alert) => stateOf(TONES[alert.kind] ?? "warn", alert.kind)},
          {
            title: "Pipeline",
            cell: (alert) => [
              linked(services.link?.("pipeline", alert.pipeline_name), alert.pipeline_name),
              alert.node_name && h("div", {class: "hint"}, bidi(alert.node_name)),
            ],
          },
          {
            title: "Finding",
            cell: (alert) => [
              bidi(alert.message),
              alert.follows.length > 0 &&
                h(
                  "details",
                  null,
                  h(
                    "summary",
                    null,
                    `${count(alert.follows.length)} ${alert.follows.length === 1 ? "follows" : "follow"} from it`,
                  ),
                  h(
                    "ul",
                    null,
                    alert.follows.map((/** @type {string} */ text) => h("li", null, bidi(text))),
                  ),
                ),
            ],
          },
          {
            title: "Run",
            cell: (alert) => alert.run_id && linked(services.link?.("run", alert.run_id), shortId(alert.run_id)),
          },
          {title: "Action", cell: actions},
        ],
        found.findings,
        "Nothing needs a look.",
      ),
    ),
    section(
      "mutes",
      "Mutes",
      null,
      listing(
        "Mutes",
        [
          {title: "Pipeline", cell: (mute) => bidi(mute.pipeline_name)},
          {title: "Step", cell: (mute) => bidi(mute.node_name ?? "all")},
          {title: "Family", cell: (mute) => mute.family ?? "all"},
          {title: "Until", kind: "whole", cell: (mute) => (mute.until ? ago(mute.until) : "lifted")},
          {
            title: "Action",
            cell: (mute) =>
              change &&
              h(
                "button",
                {
                  type: "button",
                  class: "quiet",
                  click: () =>
                    change("mutes", {
                      pipeline: mute.pipeline_name,
                      ...(mute.node_name ? {step: mute.node_name} : {}),
                      ...(mute.family ? {family: mute.family} : {}),
                      lift: true,
                    }),
                },
                "Lift",
              ),
          },
        ],
        found.mutes,
        "Nothing is muted.",
      ),
    ),
  ];
}

/** @param {any} alert */
function muteOf(alert) {
  const until = new Date(Date.now() + 7 * 86_400_000).toISOString();
  return {
    pipeline: alert.pipeline_name,
    ...(alert.node_name ? {step: alert.node_name} : {}),
    ...(alert.family ? {family: alert.family} : {}),
    until,
  };
}
