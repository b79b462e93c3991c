// The picture of a graph on a canvas: bands, edges and blocks. It is painted once for a region, and copied while it moves.
import {fit} from "./format.js";
import {NODE_HEIGHT, NODE_WIDTH, isDense, trace} from "./layout.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./graphmodel.js").Model} Model */
/** @typedef {{scale: number, left: number, top: number}} View */
/** @typedef {{nodes: Set<number> | null, near: Set<number> | null, critical: Set<number> | null}} Emphasis nodes that are not in `nodes` are dim; edges of `near` are lit */

const WIDTHS = [1.4, 2.2, 3.4, 5, 7];
const STATES = ["success", "pending", "skipped", "cancelled", "running", "lost", "failed"]; // the worst on top
const MARGIN = 0.5; // of the view, painted beyond each of its sides
const CHUNK = 40; // edges that are stroked at once: a path of thousands takes a second
const MOST_COPIED = 3; // a picture that is stretched more is painted again while it moves

/** @typedef {{colours: Record<string, string>, emphasis: Emphasis, blocks: boolean}} Look */

/**
 * Return the painter of a graph.
 * @param {HTMLCanvasElement} canvas
 * @param {Model} model
 * @param {Layout} graph
 */
export function painterOf(canvas, model, graph) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")),
    picture = pictureOf(model, graph);
  let look = /** @type {Look} */ ({
      colours: coloursOf(canvas),
      emphasis: {nodes: null, near: null, critical: null},
      blocks: true,
    }),
    isOld = true;

  /** @param {Partial<Look>} changed */
  function change(changed) {
    look = {...look, ...changed};
    isOld = true;
  }

  return {
    /** @param {View} view @param {boolean} moving copy the picture if possible, even stretched */
    show(view, moving) {
      const ratio = Math.min(devicePixelRatio || 1, 2),
        {clientWidth: width, clientHeight: height} = canvas,
        [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (width === 0 || height === 0) return;
      if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height, isOld] = [wide, tall, true];
      if (isOld || !moving || !picture.covers(view, width, height)) picture.paint(view, [width, height, ratio], look);
      isOld = false;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      picture.copyTo(context, view, width, height);
      bandNames(context, graph, view, width, look.colours);
    },
    /** @param {Partial<Emphasis>} changed @param {boolean} blocks */
    emphasize(changed, blocks) {
      change({emphasis: {...look.emphasis, ...changed}, blocks});
    },
    recolour() {
      change({colours: coloursOf(canvas)});
    },
  };
}

/**
 * Return the picture of a graph around a view, which is copied while the view moves in it.
 * @param {Model} model
 * @param {Layout} graph
 */
function pictureOf(model, graph) {
  const copy = document.createElement("canvas"),
    copied = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d")),
    paths = edgePaths(model, graph);
  let at = /** @type {View} */ ({scale: 1, left: 0, top: 0});
  return {
    /** @param {View} view @param {[number, number, number]} size the width and the height of the view, and the pixels of one @param {Look} look */
    paint(view, [width, height, ratio], look) {
      at = {...view};
      const wide = Math.round(width * (1 + 2 * MARGIN) * ratio),
        tall = Math.round(height * (1 + 2 * MARGIN) * ratio);
      if (copy.width !== wide || copy.height !== tall) [copy.width, copy.height] = [wide, tall];
      else {
        copied.setTransform(1, 0, 0, 1, 0, 0);
        copied.clearRect(0, 0, wide, tall);
      }
      const {scale} = view,
        left = view.left + width * MARGIN,
        top = view.top + height * MARGIN;
      copied.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top);
      paint(copied, model, graph, paths, {
        scale,
        ...look,
        seen: [-left / scale, -top / scale, (wide / ratio - left) / scale, (tall / ratio - top) / scale],
      });
    },
    covers: (/** @type {View} */ view, /** @type {number} */ width, /** @type {number} */ height) =>
      covers(at, view, width, height),
    /** @param {CanvasRenderingContext2D} context @param {View} view @param {number} width @param {number} height */
    copyTo(context, view, width, height) {
      const factor = view.scale / at.scale,
        x = view.left - (at.left + width * MARGIN) * factor,
        y = view.top - (at.top + height * MARGIN) * factor;
      context.drawImage(copy, x, y, width * (1 + 2 * MARGIN) * factor, height * (1 + 2 * MARGIN) * factor);
    },
  };
}

/** @param {View} base @param {View} view @param {number} width @param {number} height */
function covers(base, view, width, height) {
  const factor = view.scale / base.scale;
  if (factor > MOST_COPIED || factor < 1 / MOST_COPIED) return false;
  const x = view.left - (base.left + width * MARGIN) * factor,
    y = view.top - (base.top + height * MARGIN) * factor;
  const whole = factor !== 1; // zoomed: a border may be empty for a moment
  return (
    (whole || (x <= 0 && x + width * (1 + 2 * MARGIN) * factor >= width)) &&
    (whole || (y <= 0 && y + height * (1 + 2 * MARGIN) * factor >= height))
  );
}

