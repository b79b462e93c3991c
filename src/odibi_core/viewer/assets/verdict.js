// The first screen: the verdict, what needs attention and is unusual, what changed since the last good run.
import {bidi, copyButton, h, listen} from "./dom.js";
import {count, duration, elapsed, moment, plural, shortId} from "./format.js";
import {drawStrip, usualRange} from "./past.js";
import {ORDER, icon, label} from "./states.js";

/** @typedef {import("./types.js").Run} Run */
/** @typedef {import("./types.js").Finding} Finding */
/** @typedef {import("./types.js").Change} Change */
/** @typedef {(index: number) => void} Pick */

const FEW = 3; // entries of a list that are shown at once

/** @param {Run} story @param {Pick} pick @param {import("./types.js").Services} services */
export function drawVerdict(story, pick, services) {
  const {run, title} = story,
    first = firstFailed(story);
  return h(
    "section",
    {class: `verdict is-${run.tone}`, id: "verdict"},
    h("div", {class: "verdict-icon"}, icon(run.tone, 40)),
    h(
      "div",
      {class: "verdict-text"},
      h("p", {class: "eyebrow"}, run.label),
      bidi(title, "h1"),
      h(
        "p",
        {class: "sentence"},
        bidi(run.sentence),
        first >= 0 && [
          " ",
          h(
            "button",
            {type: "button", class: "link", click: () => pick(first)},
            "Open ",
            bidi(story.steps[first].name),
          ),
        ],
      ),
      facts(story, services),
    ),
    h(
      "div",
      {class: "verdict-side"},
      balance(story.counts, story.steps.length),
      drawStrip(story.strip, services, story.next),
      figures(story),
    ),
    lists(story, pick),
  );
}

/**
 * Return the failed step that the sentence names; -1 for none.
 * @param {Run} story
 */
function firstFailed({run, steps}) {
  return run.status === "failed" ? steps.findIndex((step) => step.state === "failed") : -1;
}

