// @ts-nocheck
// One card for each step, in a list with search and filter that is built as it comes into view.
import {h, bidi, section} from "./dom.js";
import {count, duration, plural, signed} from "./format.js";
import {ORDER, icon, label} from "./states.js";
import {drawFrame} from "./frames.js";
import {drawStatistics} from "./charts.js";
import {drawPast, rowsBars, timeBars} from "./past.js";
import {drawSource, drawTrace} from "./source.js";
import {examples, share, verdictOf} from "./checks.js";
import {drawRows} from "./rows.js";

const CHUNK = 80;
const MOST_PRINTED = 300;
const FEW_INPUTS = 3;

// → {element, show(index)}: `show` opens a step's card and brings it into view.
export function drawCards(steps, counts, pick) {
  const all = steps.map((step, index) => ({step, index, words: words(step)}));
  let state = "all", query = "", found = all, from = 0, to = 0;
  const open = new Set(all.filter(({step}) => step.state === "failed").slice(0, 3).map(({index}) => index));
  const list = h("div", {class: `cards panel ${steps.length > 200 ? "many" : ""}`});
  const earlier = h("button", {type: "button", class: "more", click: () => window_(Math.max(0, from - CHUNK), to)}, "Earlier steps");
  const later = h("button", {type: "button", class: "more", click: () => window_(from, Math.min(found.length, to + CHUNK))}, "More steps");
  const outcome = h("p", {class: "hint", role: "status"});
  const search = h("input", {type: "search", class: "search", placeholder: "Search steps, columns, errors", "aria-label": "Search steps", "aria-keyshortcuts": "/",
    input: () => { query = search.value.trim().toLowerCase(); refresh(); }});
  const states = ORDER.filter((name) => counts[name]);
  const filter = choiceOf(states, counts, steps.length, (value) => { state = value; refresh(); });

  function refresh() {
    found = all.filter(({step, words: text}) => (state === "all" || step.state === state) && (!query || text.includes(query)));
    outcome.textContent = found.length === all.length ? "" : found.length === 0 ? "No step matches." : `${count(found.length)} of ${count(all.length)} steps`;
    list.replaceChildren();
    list.hidden = found.length === 0;
    from = to = 0;
    window_(0, Math.min(CHUNK, found.length));
  }

  // Build the missing part of found[start..end): the list grows only at its two ends.
  function window_(start, end) {
    if (from === to) from = to = start;
    list.prepend(...found.slice(start, from).map(build));
    list.append(...found.slice(to, end).map(build));
    [from, to] = [start, end];
    earlier.hidden = from === 0;
    later.hidden = to === found.length;
  }

  function build({step, index}) {
    return card(step, index, steps, open, pick);
  }

  function show(index) {
    let place = found.findIndex((entry) => entry.index === index);
    if (place < 0) {
      [state, query, search.value] = ["all", "", ""];
      filter.reset();
      refresh();
      place = index;
    }
    if (place < from || place >= to) {
      list.replaceChildren();
      from = to = 0;
      window_(Math.max(0, place - CHUNK / 2), Math.min(found.length, place + CHUNK));
    }
    const element = list.children[place - from];
    element.open = true;
    element.scrollIntoView({block: "start", behavior: calm() ? "auto" : "smooth"});
    element.querySelector("summary").focus({preventScroll: true});
    element.classList.remove("found");
    requestAnimationFrame(() => element.classList.add("found"));
  }

  refresh();
  if ("IntersectionObserver" in window) {
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting) && !later.hidden) later.click(); },
      {rootMargin: "600px"}).observe(later);
  }
  addEventListener("beforeprint", () => {
    if (steps.length <= MOST_PRINTED) window_(0, found.length);
    for (const element of list.children) {
      if (steps.length <= MOST_PRINTED) element.open = true;
      if (element.open) element.fill();
    }
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    search.focus();
  });
  return {show, element: section("steps", "Steps", null,
    h("div", {class: "tools"}, search, filter.element, outcome), earlier, list, later)};
}

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function choiceOf(states, counts, total, picked) {
  const element = h("div", {class: "choice", role: "group", "aria-label": "Show steps that"});
  const press = (chosen) => { for (const one of element.children) one.setAttribute("aria-pressed", String(one === chosen)); };
  const button = (value, ...content) => {
    const made = h("button", {type: "button", "aria-pressed": "false", click: () => { press(made); picked(value); }}, content);
    element.append(made);
    return made;
  };
  const every = button("all", `All ${count(total)}`);
  if (states.length > 1) for (const state of states) button(state, icon(state, 13), ` ${label(state)} ${count(counts[state])}`);
  press(every);
  return {element, reset: () => press(every)};
}

