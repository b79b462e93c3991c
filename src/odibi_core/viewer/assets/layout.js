// Positions of the nodes of a graph: a layered layout, left to right, in nearly linear time.
//
// Columns follow from the longest path; if the layers of the pipeline form an order, each has its own columns. The order
// within a column follows from barycentres, the heights from isotonic regression, so that a node is near its neighbours.
// Long edges pass through empty places of the columns between. Graphs too tall or too long for a page are folded. A
// cycle, which only foreign data can hold, is cut at one edge.

/** @typedef {[number, number]} Pair the source and the target of an edge */
/** @typedef {{label: string, x: number, y: number, width: number, height: number}} Band */
/** @typedef {{x: number, y: number}[]} Way the corners of an edge, alternating right and left sides of nodes and bends */
/**
 * The top-left corners of the nodes, the ways of the edges, the places of their labels, and the bands of layers.
 * @typedef {{width: number, height: number, x: number[], y: number[], ways: Way[], labels: Array<[number, number]>, bands: Band[], turn: (way: Way, place: number) => number}} Layout
 */

export const NODE_WIDTH = 180;
export const NODE_HEIGHT = 56;
const COLUMN = NODE_WIDTH + 36,
  ROW = NODE_HEIGHT + 20;
const BEND = 22; // what a bent edge needs instead of a whole row
const MARGIN = 34;
const TALLEST = 40; // a column of more nodes than this turns the whole graph into a grid
const SWEEPS = 6;
const MOST_BENDS = 20000; // beyond this, long edges are drawn straight: leading them would cost more than it shows
const FAMILIAR = ["connect", "ingest", "store", "transform", "publish"];

/**
 * Place the nodes of a graph.
 * @param {string[]} layers the band of each node
 * @param {Pair[]} edges
 * @param {number} [shape] the width of the room by its height
 * @returns {Layout}
 */
export function layout(layers, edges, shape = 2.4) {
  if (layers.length === 0) return {width: 0, height: 0, x: [], y: [], ways: [], labels: [], bands: [], turn: () => 0};
  const ranks = rank(layers, edges);
  const folded = columnsOf(ranks).some((column) => column.length > TALLEST),
    dense = isDense(layers.length, edges.length);
  const links = linksOf(ranks, edges, !folded && !dense);
  let columns = ordered(columnsOf(links.ranks), links);
  if (folded) columns = columns.flatMap((column) => pieces(column, gridHeight(layers.length)));
  const heights = folded ? stacked(columns, links.ranks.length) : settled(columns, links);
  return placed(layers, columns, heights, links, shape);
}

/**
 * Return true for so many edges that single ones cannot be followed: they are drawn straight, and without labels.
 * @param {number} nodes
 * @param {number} edges
 */
export function isDense(nodes, edges) {
  return edges > 4 * nodes && edges > 60;
}

/** @param {number} count */
function gridHeight(count) {
  return Math.max(TALLEST / 2, Math.ceil(Math.sqrt((count * COLUMN) / ROW / 1.8)));
}

/** @param {number[]} column @param {number} size */
function pieces(column, size) {
  return Array.from({length: Math.ceil(column.length / size)}, (_, place) =>
    column.slice(place * size, (place + 1) * size),
  );
}

/**
 * Return the column of each node: right of its dependencies, and of all earlier layers if layers are ordered.
 * @param {string[]} layers
 * @param {Pair[]} edges
 */
export function rank(layers, edges) {
  const pairs = edges.filter(([source, target]) => source !== target);
  const order = topological(layers.length, pairs),
    position = inverse(order);
  const before = lists(layers.length);
  for (const [source, target] of pairs) if (position[source] < position[target]) before[target].push(source); // else: closes a cycle
  const band = bandOrder(layers, pairs),
    ranks = new Array(layers.length).fill(0);
  let start = 0,
    highest = 0,
    current = -1;
  for (const node of [...order].sort((a, b) => band[a] - band[b] || position[a] - position[b])) {
    if (band[node] !== current) {
      start = current < 0 ? highest : highest + 1;
      current = band[node];
    }
    ranks[node] = before[node].reduce((most, other) => Math.max(most, ranks[other] + 1), start);
    highest = Math.max(highest, ranks[node]);
  }
  return ranks;
}