/** @param {Run} story @param {import("./types.js").Services} services */
function facts({run, title, steps, isPast}, services) {
  const at = moment(run.startedAt),
    usual = usualTotal(steps);
  /** @type {Array<[string, any]>} */
  const found = [
    [
      "Started",
      at ? [h("time", {datetime: run.startedAt}, at.utc), at.local && h("small", null, ` ${at.local}`)] : run.started,
    ],
    run.status === "running" && services.fetchJson && run.startedAt && !isPast
      ? ["Running for", h("time", {"data-since": run.startedAt}, elapsed(run.startedAt))]
      : ["Duration", run.duration && [run.duration, usual && h("small", null, ` ${usual}`)]],
    ["Partition", run.partition && bidi(run.partition)],
    ["Pipeline", run.pipeline === title ? "" : bidi(run.pipeline)],
    ["Engine", run.engine && bidi(run.engine)],
    [
      "Run",
      run.id && [h("span", {title: run.id}, bidi(shortId(run.id))), " ", copyButton(run.id, "Copy the id of the run")],
    ],
  ];
  return h(
    "dl",
    {class: "facts"},
    found
      .filter(([, value]) => value)
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}

/**
 * The longest step, and what it usually takes.
 * @param {import("./types.js").Step[]} steps
 */
function usualTotal(steps) {
  const longest = steps.reduce(
    (/** @type {import("./types.js").Step | null} */ most, step) =>
      (step.durationMs ?? 0) > (most?.durationMs ?? 0) ? step : most,
    null,
  );
  if (!longest || steps.length < 2) return null;
  const usual = usualRange(longest, 3);
  return `longest: ${longest.name.slice(0, 40)}, ${duration(longest.durationMs)}${usual ? `, usually ${duration(usual[1])}` : ""}`;
}

/** @param {Run} story */
function figures({figures: found}) {
  return (
    found.length > 0 &&
    h(
      "dl",
      {class: "figures"},
      found.map((figure) =>
        h(
          "div",
          {class: "figure"},
          h("dt", null, figure.label),
          h("dd", null, figure.value),
          figure.note && bidi(figure.note, "dd", "note"),
        ),
      ),
    )
  );
}

/**
 * One bar with the number of steps in each state.
 * @param {Record<string, number>} counts
 * @param {number} total
 */
function balance(counts, total) {
  const states = ORDER.filter((state) => counts[state]).reverse();
  if (total === 0) return null;
  return h(
    "div",
    {class: "balance"},
    h(
      "div",
      {class: "balance-bar", "aria-hidden": "true"},
      states.map((state) => {
        const part = h("span", {class: `is-${state}`});
        part.style.flexGrow = String(counts[state]);
        return part;
      }),
    ),
    h(
      "ul",
      {class: "balance-key"},
      states.map((state) => h("li", null, icon(state, 13), ` ${count(counts[state])} ${label(state).toLowerCase()}`)),
    ),
  );
}

/**
 * Two lists beside each other; each thing stands in one of them.
 * @param {Run} story
 * @param {Pick} pick
 */
function lists(story, pick) {
  const wrong = troubles(story, pick),
    side = [changed(story, pick), (story.commands ?? []).length > 0 && goOn(story.commands)].filter(Boolean);
  return (
    (wrong || side.length > 0) &&
    h(
      "div",
      {class: wrong && side.length > 0 ? "pair" : "pair single"},
      wrong,
      side.length > 0 && h("div", {class: "pair-side"}, side),
    )
  );
}

/**
 * The places that need attention, without the failure that the sentence names, and the unusual findings.
 * @param {Run} story
 * @param {Pick} pick
 */
function troubles(story, pick) {
  const {attention, moreAttention: more, unusual} = story,
    first = firstFailed(story),
    rest = attention.filter((one) => one.step !== first || one.tone !== "failed");
  const entries = [
    ...rest.map((one) => attentionOf(one, story, pick)),
    ...(unusual ?? []).map((one) => finding(one, pick)),
  ];
  return (
    entries.length > 0 &&
    h(
      "section",
      {class: "findings", id: "unusual", "aria-labelledby": "unusual-title"},
      h("h2", {id: "unusual-title"}, rest.length === 0 ? "Unusual" : "Needs attention"),
      folded(entries),
      more > 0 && h("span", {class: "hint findings-more"}, `and ${count(more)} more: see the checks and steps below`),
    )
  );
}

/**
 * The differences to the last good run, without those that the other list has.
 * @param {Run} story
 * @param {Pick} pick
 */
function changed({changes, attention}, pick) {
  if (!changes) return null;
  const all = changes.list ?? [],
    stated = attention.map((one) => `${one.step} ${one.text}`),
    isStated = (/** @type {Change} */ {stated: is, step, text}) =>
      is || stated.some((known) => known.startsWith(`${step} ${text}`));
  const list = all.flatMap((one) => (isStated(one) ? withoutFirst(one) : one)),
    other = list.length < all.length || all.some(isStated);
  return h(
    "section",
    {class: "findings changes", id: "changes", "aria-labelledby": "changes-title"},
    h(
      "h2",
      {id: "changes-title"},
      list.length > 0
        ? `Changed${other ? " also" : ""} since the last good run`
        : `Nothing${other ? " else" : ""} changed since the last good run`,
      changes.with && [" ", h("span", {class: "hint", title: changes.with}, bidi(shortId(changes.with)))],
    ),
    folded(list.map((one) => changeOf(one, pick))),
    changes.more &&
      h("p", {class: "hint findings-more"}, `and ${plural(changes.more, "more difference")}: odibi compare shows all`),
  );
}

/**
 * Return the entry of the changes that follow from one that the page states elsewhere; nothing if there are none.
 * @param {Change} one
 * @returns {Change[]}
 */
function withoutFirst({step, name, follows = [], moreFollow}) {
  return follows.length > 0 ? [{step, name, text: "has other values with its other rows", follows, moreFollow}] : [];
}

/**
 * The first entries, and a button for the others.
 * @param {HTMLElement[]} entries
 */
function folded(entries) {
  const list = h("ul", null, entries.slice(0, FEW)),
    more = h(
      "button",
      {
        type: "button",
        class: "link",
        click: () => {
          list.append(...entries.slice(FEW));
          more.remove();
        },
      },
      `Show ${count(entries.length - FEW)} more`,
    );
  listen("beforeprint", () => {
    if (more.isConnected) more.click();
  });
  return [list, entries.length > FEW && more];
}

/** @param {{step?: number, name?: string}} one @param {Pick} pick */
function stepButton(one, pick) {
  const {step, name} = one;
  if (step !== undefined)
    return h("button", {type: "button", class: "link strong", click: () => pick(step)}, bidi(name));
  return name ? bidi(name, "strong") : null;
}

/** @param {import("./types.js").Attention} one @param {Run} story @param {Pick} pick */
function attentionOf({step, anchor, name, tone, text, also}, {steps}, pick) {
  const known = name ?? (step === undefined ? "" : steps[step].name);
  return h(
    "li",
    {class: "finding"},
    icon(tone, 15, true),
    h(
      "div",
      null,
      h(
        "p",
        null,
        anchor ? h("a", {class: "strong", href: `#${anchor}`}, bidi(known)) : stepButton({step, name: known}, pick),
        " ",
        bidi(text),
      ),
      also && below(`${plural(also.length, "finding")} about these rows`, also, pick),
    ),
  );
}

/** @param {Finding} one @param {Pick} pick */
function finding(one, pick) {
  const follows = one.follows ?? [];
  return h(
    "li",
    {class: "finding"},
    icon("unusual", 15, true),
    h(
      "div",
      null,
      h("p", null, stepButton(one, pick), one.name && " ", bidi(one.text)),
      evidence(one),
      follows.length > 0 &&
        below(
          `${plural(follows.length, "finding")} that ${follows.length === 1 ? "follows" : "follow"} from it`,
          follows,
          pick,
        ),
    ),
  );
}

/**
 * The family of a finding, how likely it is, and the command that acknowledges it.
 * @param {Finding} one
 */
function evidence({family, usual, id}) {
  return (
    (usual || family) &&
    h(
      "p",
      {class: "hint"},
      family && h("span", {class: "tag"}, family),
      family && usual && " ",
      usual && bidi(usual),
      id && [
        " · ",
        copyButton(`odibi ack ${id}`, `Copy the command that acknowledges the finding ${id}`),
        h("code", {class: "ack"}, `odibi ack ${id}`),
      ],
    )
  );
}

/**
 * Findings or changes that belong to another one, folded below it.
 * @param {string} title
 * @param {Array<Finding | Change>} findings
 * @param {Pick} pick
 */
function below(title, findings, pick) {
  return h(
    "details",
    {class: "follows"},
    h("summary", null, title),
    h(
      "ul",
      null,
      findings.map((each) => h("li", null, stepButton(each, pick), each.name && " ", bidi(each.text), evidence(each))),
    ),
  );
}

/** @param {Change} one @param {Pick} pick */
function changeOf(one, pick) {
  return h(
    "li",
    {class: "finding"},
    h("span", {class: "change-mark", "aria-hidden": "true"}, "Δ"),
    h(
      "div",
      null,
      h(
        "p",
        null,
        stepButton(one, pick),
        one.name && " ",
        bidi(one.text),
        (one.before !== undefined || one.after !== undefined) &&
          h(
            "span",
            {class: "values"},
            " ",
            one.before !== undefined && bidi(one.before, "del"),
            one.before !== undefined && one.after !== undefined && h("span", {"aria-hidden": "true"}, " → "),
            one.after !== undefined && bidi(one.after, "ins"),
          ),
      ),
      one.why && bidi(one.why, "p", "hint"),
      one.follows && below(followed(one), one.follows.map(nameless(one.step)), pick),
    ),
  );
}

/**
 * Return a function that leaves out the step of a change, if it is that of the change above it.
 * @param {number | undefined} above
 * @returns {(one: Change) => Change}
 */
function nameless(above) {
  return (one) => (one.step === above ? {...one, step: undefined, name: undefined} : one);
}

/** @param {Change} one */
function followed({follows = [], moreFollow = 0}) {
  const all = follows.length + moreFollow;
  return `${plural(all, "change")} that ${all === 1 ? "follows" : "follow"} from it${moreFollow ? `, the first ${follows.length} here` : ""}`;
}

/**
 * The commands that resume the run and replay its failed steps.
 * @param {Run["commands"]} commands
 */
function goOn(commands) {
  return h(
    "div",
    {class: "go-on"},
    h("h2", null, "Go on from here"),
    h(
      "dl",
      null,
      commands.map(({label: name, text}) =>
        h(
          "div",
          null,
          bidi(name, "dt"),
          h("dd", {class: "command"}, h("code", {tabindex: "0"}, text), copyButton(text, `Copy the command: ${name}`)),
        ),
      ),
    ),
  );
}
