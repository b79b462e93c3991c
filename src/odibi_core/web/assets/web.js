// The entry of every page of the server: finds the view of the address, fetches its document and draws it.
import {h, bidi} from "./dom.js";
import {elapsed} from "./format.js";
import {mount} from "./mount.js";
import {applied, follow} from "./stream.js";
import {timeSlider} from "./slider.js";

const html = document.documentElement,
  ROOT = html.dataset.root ?? "/",
  IS_STATIC = html.dataset.static === "true";
const REFRESH_MS = 10_000;
const PLACES = [
  ["/", "Pipelines"],
  ["/runs", "Runs"],
  ["/alerts", "Alerts"],
  ["/errors", "Errors"],
  ["/datasets", "Datasets"],
  ["/sql", "SQL"],
  ["/costs", "Costs"],
  ["/checks", "Health"],
  ["/usage", "Usage"],
];

/** The path of the page, without the root; of static files it is a parameter, because they have one address. */
const here = IS_STATIC ? (new URLSearchParams(location.search).get("page") ?? "/") : location.pathname;
const parts = here.split("?")[0].split("/").filter(Boolean).map(decodeURIComponent);
const asked = Object.fromEntries(new URLSearchParams(IS_STATIC ? (here.split("?")[1] ?? "") : location.search));

/** @param {string} path of a page, such as `/runs` */
function address(path) {
  return IS_STATIC ? `${ROOT}?page=${encodeURIComponent(path)}` : path;
}

/** @type {Promise<Record<string, string>> | null} */
let files = null;

/**
 * Return an answer of the API, or of the files that stand for it.
 * @param {string} path below `/api/`
 * @param {Record<string, string | number>} [parameters]
 */