/** @param {number} count @returns {number[][]} */
function lists(count) {
  return Array.from({length: count}, () => []);
}

/** @param {number[]} order */
function inverse(order) {
  const position = new Array(order.length);
  order.forEach((node, place) => {
    position[node] = place;
  });
  return position;
}

/**
 * Return all nodes, dependencies first; a cycle is cut before its first node.
 * @param {number} count
 * @param {Pair[]} edges
 */
export function topological(count, edges) {
  const after = lists(count),
    waiting = new Array(count).fill(0);
  for (const [source, target] of edges) {
    after[source].push(target);
    waiting[target] += 1;
  }
  const ready = /** @type {number[]} */ ([]),
    done = new Array(count).fill(false),
    order = /** @type {number[]} */ ([]);
  for (let node = 0; node < count; node++) if (!waiting[node]) ready.push(node);
  let scan = 0;
  while (order.length < count) {
    if (order.length === ready.length) {
      while (done[scan]) scan += 1;
      ready.push(scan);
    }
    const node = ready[order.length];
    order.push(node);
    done[node] = true;
    for (const target of after[node]) if (!--waiting[target] && !done[target]) ready.push(target);
  }
  return order;
}

/**
 * Return the place of each node's layer among the layers; all 0 if edges run between layers both ways.
 * @param {string[]} layers
 * @param {Pair[]} edges
 */
function bandOrder(layers, edges) {
  const known = (/** @type {string} */ name) => (FAMILIAR.includes(name) ? FAMILIAR.indexOf(name) : FAMILIAR.length);
  const names = [...new Set(layers)].sort((a, b) => known(a) - known(b)),
    number = new Map(names.map((name, place) => [name, place]));
  const of = layers.map((name) => Number(number.get(name)));
  /** @type {Map<string, Pair>} */
  const crossings = new Map();
  for (const [source, target] of edges)
    if (of[source] !== of[target]) crossings.set(`${of[source]} ${of[target]}`, [of[source], of[target]]);
  const pairs = [...crossings.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]),
    place = inverse(topological(names.length, pairs));
  return pairs.some(([source, target]) => place[source] > place[target])
    ? new Array(layers.length).fill(0)
    : of.map((one) => place[one]);
}

/** @param {number[]} ranks */
function columnsOf(ranks) {
  const columns = lists(ranks.reduce((most, one) => Math.max(most, one), 0) + 1);
  ranks.forEach((column, node) => columns[column].push(node));
  return columns;
}

/**
 * The edges as chains of nodes in neighbouring columns: the nodes themselves, and bends in between, from `steps` on.
 * @typedef {{steps: number, ranks: number[], chains: number[][], before: number[][], after: number[][]}} Links
 */

/** @param {number[]} given @param {Pair[]} edges @param {boolean} bends @returns {Links} */
function linksOf(given, edges, bends) {
  const ranks = [...given];
  const long = edges.reduce((sum, [source, target]) => sum + Math.max(0, ranks[target] - ranks[source] - 1), 0);
  const chains = edges.map(([source, target]) => {
    const chain = [source];
    for (let column = ranks[source] + 1; bends && long <= MOST_BENDS && column < ranks[target]; column++)
      chain.push(ranks.push(column) - 1);
    return [...chain, target];
  });
  const before = lists(ranks.length),
    after = lists(ranks.length);
  for (const chain of chains) {
    for (let place = 1; place < chain.length; place++) {
      const [left, right] = [chain[place - 1], chain[place]];
      if (ranks[left] >= ranks[right]) continue;
      after[left].push(right);
      before[right].push(left);
    }
  }
  return {steps: given.length, ranks, chains, before, after};
}

/**
 * Reorder each column by the mean place of its neighbours, sweeping to the right and back.
 * @param {number[][]} columns
 * @param {Links} links
 */