function words(step) {
  const columns = (step.after?.schema ?? []).map(([name]) => name);
  const rules = (step.rowChanges ?? []).map((change) => change.sentence);
  const keys = [...(step.inputs ?? []), ...(step.outputs ?? [])].flat();
  return [step.name, step.layer, step.type, step.engine, step.worker, label(step.state), step.error, step.errorType, step.skipReason, ...columns, ...rules, ...keys]
    .filter(Boolean).join("\n").toLowerCase();
}

function card(step, index, steps, open, pick) {
  let built = false;
  const element = h("details", {class: `card is-${step.state}`, toggle: () => { if (element.open) { open.add(index); element.fill(); } else open.delete(index); }},
    h("summary", null,
      icon(step.state, 20, true),
      h("span", {class: "card-name"}, bidi(step.name, "strong"), h("span", {class: "card-kind"}, kind(step))),
      h("span", {class: "card-rows"}, rowsBars(step), h("span", null, change(step))),
      h("span", {class: "card-time"}, timeBars(step), h("span", null, step.state === "skipped" ? "skipped" : duration(step.durationMs)))));
  element.fill = () => {
    if (built) return;
    built = true;
    element.append(body(step, steps, pick));
  };
  element.open = open.has(index);
  if (element.open) element.fill();
  return element;
}

function kind(step) {
  const failed = (step.checks ?? []).filter((check) => check.result === "failed");
  return [bidi([step.layer, step.type, step.engine].filter(Boolean).join(" · ")),
    step.takenFrom && h("span", {class: "tag"}, `taken from ${step.takenFrom}`),
    step.cached && h("span", {class: "tag"}, "from the cache"),
    (step.attempts ?? 1) > 1 && h("span", {class: "tag"}, icon("retry", 12), ` ${step.attempts} attempts`),
    step.calls && h("span", {class: "tag"}, plural(step.calls, "call")),
    step.tasks && h("span", {class: "tag"}, plural(step.tasks, "item")),
    step.rowChanges?.some((one) => one.unusual) && h("span", {class: "tag is-warn"}, icon("warn", 12), " unusual rows"),
    step.failedCalls && h("span", {class: "tag is-failed"}, `${count(step.failedCalls)} failed`),
    failed.length > 0 && h("span", {class: "tag is-warn"}, icon("warn", 12), ` ${plural(failed.length, "check")}`)];
}

function change(step) {
  if (step.rows === undefined) return null;
  if (step.rowsBefore === undefined) return [count(step.rows), h("small", null, " rows")];
  return [h("small", null, `${step.rowsBefore.slice(0, FEW_INPUTS).map(count).join(" + ")}${step.rowsBefore.length > FEW_INPUTS ? " + …" : ""} → `), count(step.rows), h("small", null, " rows")];
}

function body(step, steps, pick) {
  return h("div", {class: "card-body"},
    step.error && trouble(step),
    step.skipReason && h("p", {class: "notice"}, "Skipped: ", bidi(step.skipReason)),
    !step.error && drawSource(step),
    figures(step),
    drawPast(step),
    relations(step, steps, pick),
    drawRows(step),
    step.retries && retries(step),
    step.checks && checks(step),
    differences(step),
    (step.before || step.after) && h("div", {class: "frames"},
      h("div", null, (step.before ?? []).map((frame) => drawFrame("In", frame))),
      h("div", null, step.after && drawFrame("Out", step.after, step.diff))),
    statisticsOf(step));
}

// Of the output, else of the first input that has some: a step that only writes.
function statisticsOf(step) {
  const frame = [step.after, ...(step.before ?? [])].find((one) => one?.stats);
  return frame && h("details", {class: "stats-of", open: true}, h("summary", null, h("h4", null, "Column statistics", frame.name && [" ", bidi(frame.name, "code")])), drawStatistics(frame));
}

