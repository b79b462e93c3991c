// The rows of a query as a timeline: each with its start, its duration and its name, in lanes.
import {choice, h} from "./dom.js";
import {duration, plural} from "./format.js";
import {drawTimeline} from "./timeline.js";

/** @typedef {import("./timeline.js").Bar} Bar */
/** @typedef {{columns: string[], types: string[], rows: any[][], more: boolean}} Found */
/** @typedef {import("./timeline.js").Ticks} Ticks */

const NUMBER = /INT|DOUBLE|FLOAT|DECIMAL/,
  MOMENT = /^(TIMESTAMP|DATE)/,
  INTERVAL = /^(-?)P(?:(\d+)D)?(?:T([\d.]+)S)?$/;
const SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR;
const UNITS = [1, 2, 5, 10, 15, 30]
  .map((number) => number * SECOND)
  .concat(
    [1, 2, 5, 10, 15, 30].map((number) => number * MINUTE),
    [1, 2, 3, 6, 12].map((number) => number * HOUR),
    [1, 2, 7, 14, 28, 91, 182, 364, 1820, 3640].map((number) => number * DAY),
  );

/**
 * Return whether an answer has the columns of a timeline: `start`, `duration` and `name`.
 * @param {Found} found
 */
export function hasLanes({columns}) {
  return ["start", "duration", "name"].every((name) => columns.includes(name));
}

/**
 * Return the timeline of an answer, or a message about a column of a wrong type.
 * @param {Found} found
 * @param {(row: any[]) => string | null} addressOf a row; null if it has none
 */
export function drawLanes(found, addressOf) {
  const wrong = wrongType(found);
  if (wrong) return h("p", {class: "trouble", role: "alert"}, wrong);
  const at = Object.fromEntries(found.columns.map((name, place) => [name, place])),
    isMoment = MOMENT.test(found.types[at.start]);
  const all = found.rows.map((row) => ({row, start: startOf(row[at.start], isMoment), ms: lengthOf(row[at.duration])})),
    drawn = all.filter(({start, ms}) => start !== null && ms !== null && ms >= 0);
  const notes = [
    isMoment ? "Times in UTC." : "Starts and durations in seconds.",
    found.more && `Only the first ${plural(found.rows.length, "row")} of the answer.`,
    drawn.length < all.length &&
      `${plural(all.length - drawn.length, "row")} without a known start and duration, or of a negative one: not drawn.`,
  ];
  const hint = h("p", {class: "hint"}, notes.filter(Boolean).join(" "));
  if (drawn.length === 0) return hint;
  const origin = Math.min(...drawn.map(({start}) => Number(start)));
  const bars = drawn.map(({row, start, ms}) => {
    const address = addressOf(row);
    return {
      name: row[at.name] === null ? "null" : String(row[at.name]),
      start: Number(start) - origin,
      ms: Number(ms),
      lane: at.lane === undefined || row[at.lane] === null ? undefined : String(row[at.lane]),
      from: `from ${isMoment ? `${new Date(Number(start)).toISOString().slice(0, 19).replace("T", " ")} UTC` : duration(start)}`,
      pick: address ? () => location.assign(address) : undefined,
    };
  });
  const timeline = drawTimeline(bars, {label: "Timeline of the answer", ticks: ticksFrom(origin, isMoment)});
  return h(
    "div",
    {class: "panel gantt"},
    h("div", {class: "tools"}, orderOf(timeline, at.lane !== undefined), hint),
    timeline,
  );
}

/** @param {ReturnType<typeof drawTimeline>} timeline @param {boolean} hasLane */
function orderOf(timeline, hasLane) {
  const orders = /** @type {Array<[string, string]>} */ ([
    ["packed", "By lane"],
    ["start", "By start"],
    ["duration", "By duration"],
  ]).slice(hasLane ? 0 : 1);
  timeline.order(orders[0][0]);
  return choice("Order", orders, orders[0][0], timeline.order);
}

/**
 * Return a message about the first column whose type no timeline can show; null if there is none.
 * @param {Found} found
 */
function wrongType({columns, types}) {
  const type = (/** @type {string} */ name) => types[columns.indexOf(name)];
  if (!MOMENT.test(type("start")) && !NUMBER.test(type("start")))
    return `start must be a TIMESTAMP, a DATE or a number of seconds, got ${type("start")}: cast it, as in start::timestamp`;
  if (!NUMBER.test(type("duration")) && type("duration") !== "INTERVAL")
    return `duration must be a number of seconds or an INTERVAL, got ${type("duration")}: as in duration_ms / 1000`;
  return null;
}

/**
 * Return a start in milliseconds: a time since 1970, or seconds.
 * @param {any} value
 * @param {boolean} isMoment
 */
function startOf(value, isMoment) {
  if (value === null) return null;
  const text = String(value).replace(" ", "T");
  return finite(
    isMoment ? Date.parse(/T.*(Z|[+-]\d\d:?\d\d)$|^[\d-]+$/.test(text) ? text : `${text}Z`) : 1000 * Number(text),
  );
}

/** @param {any} value a number of seconds, or an interval as `P1DT2.5S` */
function lengthOf(value) {
  if (value === null) return null;
  const [, sign, days = 0, seconds = 0] = INTERVAL.exec(String(value)) ?? [];
  return finite(
    sign === undefined ? 1000 * Number(value) : (sign ? -1 : 1) * (Number(days) * DAY + 1000 * Number(seconds)),
  );
}

/** @param {number} value */
function finite(value) {
  return Number.isFinite(value) ? value : null;
}

/**
 * Return the ticks of an axis that begins at `origin`: round times of the day, or seconds.
 * @param {number} origin
 * @param {boolean} isMoment
 * @returns {Ticks}
 */
function ticksFrom(origin, isMoment) {
  return (end) => {
    const rough = end / 6,
      decimal = 10 ** Math.floor(Math.log10(rough)),
      fine = [1, 2, 5, 10].map((factor) => factor * decimal).find((value) => value >= rough) ?? rough;
    const unit = isMoment && rough > SECOND / 2 ? (UNITS.find((value) => value >= rough) ?? fine) : fine,
      first = Math.ceil(origin / unit) * unit;
    return Array.from({length: Math.max(0, Math.ceil((origin + 0.95 * end - first) / unit))}, (_, place) => {
      const at = first + place * unit;
      return [at - origin, isMoment ? utc(at, unit < MINUTE, unit < SECOND) : duration(at)];
    });
  };
}

/**
 * Return a time in UTC: of the first moment of a day the day.
 * @param {number} at
 * @param {boolean} withSeconds
 * @param {boolean} [withParts] of a second
 */
function utc(at, withSeconds, withParts = false) {
  const date = new Date(at);
  if (at % DAY === 0) return date.toLocaleDateString("en-GB", {day: "numeric", month: "short", timeZone: "UTC"});
  return date.toISOString().slice(11, withParts ? 23 : withSeconds ? 19 : 16);
}
