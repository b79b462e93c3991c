// Formats of numbers and times, as in views/wording.py.

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.min(999, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return seconds < 9.995 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds), two = (value) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

const GROUPED = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", {notation: "compact", maximumSignificantDigits: 3});

export function count(value) {
  return value === null || value === undefined ? "–" : GROUPED.format(value);
}

// 336,776 → 337K: for places where there is no room.
export function short(value) {
  return value < 10000 ? GROUPED.format(value) : SHORT.format(value);
}

export function signed(value) {
  return value > 0 ? `+${count(value)}` : value < 0 ? `−${count(-value)}` : "±0";
}

export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

let pen = null;

// Cut in the middle to at most `width` pixels in `font`: the ends of a name differ more than its middle.
export function fit(text, width, font) {
  pen ??= document.createElement("canvas").getContext("2d");
  pen.font = font;
  const line = text.length > 300 ? `${text.slice(0, 150)}${text.slice(-150)}` : text;
  if (line === text && pen.measureText(line).width <= width) return line;
  let low = 1, high = line.length;
  const cut = (kept) => `${line.slice(0, Math.ceil(kept * 0.6))}…${line.slice(line.length - Math.floor(kept * 0.4))}`;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(cut(middle)).width <= width) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}