function ordered(columns, links) {
  const place = new Array(links.ranks.length).fill(0),
    wish = new Array(links.ranks.length).fill(0);
  // Relative places, so that a short column between two tall ones does not pull everything to the top.
  /** @param {number[]} column */
  const number = (column) =>
    column.forEach((node, index) => {
      place[node] = (index + 0.5) / column.length;
    });
  columns.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0,
      near = forward ? links.before : links.after;
    for (const column of forward ? columns : [...columns].reverse()) {
      for (const node of column) wish[node] = mean(near[node], place, place[node]);
      column.sort((a, b) => wish[a] - wish[b] || place[a] - place[b]);
      number(column);
    }
  }
  return columns;
}

/** @param {number[]} nodes @param {number[]} values @param {number} otherwise */
function mean(nodes, values, otherwise) {
  if (nodes.length === 0) return otherwise;
  let sum = 0;
  for (const node of nodes) sum += values[node];
  return sum / nodes.length;
}

/** @param {number[][]} columns @param {number} count */
function stacked(columns, count) {
  const heights = new Array(count).fill(0);
  for (const column of columns)
    column.forEach((node, index) => {
      heights[node] = (index - (column.length - 1) / 2) * ROW;
    });
  return heights;
}

/**
 * Centre heights: each as near to the mean of its neighbours as order and spacing allow.
 * @param {number[][]} columns
 * @param {Links} links
 */
function settled(columns, links) {
  const heights = stacked(columns, links.ranks.length);
  /** @param {number} above @param {number} below */
  const gap = (above, below) =>
    [ROW, (ROW + BEND) / 2, BEND][Number(above >= links.steps) + Number(below >= links.steps)];
  for (let sweep = 0; sweep <= SWEEPS; sweep++) {
    const forward = sweep % 2 === 0,
      near = forward ? links.before : links.after;
    for (const column of forward ? columns : [...columns].reverse()) {
      const wishes = column.map((node) => mean(near[node], heights, heights[node]));
      spread(
        wishes,
        column.slice(1).map((node, place) => gap(column[place], node)),
      ).forEach((height, place) => {
        heights[column[place]] = height;
      });
    }
  }
  return heights;
}

/**
 * Return the places nearest to `wishes` (least squares), in their order and at least `gaps` apart.
 * @param {number[]} wishes
 * @param {number[]} gaps
 */
export function spread(wishes, gaps) {
  const offsets = [0];
  for (const gap of gaps) offsets.push(offsets[offsets.length - 1] + gap);
  /** @type {Pair[]} */
  const blocks = []; // [sum, size]: pool adjacent violators
  wishes.forEach((wish, place) => {
    let total = wish - offsets[place],
      size = 1;
    while (blocks.length && blocks[blocks.length - 1][0] / blocks[blocks.length - 1][1] >= total / size) {
      const last = /** @type {Pair} */ (blocks.pop());
      [total, size] = [total + last[0], size + last[1]];
    }
    blocks.push([total, size]);
  });
  return blocks
    .flatMap(([total, size]) => new Array(size).fill(total / size))
    .map((level, place) => level + offsets[place]);
}

/**
 * Fold one endless line of columns into rows, as text is folded into lines, and return everything in its place.
 * @param {string[]} layers
 * @param {number[][]} columns
 * @param {number[]} heights
 * @param {Links} links
 * @param {number} shape
 * @returns {Layout}
 */
