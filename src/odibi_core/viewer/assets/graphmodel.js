// The nodes and edges that a graph shows: all steps, only those of a path, or groups of them.

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Edge} Edge */
/**
 * A node of the shown graph: one step, or a group of them.
 * @typedef {{name: string, layer: string, state: string, members: number[], group: string | null}} Node
 */
/** @typedef {{from: number, to: number, rows: number | null, lost: number, probable: boolean, idle: boolean, datasets: string[], count: number}} Line */
/** @typedef {{nodes: Node[], lines: Line[], of: Map<number, number>}} Model `of` has the node of each step that is shown */
/** @typedef {"none" | "layers" | "prefixes"} Fold */

const ORDER = ["failed", "lost", "running", "cancelled", "skipped", "pending", "success"];
const MOST_GROUPS = 200;
const LEAST_MEMBERS = 3;

/**
 * Return the steps that lead to the given ones (`up`), or that follow from them (`down`), with themselves.
 * @param {Step[]} steps
 * @param {number[]} starts
 * @param {"up" | "down"} way
 * @returns {Set<number>}
 */
export function reach(steps, starts, way) {
  const found = new Set(starts),
    open = [...starts];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    for (const next of steps[step][way] ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(next);
    }
  }
  return found;
}

/**
 * Return the chain of steps that decided when the run ended: from the last one back over the input that came last.
 * @param {Step[]} steps
 * @returns {number[]} the first step first; empty if times are unknown
 */
export function criticalPath(steps) {
  /** @param {number} index */
  const end = (index) => (steps[index].startedMs ?? NaN) + (steps[index].spanMs ?? steps[index].durationMs ?? NaN);
  let last = -1;
  for (let index = 0; index < steps.length; index++)
    if (!Number.isNaN(end(index)) && (last < 0 || end(index) > end(last))) last = index;
  const path = /** @type {number[]} */ ([]),
    seen = new Set();
  while (last >= 0 && !seen.has(last)) {
    seen.add(last);
    path.unshift(last);
    last = (steps[last].up ?? []).reduce(
      (best, one) => (!Number.isNaN(end(one)) && (best < 0 || end(one) > end(best)) ? one : best),
      -1,
    );
  }
  return path;
}

/**
 * Return the steps of a path: of the failed steps, of those that lost rows, of the critical path, or of the selected one.
 * @param {Step[]} steps
 * @param {string} path
 * @param {number} selected
 * @returns {Set<number> | null} null for all
 */
export function stepsOf(steps, path, selected) {
  const all = steps.map((_, index) => index);
  if (path === "failed") {
    const failed = all.filter((index) => steps[index].state === "failed" || steps[index].state === "lost");
    const after = [...reach(steps, failed, "down")].filter((index) => steps[index].state !== "success");
    return new Set([...reach(steps, failed, "up"), ...after]);
  }
  if (path === "lost")
    return reach(
      steps,
      all.filter((index) => (steps[index].lost ?? 0) > 0),
      "up",
    );
  if (path === "critical") return new Set(criticalPath(steps));
  if (path === "selected" && selected >= 0)
    return new Set([...reach(steps, [selected], "up"), ...reach(steps, [selected], "down")]);
  return null;
}

/**
 * Return the group of each step by its name: the deepest prefix with few enough groups.
 * @param {Step[]} steps
 * @returns {string[]}
 */
function prefixes(steps) {
  const parts = steps.map(({name}) => name.slice(0, 300).split(/(?<=[._/:\-])|(?<=\D)(?=\d)/));
  let found = steps.map(() => "");
  for (let depth = 1; depth <= 4; depth++) {
    const next = parts.map((one) =>
      one.length > depth ? one.slice(0, depth).join("") : one.slice(0, Math.max(1, one.length - 1)).join(""),
    );
    if (depth > 1 && groupsIn(next) > MOST_GROUPS / 4) break;
    found = next;
  }
  return found;
}