/** @typedef {[number, number, number, number]} Box the left, top, right and bottom end */
/** @typedef {{path: Path2D, heads: Path2D, width: number, kind: string, box: Box, size: number}} EdgePath */

/**
 * The width of an edge is that of its rows, in five classes.
 * @param {number | null} rows
 * @param {number} most
 */
export function widthOf(rows, most) {
  if (!rows || most <= 0) return 0;
  return Math.min(WIDTHS.length - 1, Math.floor(((WIDTHS.length * Math.log1p(rows)) / Math.log1p(most)) * 0.9999));
}

/** @param {Model} model @param {Layout} graph @returns {EdgePath[]} */
function edgePaths(model, graph) {
  const most = model.lines.reduce((top, line) => Math.max(top, line.rows ?? 0), 0),
    found = /** @type {EdgePath[]} */ ([]);
  /** @type {Map<string, EdgePath>} */
  const open = new Map();
  model.lines.forEach((line, edge) => {
    const kind = line.idle ? "broken" : line.probable ? "probable" : "whole",
      place = kind === "broken" ? 0 : widthOf(line.rows, most);
    const key = `${kind} ${place} ${Math.floor(graph.x[line.from] / 2000)} ${Math.floor(graph.y[line.from] / 1200)}`;
    let into = open.get(key);
    if (!into || into.size >= CHUNK) {
      into = {
        path: new Path2D(),
        heads: new Path2D(),
        width: WIDTHS[place],
        kind,
        box: [Infinity, Infinity, -Infinity, -Infinity],
        size: 0,
      };
      open.set(key, into);
      found.push(into);
    }
    into.size += 1;
    grow(into.box, graph, edge);
    trace(into.path, graph, edge);
    head(into.heads, graph, line.to, WIDTHS[place]);
  });
  return found;
}

/** @param {Box} box @param {Layout} graph @param {number} edge */
function grow(box, graph, edge) {
  for (const {x, y} of graph.ways[edge]) {
    [box[0], box[1]] = [Math.min(box[0], x - 30), Math.min(box[1], y - 30)];
    [box[2], box[3]] = [Math.max(box[2], x + NODE_WIDTH + 30), Math.max(box[3], y + 30)];
  }
  const [start, end] = [graph.ways[edge][0], graph.ways[edge][graph.ways[edge].length - 1]];
  if (end.x <= start.x) box[3] = Math.max(box[3], graph.turn(graph.ways[edge], 0) + 10);
}

/** @param {Box} one @param {Box} other */
function meets(one, other) {
  return one[0] < other[2] && one[2] > other[0] && one[1] < other[3] && one[3] > other[1];
}

/** @param {Path2D} path @param {Layout} graph @param {number} node @param {number} width */
function head(path, graph, node, width) {
  const x = graph.x[node],
    y = graph.y[node] + NODE_HEIGHT / 2,
    tall = 4 + width * 0.7;
  path.moveTo(x - 9, y - tall);
  path.lineTo(x, y);
  path.lineTo(x - 9, y + tall);
  path.closePath();
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Model} model
 * @param {Layout} graph
 * @param {EdgePath[]} paths
 * @param {Look & {scale: number, seen: Box}} how
 */
function paint(c, model, graph, paths, {scale, colours, emphasis, blocks, seen}) {
  c.fillStyle = colours.sunken;
  const beyond = graph.bands.every(({y}) => y === 0) ? 4000 : 0; // one row of bands fills the height
  graph.bands.forEach((band, place) => {
    if (place % 2) c.fillRect(band.x, band.y - beyond, band.width, band.height + 2 * beyond);
  });
  const least = 0.7 / scale,
    dense = isDense(model.nodes.length, model.lines.length);
  for (const {path, heads, width, kind, box} of paths) {
    if (!meets(box, seen)) continue;
    c.globalAlpha = emphasis.nodes ? 0.22 : dense ? 0.3 : 1;
    c.setLineDash(kind === "broken" ? [4, 5] : kind === "probable" ? [9, 5] : []);
    [c.strokeStyle, c.fillStyle, c.lineWidth] = [
      colours.edge,
      colours.edge,
      Math.max(dense ? width / 2.5 : width, least),
    ];
    c.stroke(path);
    c.setLineDash([]);
    if (scale > 0.25) c.fill(heads);
  }
  c.globalAlpha = 1;
  if (emphasis.critical) lit(c, model, graph, emphasis.critical, true, [colours.warn, Math.max(3.4, 1.6 / scale)]);
  if (emphasis.near) lit(c, model, graph, emphasis.near, false, [colours.accent, Math.max(2.6, 1.4 / scale)]);
  if (blocks) blocksOf(c, model, graph, emphasis, [colours, scale, seen]);
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Model} model
 * @param {Layout} graph
 * @param {Set<number>} nodes
 * @param {boolean} neighbours only edges between neighbours of the path, in its order
 * @param {[string, number]} pen
 */