async function fetchJson(path, parameters = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters)
      .filter(([, value]) => value !== "" && value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
  const request = query.size > 0 ? `${path}?${query}` : path;
  const response = await fetch(IS_STATIC ? await fileOf(request) : `/api/${request}`, {
    headers: {accept: "application/json"},
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

/** @param {string} request */
async function fileOf(request) {
  files ??= fetch(`${ROOT}data/index.json`).then((response) => response.json());
  const name = (await files)[request];
  if (!name) throw new Error("This is not among these files; odibi serve has all of it.");
  return `${ROOT}data/${name}`;
}

/** @param {string} path @param {any} body */
async function send(path, body) {
  const response = await fetch(`/api/${path}`, {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

/** @param {string} kind @param {string} id */
function link(kind, id) {
  const name = encodeURIComponent(id);
  const paths = {
    run: `/runs/${name}`,
    runs: `/runs?pipeline=${name}`,
    pipeline: `/pipelines/${name}`,
    step: `/pipelines/${encodeURIComponent(pipeline)}/steps/${name}`,
    error: `/errors/${name}`,
  };
  return id ? address(paths[kind] ?? "/") : null;
}

/** @param {Record<string, string | number>} parameters */
function remember(parameters) {
  if (IS_STATIC) return;
  const kept = Object.entries(parameters).filter(
    ([name, value]) => value !== "" && !(name === "offset" && Number(value) === 0) && name !== "limit",
  );
  const query = new URLSearchParams(kept.map(([name, value]) => [name, String(value)]));
  history.replaceState(null, "", query.size > 0 ? `?${query}` : location.pathname);
}

/** The pipeline that links to steps are about. */
let pipeline = "";

function bar(more = []) {
  const current = `/${parts[0] ?? ""}`,
    is = (path) => path === current || (path === "/" && current === "/pipelines");
  return h(
    "div",
    {class: "site"},
    h("a", {class: "brand", href: address("/")}, h("b", null, "odibi")),
    h(
      "nav",
      {class: "site-nav", "aria-label": "Pages"},
      PLACES.filter(([path]) => !(IS_STATIC && path === "/sql")).map(([path, title]) =>
        h("a", {href: address(path), "aria-current": is(path) ? "page" : null}, title),
      ),
      more,
    ),
  );
}

function services(more = []) {
  return {link, bar: bar(more), ...(IS_STATIC ? {} : {fetchJson, remember, send})};
}

/** @param {string} title */
function named(title) {
  document.title = title ? `${title} · odibi` : "odibi";
}

/** Draw the page of a run: its document, which follows the run while it goes on, and its states at any time. */
async function drawRun(root, run) {
  const path = `runs/${encodeURIComponent(run)}`;
  let shown = await fetchJson(path);
  const id = shown.run.id,
    page = `/runs/${encodeURIComponent(id)}`;
  pipeline = shown.run.pipeline;
  named(`${shown.run.pipeline} ${shown.run.label.toLowerCase()}`);
  const tools = h(
    "nav",
    {class: "run-tools", "aria-label": "This run"},
    [
      [`${page}/log`, "Log"],
      [`/compare?run=${encodeURIComponent(id)}`, "Compare"],
      [`/pipelines/${encodeURIComponent(pipeline)}`, "History"],
      [`${page}/metrics`, "Metrics"],
    ].map(([to, title]) => h("a", {href: address(to)}, title)),
  );
  const state = h("span", {class: "live-state", role: "status"}),
    slot = h("div", {class: "slider-slot"}),
    drawing = h("div");
  root.replaceChildren(drawing);
  const view = await mount("run", drawing, shown, services());
  const runBar = h("section", {class: "run-bar", "aria-label": "Views and states of the run"}, tools, state, slot);
  const place = () => {
    if (!runBar.isConnected) drawing.querySelector(".bar")?.after(runBar);
  };
  const redraw = (document) => {
    view.update(document);
    place();
  };
  place();
  const slider = await timeSlider(id, fetchJson, IS_STATIC, (earlier) =>
    redraw(earlier ? {...earlier, isPast: true} : shown),
  );
  slot.replaceChildren(slider.element);
  if (IS_STATIC || shown.run.status !== "running") return;
  state.textContent = "live";
  setInterval(() => {
    for (const text of /** @type {NodeListOf<HTMLElement>} */ (drawing.querySelectorAll("[data-since]")))
      text.textContent = elapsed(text.dataset.since ?? "");
  }, 1000);
  follow(
    `/api/${path}/events`,
    (kind, data) => {
      shown = applied(shown, kind, data);
      slider.moved(data.at);
      if (!slider.isInPast()) redraw(shown);
      if (shown.run.status !== "running") {
        state.textContent = "";
        named(`${shown.run.pipeline} ${shown.run.label.toLowerCase()}`);
      }
    },
    (connected) => {
      state.textContent = connected ? "live" : "connection lost; trying again";
    },
  );
}

/** The view of each first part of an address: its name, its request, and what is added to the answer. */
const PAGES = {
  "": () => [
    "fleet",
    "Pipelines",
    () => fetchJson("pipelines", IS_STATIC ? {} : {zone: -new Date().getTimezoneOffset()}),
  ],
  runs: () =>
    parts[2] === "log"
      ? [
          "log",
          `Log of ${parts[1]}`,
          async () => ({...(await fetchJson(`runs/${encodeURIComponent(parts[1])}/log`)), asked}),
        ]
      : parts[2] === "metrics"
        ? ["reports", "Metrics", async () => ({...(await fetchJson("metrics", {run: parts[1]})), kind: "metrics"})]
        : ["runs", "Runs", async () => ({...(await fetchJson("runs", asked)), asked})],
  pipelines: () => {
    pipeline = parts[1];
    const path = `pipelines/${encodeURIComponent(parts[1])}`;
    return parts[2] === "steps"
      ? ["step", parts[3], () => fetchJson(`${path}/steps/${encodeURIComponent(parts[3])}`)]
      : ["history", parts[1], () => fetchJson(`${path}/history`)];
  },
  compare: () => ["compare", "Comparison", async () => (await fetchJson("compare", asked)).document],
  datasets: () => ["datasets", "Datasets", () => fetchJson("datasets")],
  sql: () => ["sql", "SQL", async () => ({...(await fetchJson("questions")), asked})],
  alerts: () => ["alerts", "Alerts", () => fetchJson("alerts")],
  errors: () =>
    parts[1]
      ? ["errors", "Error", () => fetchJson(`errors/${encodeURIComponent(parts[1])}`)]
      : ["errors", "Errors", () => fetchJson("errors")],
  costs: () => ["reports", "Costs", async () => ({...(await fetchJson("costs")), kind: "costs"})],
  checks: () => ["reports", "Health", async () => ({...(await fetchJson("health")), kind: "health"})],
  usage: () => ["reports", "Usage", async () => ({...(await fetchJson("usage")), kind: "usage"})],
};
const REFRESHED = new Set(["fleet", "log"]);

async function draw() {
  const root = /** @type {HTMLElement} */ (document.getElementById("page"));
  try {
    if (parts[0] === "runs" && parts.length === 2) return await drawRun(root, parts[1]);
    const [view, title, load] = PAGES[parts[0] ?? ""]();
    named(title);
    const mounted = await mount(view, root, await load(), services());
    if (REFRESHED.has(view) && !IS_STATIC)
      setInterval(() => {
        if (document.visibilityState === "visible") mounted.update({});
      }, REFRESH_MS);
  } catch (error) {
    root.replaceChildren(
      h("header", {class: "bar"}, bar()),
      h("main", {class: "page", id: "main"}, h("div", {class: "trouble", role: "alert"}, bidi(error.message, "p"))),
    );
    html.dataset.ready = "true";
  }
}

// Keys: / goes to the search of the page, g and the first letter of a page to that page.
let before = "";
addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select")) return;
  const found = before === "g" && PLACES.find(([, title]) => title[0].toLowerCase() === event.key);
  if (event.key === "/") {
    /** @type {HTMLElement | null} */ (document.querySelector("[data-search]"))?.focus();
    event.preventDefault();
  } else if (found) location.href = address(found[0]);
  before = event.key;
});

addEventListener("unhandledrejection", (event) => {
  document
    .querySelector("#main")
    ?.prepend(h("p", {class: "trouble", role: "alert"}, String(event.reason?.message ?? event.reason)));
});
await draw();