/** @param {string[]} names the number of nodes if small groups are not folded */
function groupsIn(names) {
  const sizes = tally(names);
  return [...sizes.values()].reduce((sum, size) => sum + (size < LEAST_MEMBERS ? size : 1), 0);
}

/** @param {string[]} names */
function tally(names) {
  const sizes = new Map();
  for (const name of names) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  return sizes;
}

/** @param {Step[]} steps @param {Fold} fold */
function groupNames(steps, fold) {
  return fold === "layers" ? steps.map((step) => step.layer) : fold === "prefixes" ? prefixes(steps) : null;
}

/**
 * Return the fold in which a graph of many steps can be read first.
 * @param {Step[]} steps
 * @returns {Fold}
 */
export function firstFold(steps) {
  if (steps.length <= 300) return "none";
  for (const fold of /** @type {Fold[]} */ (["prefixes", "layers"])) {
    const nodes = groupsIn(/** @type {string[]} */ (groupNames(steps, fold)));
    if (nodes > 1 && nodes <= MOST_GROUPS) return fold;
  }
  return "none";
}

/**
 * Return the graph to show.
 * @param {Step[]} steps
 * @param {Edge[]} edges
 * @param {{fold: Fold, shown: Set<number> | null, open: Set<string>}} options `open` are groups whose steps are shown
 * @returns {Model}
 */
export function modelOf(steps, edges, {fold, shown, open}) {
  const names = groupNames(steps, fold),
    sizes = names && tally(names.filter((_, index) => !shown || shown.has(index)));
  const nodes = /** @type {Node[]} */ ([]),
    of = new Map(),
    groups = new Map();
  steps.forEach((step, index) => {
    if (shown && !shown.has(index)) return;
    const name = names?.[index] ?? "",
      folded = sizes && sizes.get(name) >= LEAST_MEMBERS && !open.has(name);
    if (folded && groups.has(name)) {
      nodes[groups.get(name)].members.push(index);
      of.set(index, groups.get(name));
      return;
    }
    if (folded) groups.set(name, nodes.length);
    of.set(index, nodes.length);
    nodes.push({
      name: folded ? name : step.name,
      layer: step.layer,
      state: step.state,
      members: [index],
      group: folded ? name : null,
    });
  });
  for (const node of nodes) if (node.group !== null) describe(node, steps);
  return {nodes, lines: linesOf(steps, edges, of), of};
}

/** @param {Node} node @param {Step[]} steps */
function describe(node, steps) {
  const layers = new Set(node.members.map((index) => steps[index].layer));
  node.state = ORDER.find((state) => node.members.some((index) => steps[index].state === state)) ?? "success";
  if (layers.size > 1) node.layer = "several";
}

/** @param {Step[]} steps @param {Edge[]} edges @param {Map<number, number>} of */
function linesOf(steps, edges, of) {
  /** @type {Map<number, Line>} */
  const found = new Map();
  for (const edge of edges) {
    const from = of.get(edge.from),
      to = of.get(edge.to);
    if (from === undefined || to === undefined || (from === to && edge.from !== edge.to)) continue;
    const place = from * 1e6 + to,
      idle = ["skipped", "pending"].includes(steps[edge.to].state),
      lost = (steps[edge.to].up?.length ?? 0) === 1 ? (steps[edge.to].lost ?? 0) : 0;
    const known = found.get(place);
    if (!known)
      found.set(place, {
        from,
        to,
        rows: edge.rows,
        lost,
        probable: Boolean(edge.probable),
        idle,
        datasets: edge.datasets ?? [],
        count: 1,
      });
    else
      Object.assign(known, {
        rows: edge.rows === null || known.rows === null ? null : known.rows + edge.rows,
        lost: known.lost + lost,
        probable: known.probable && Boolean(edge.probable),
        idle: known.idle && idle,
        count: known.count + 1,
        datasets: [],
      });
  }
  return [...found.values()];
}