function trouble(step) {
  return h("div", {class: "trouble"},
    h("p", null, step.errorType && bidi(step.errorType, "strong"), step.errorType && ": ", bidi(step.error)),
    drawSource(step), drawTrace(step));
}

function figures(step) {
  const before = step.rowsBefore ?? [];
  const delta = step.delta ?? (before.length === 1 && step.rows !== undefined ? step.rows - before[0] : undefined);
  const facts = [["Duration", step.durationMs === undefined ? null : duration(step.durationMs)],
    ["Started", step.startedMs === undefined ? null : `after ${duration(step.startedMs)}`],
    ["Rows out", step.rows === undefined ? null : count(step.rows)],
    ["Change", delta === undefined ? null : `${signed(delta)} rows`],
    ["Memory", step.memoryMb === undefined ? null : `${step.memoryMb.toLocaleString("en", {maximumFractionDigits: 1})} MB`],
    ["Attempts", step.calls ? null : step.attempts],
    ["Items", step.tasks === undefined ? null : `${count(step.tasks)}${step.failedTasks ? `, ${count(step.failedTasks)} failed` : ""}`],
    ["Calls", step.calls === undefined ? null : `${count(step.calls)}${step.durationMs === undefined ? "" : `, ${duration(step.durationMs / step.calls)} on average`}`],
    ["Failed calls", step.failedCalls === undefined ? null : count(step.failedCalls)], ["Worker", step.worker]].filter(([, value]) => value !== null && value !== undefined);
  return facts.length > 0 && h("dl", {class: "facts"}, facts.map(([name, value]) => h("div", null, h("dt", null, name), bidi(value, "dd"))));
}

function relations(step, steps, pick) {
  const link = (index) => h("button", {type: "button", class: "chip", click: () => pick(index)}, icon(steps[index].state, 12), bidi(steps[index].name));
  const row = (title, indices) => indices && h("div", {class: "relation"}, h("span", {class: "relation-title"}, title),
    indices.slice(0, 12).map(link), indices.length > 12 && h("span", {class: "hint"}, `and ${count(indices.length - 12)} more`));
  return (step.up || step.down) && h("div", {class: "relations"}, row("Needs", step.up), row("Feeds", step.down));
}

function retries(step) {
  return h("section", null, h("h4", null, "Retries"), h("ol", {class: "retries"}, step.retries.map((retry) => h("li", null,
    h("strong", null, `Attempt ${retry.attempt ?? "?"}`), " ", bidi(retry.error ?? "failed"),
    retry.delayMs !== undefined && h("span", {class: "hint"}, ` · retried after ${duration(retry.delayMs)}`)))));
}

function checks(step) {
  return h("section", null, h("h4", null, "Checks"), h("ul", {class: "check-list"}, step.checks.map((check) => {
    const [state, word] = verdictOf(check);
    return h("li", null, icon(state, 15, true), h("span", null, bidi(check.check, "strong"), " ", check.column && bidi(check.column, "code"),
      h("span", {class: "hint"}, ` ${word.toLowerCase()}`), check.result === "failed" && [" · ", share(check)],
      check.message && bidi(check.message, "p"), examples(check)));
  })));
}

function differences({diff}) {
  if (!diff) return null;
  const chips = (kind_, sign, names) => (names ?? []).map((name) => h("li", {class: kind_}, h("span", {"aria-hidden": "true"}, `${sign} `),
    h("span", {class: "unseen"}, `${kind_}: `), bidi(name)));
  const changed = (diff.changed ?? []).map(([name, before, after]) =>
    h("li", {class: "changed"}, bidi(name), h("span", {class: "type"}, bidi(before), " → ", bidi(after))));
  const renamed = (diff.renamed ?? []).map(([before, after]) =>
    h("li", {class: "renamed"}, h("span", {class: "unseen"}, "renamed: "), bidi(before), h("span", {class: "type"}, " → "), bidi(after)));
  return h("section", null, h("h4", null, "Schema changes"),
    h("ul", {class: "diff"}, renamed, chips("added", "+", diff.added), chips("removed", "−", diff.removed), changed),
    diff.more && h("p", {class: "hint"}, `and ${plural(diff.more, "more change")}`));
}
