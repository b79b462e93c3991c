// Formats of numbers and times, as in views/wording.py.

/** @typedef {number | null | undefined} Maybe */

/** @param {Maybe} ms @returns {string} such as `2.40 s` */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.min(999, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return seconds < 9.995 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** @param {string} started @param {number} [now] milliseconds @returns {string} the time since the start */
export function elapsed(started, now = Date.now()) {
  return duration(Math.max(0, now - new Date(started).getTime()));
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, "0");
}

const GROUPED = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", {notation: "compact", maximumSignificantDigits: 3});

/** @param {Maybe} value @returns {string} such as `336,776` */
export function count(value) {
  return value === null || value === undefined ? "–" : GROUPED.format(value);
}

/**
 * Return a count for a place without room, such as `337K`.
 * @param {number} value
 */
export function short(value) {
  return value < 10000 ? GROUPED.format(value) : SHORT.format(value);
}

/**
 * Return the end of the id of a run, by which the commands know it too.
 * @param {string} id
 */
export function shortId(id) {
  return id.slice(id.lastIndexOf("-") + 1) || id;
}

/** @param {number} value */
export function signed(value) {
  return value > 0 ? `+${count(value)}` : value < 0 ? `−${count(-value)}` : "±0";
}

/** @param {number} value @param {string} one @param {string} [many] */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** @param {number} bytes @returns {string} such as `1.4 MB` */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes,
    place = 0;
  while (value >= 1000 && place < units.length - 1) [value, place] = [value / 1000, place + 1];
  return `${place === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[place]}`;
}

/** @param {number | null} amount of dollars @returns {string} such as `12.40 USD`; below a cent, six decimals */
export function usd(amount) {
  if (amount === null) return "unknown";
  if (amount <= 0 || amount >= 0.01)
    return `${amount.toLocaleString("en-US", {minimumFractionDigits: 2, maximumFractionDigits: 2})} USD`;
  return amount >= 0.000001 ? `${amount.toFixed(6)} USD` : "< 0.000001 USD";
}

const CLOCK = /** @type {const} */ ({hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});

/**
 * Return an instant in UTC and in the time zone of the reader, which is null if it is UTC.
 * @param {string | null | undefined} iso
 * @returns {{utc: string, local: string | null} | null} null without a time
 */
export function moment(iso) {
  const at = iso ? new Date(iso) : null;
  if (!at || Number.isNaN(at.getTime())) return null;
  /** @param {string | undefined} timeZone */
  const text = (timeZone) =>
    new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short", year: "numeric", ...CLOCK, timeZone}).format(at);
  const utc = text("UTC"),
    own = text(undefined);
  const zone = new Intl.DateTimeFormat("en-GB", {timeZoneName: "short"})
    .formatToParts(at)
    .find((part) => part.type === "timeZoneName")?.value;
  return {utc: `${utc} UTC`, local: own === utc ? null : `${own} ${zone ?? "local"}`};
}

/** @type {CanvasRenderingContext2D | null} */
let pen = null;
const fitted = /** @type {Map<string, string>} */ (new Map());

/**
 * Return a text cut in its middle to at most `width` pixels: the ends of a name differ more than its middle.
 * @param {string} text
 * @param {number} width
 * @param {string} font of CSS
 */
export function fit(text, width, font) {
  const key = `${Math.round(width)} ${font} ${text}`,
    known = fitted.get(key);
  if (known !== undefined) return known;
  if (fitted.size > 5000) fitted.clear();
  const found = measured(text, width, font);
  fitted.set(key, found);
  return found;
}

/** @param {string} text @param {number} width @param {string} font */
function measured(text, width, font) {
  pen ??= document.createElement("canvas").getContext("2d");
  const measure = /** @type {CanvasRenderingContext2D} */ (pen);
  measure.font = font;
  const line = text.length > 300 ? `${text.slice(0, 150)}${text.slice(-150)}` : text;
  if (line === text && measure.measureText(line).width <= width) return line;
  let low = 1,
    high = line.length;
  /** @param {number} kept */
  const cut = (kept) => `${line.slice(0, Math.ceil(kept * 0.6))}…${line.slice(line.length - Math.floor(kept * 0.4))}`;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure.measureText(cut(middle)).width <= width) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}