function lit(c, model, graph, nodes, neighbours, [colour, width]) {
  const path = new Path2D(),
    order = [...nodes],
    place = new Map(order.map((node, index) => [node, index]));
  model.lines.forEach((line, edge) => {
    const from = place.get(line.from),
      to = place.get(line.to);
    if (from !== undefined && to !== undefined && (!neighbours || to === from + 1)) trace(path, graph, edge);
  });
  [c.strokeStyle, c.lineWidth] = [colour, width];
  c.stroke(path);
}

/** @param {CanvasRenderingContext2D} c @param {Model} model @param {Layout} graph @param {Emphasis} emphasis @param {[Record<string, string>, number, Box]} pen */
function blocksOf(c, model, graph, emphasis, [colours, scale, seen]) {
  const room = 3 / scale;
  for (const state of STATES) {
    c.fillStyle = colours[state];
    const loud = state !== "success" && state !== "skipped" && state !== "pending" ? room : 0; // one failure among thousands is seen
    model.nodes.forEach((node, place) => {
      const x = graph.x[place],
        y = graph.y[place];
      if (node.state !== state || x > seen[2] || y > seen[3] || x + NODE_WIDTH < seen[0] || y + NODE_HEIGHT < seen[1])
        return;
      c.globalAlpha = emphasis.nodes && !emphasis.nodes.has(place) ? 0.2 : 1;
      c.fillRect(x - loud, y - loud, NODE_WIDTH + 2 * loud, NODE_HEIGHT + 2 * loud);
    });
  }
  c.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} c @param {Layout} graph @param {View} view @param {number} width @param {Record<string, string>} colours */
function bandNames(c, graph, view, width, colours) {
  c.font = "600 11px system-ui, sans-serif";
  c.textAlign = "center";
  c.fillStyle = colours.soft;
  for (const band of graph.bands) {
    const x1 = Math.max(0, view.left + band.x * view.scale),
      x2 = Math.min(width, view.left + (band.x + band.width) * view.scale),
      y = Math.max(0, view.top + band.y * view.scale - (view.scale < 0.5 && band.y === 0 ? 20 : 0));
    if (x2 - x1 > 46 && y + 18 < view.top + (band.y + band.height) * view.scale)
      c.fillText(fit(band.label.toUpperCase(), x2 - x1 - 10, c.font), (x1 + x2) / 2, y + 16);
  }
}

/** @param {Element} element @returns {Record<string, string>} */
function coloursOf(element) {
  const style = getComputedStyle(element);
  const found = Object.fromEntries(
    ["sunken", "edge", "accent", "soft", "warn", ...STATES].map((name) => [
      name,
      style.getPropertyValue(`--${name}`).trim(),
    ]),
  );
  found.lost ||= found.failed;
  return found;
}

/**
 * Return a function that paints a small map of a graph with the part that is seen, in the places of the graph.
 * @param {HTMLCanvasElement} canvas
 * @param {Model} model
 * @param {Layout} graph
 */
export function mapOf(canvas, model, graph) {
  const c = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")),
    ratio = Math.min(devicePixelRatio || 1, 2);
  let picture = /** @type {HTMLCanvasElement | null} */ (null);
  const tall = Math.max(14, Math.min(110, (168 * graph.height) / graph.width)),
    wide = Math.min(168, (tall * graph.width) / graph.height),
    scale = Math.min(wide / graph.width, tall / graph.height);

  function paintOnce() {
    const made = document.createElement("canvas"),
      pen = /** @type {CanvasRenderingContext2D} */ (made.getContext("2d")),
      colours = coloursOf(canvas);
    [made.width, made.height] = [canvas.width, canvas.height] = [wide * ratio, tall * ratio];
    [canvas.style.width, canvas.style.height] = [`${wide}px`, `${tall}px`];
    pen.setTransform(scale * ratio, 0, 0, scale * ratio, 0, 0);
    for (const state of STATES) {
      pen.fillStyle = colours[state];
      model.nodes.forEach((node, place) => {
        if (node.state === state)
          pen.fillRect(graph.x[place], graph.y[place], NODE_WIDTH, Math.max(NODE_HEIGHT, 1.5 / scale));
      });
    }
    c.strokeStyle = colours.accent;
    c.lineWidth = 1.6 * ratio;
    return made;
  }

  /** @param {{x: number, y: number, width: number, height: number}} seen */
  return (seen) => {
    picture ??= paintOnce();
    c.clearRect(0, 0, canvas.width, canvas.height);
    c.drawImage(picture, 0, 0);
    const of = scale * ratio;
    c.strokeRect(seen.x * of, seen.y * of, seen.width * of, seen.height * of);
  };
}
