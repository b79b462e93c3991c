// The one selected step of a page, shared by its parts and kept in the address: `#step=clean_flights`.

/** @typedef {(index: number, from: string) => void} Listener gets the step, -1 for none, and the part of the page that selected it */
/** @typedef {{readonly index: number, select: (index: number, from?: string) => void, on: (listener: Listener) => void, renew: (steps: Array<{name: string}>) => void, start: () => void}} Selection */

const NAME = "step=";

/**
 * Return a selection; `renew` gives it the steps of a page that is drawn again, `start` takes the step of the address.
 * @returns {Selection}
 */
export function selectionOf() {
  let places = /** @type {Map<string, number>} */ (new Map()),
    names = /** @type {string[]} */ ([]),
    listeners = /** @type {Listener[]} */ ([]),
    current = -1;

  /** @param {number} index @param {string} [from] */
  function select(index, from = "") {
    current = index;
    if (from !== "address") write(index < 0 ? "" : names[index]);
    for (const listener of listeners) listener(index, from);
  }

  /** @param {boolean} [first] */
  function follow(first = false) {
    const named = stepOf(location.hash, places);
    if (named !== current && (named >= 0 || !first)) select(named, "address");
  }

  addEventListener("hashchange", () => {
    if (location.hash.startsWith(`#${NAME}`)) follow();
  });
  return {
    get index() {
      return current;
    },
    select,
    on(listener) {
      listeners.push(listener);
    },
    renew(steps) {
      names = steps.map((step) => step.name);
      places = new Map(names.map((name, index) => [name, index]));
      listeners = [];
    },
    start() {
      follow(true);
    },
  };
}

/** @param {string} hash @param {Map<string, number>} places */
function stepOf(hash, places) {
  try {
    return hash.startsWith(`#${NAME}`) ? (places.get(decodeURIComponent(hash.slice(NAME.length + 1))) ?? -1) : -1;
  } catch {
    return -1; // no valid percent-encoding
  }
}

/** @param {string} name */
function write(name) {
  try {
    history.replaceState(
      history.state,
      "",
      name ? `#${NAME}${encodeURIComponent(name)}` : location.pathname + location.search,
    );
  } catch {
    /* half a surrogate pair, or a place without addresses: the selection works without */
  }
}