function placed(layers, columns, heights, links, shape) {
  const used = columns.flat().map((node) => heights[node]);
  const top = used.reduce((least, one) => Math.min(least, one), Infinity) - NODE_HEIGHT / 2,
    bottom = used.reduce((most, one) => Math.max(most, one), -Infinity) + NODE_HEIGHT / 2;
  const tall = bottom - top + MARGIN * 1.5,
    long = columns.length * COLUMN;
  const wanted = long > 3.5 * shape * tall ? Math.max(1, Math.round(Math.sqrt(long / (shape * tall)))) : 1;
  const perRow = columns.length <= 6 ? columns.length : Math.max(Math.ceil(columns.length / wanted), 5);
  const at = new Array(heights.length),
    x = new Array(links.steps),
    y = new Array(links.steps);
  columns.forEach((column, index) => {
    const line = Math.floor(index / perRow),
      left = MARGIN + (index % perRow) * COLUMN;
    for (const node of column) {
      at[node] = {x: left, y: heights[node] - top + MARGIN + line * tall};
      if (node < links.steps) [x[node], y[node]] = [Math.round(left), Math.round(at[node].y - NODE_HEIGHT / 2)];
    }
  });
  const ways = links.chains.map((chain) => chain.map((node) => at[node]));
  /** @param {Way} way @param {number} place */
  const turn = (way, place) => (Math.floor(way[place].y / tall) + 1) * tall - 6; // the gap between two rows
  return {
    width: 2 * MARGIN + Math.min(columns.length, perRow) * COLUMN - (COLUMN - NODE_WIDTH),
    height: Math.ceil(columns.length / perRow) * tall,
    x,
    y,
    ways,
    labels: ways.map((way) => labelPlace(way, turn)),
    bands: bandsOf(layers, columns, perRow, tall, links.steps),
    turn,
  };
}

/** @param {Way} way @param {(way: Way, place: number) => number} turn @returns {Pair} */
function labelPlace(way, turn) {
  const [start, end] = way,
    right = start.x + NODE_WIDTH;
  return end.x > right ? [(right + end.x) / 2, (start.y + end.y) / 2] : [(right + end.x) / 2, turn(way, 0)];
}

/**
 * Return a background stripe for each group of adjacent columns with the same layers.
 * @param {string[]} layers
 * @param {number[][]} columns
 * @param {number} perRow
 * @param {number} tall
 * @param {number} steps
 */
function bandsOf(layers, columns, perRow, tall, steps) {
  /** @type {Band[]} */
  const bands = [];
  let last = "";
  columns.forEach((column, index) => {
    const label = [...new Set(column.filter((node) => node < steps).map((node) => layers[node]))].sort().join(" · ");
    const line = Math.floor(index / perRow);
    if (last === `${line} ${label}`) bands[bands.length - 1].width += COLUMN;
    else
      bands.push({
        label,
        x: MARGIN + (index % perRow) * COLUMN - (COLUMN - NODE_WIDTH) / 2,
        y: line * tall,
        width: COLUMN,
        height: tall,
      });
    last = `${line} ${label}`;
  });
  return bands;
}

/**
 * Draw the way of an edge into a path, from the right side of its first node to the left side of its last.
 * @param {Path2D} path
 * @param {Layout} graph
 * @param {number} edge
 */
export function trace(path, graph, edge) {
  const way = graph.ways[edge];
  for (let place = 1; place < way.length; place++) {
    const x1 = way[place - 1].x + NODE_WIDTH,
      y1 = way[place - 1].y,
      {x: x2, y: y2} = way[place];
    if (place === 1) path.moveTo(x1, y1);
    else path.lineTo(x1, y1); // straight through the empty place of a column
    if (x2 > x1) path.bezierCurveTo((x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2);
    else turnBack(path, [x1, y1], [x2, y2], graph.turn(way, place - 1));
  }
}

/**
 * Draw from the end of a row to the start of another: out, along the gap between rows, and in.
 * @param {Path2D} path
 * @param {Pair} start
 * @param {Pair} end
 * @param {number} between
 */
function turnBack(path, [x1, y1], [x2, y2], between) {
  const r = 20,
    down = between > y1 ? 1 : -1,
    up = y2 > between ? 1 : -1;
  path.quadraticCurveTo(x1 + r, y1, x1 + r, y1 + r * down);
  path.lineTo(x1 + r, between - r * down);
  path.quadraticCurveTo(x1 + r, between, x1, between);
  path.lineTo(x2, between);
  path.quadraticCurveTo(x2 - r, between, x2 - r, between + r * up);
  path.lineTo(x2 - r, y2 - r * up);
  path.quadraticCurveTo(x2 - r, y2, x2, y2);
}
