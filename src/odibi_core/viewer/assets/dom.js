// Elements from data. Text goes in as text and never as markup; nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {string | number | boolean | Node | null | undefined | ReadonlyArray<any>} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

/**
 * Return an HTML element: `h("p", {class: "note", click: handler}, "text", child, [children], null)`.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes | null} [attributes] functions are listeners; null, undefined and false are left out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * Return an SVG element, by the same rules.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes | null} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes, ...children) {
  return fill(/** @type {SVGElementTagNameMap[K]} */ (document.createElementNS(SVG, tag)), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes | null | undefined} attributes
 * @param {Child} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  add(element, children);
  return element;
}

/** @param {Element} element @param {Child} child */
function add(element, child) {
  if (Array.isArray(child)) child.forEach((one) => add(element, one));
  else if (child instanceof Node) element.append(child);
  else if (child !== null && child !== undefined && child !== false && child !== true) element.append(String(child));
}

/**
 * Return a text from the data in an element of its own, isolated from the writing direction around it.
 * @param {unknown} text
 * @param {keyof HTMLElementTagNameMap} [tag]
 * @param {string | null} [kind] its class
 */
export function bidi(text, tag = "bdi", kind = null) {
  return h(tag, {dir: "auto", class: kind}, String(text));
}

/**
 * Return one of several choices as buttons, and `show(value)`, which presses one without a call of `picked`.
 * @param {string} label for screen readers
 * @param {Array<[string, ...Child[]]>} options the value of each, and its content
 * @param {string} chosen
 * @param {(value: string) => void} picked
 */
export function choice(label, options, chosen, picked) {
  const buttons = new Map(
    options.map(([value, ...content]) => [
      value,
      h(
        "button",
        {
          type: "button",
          "data-value": value,
          click: () => {
            show(value);
            picked(value);
          },
        },
        content,
      ),
    ]),
  );
  /** @param {string} value */
  const show = (value) => {
    for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === value));
  };
  show(chosen);
  return Object.assign(h("div", {class: "choice", role: "group", "aria-label": label}, [...buttons.values()]), {show});
}

/**
 * Return a section of a page with its heading.
 * @param {string} id
 * @param {string} title
 * @param {Child} hint
 * @param {...Child} children
 */
export function section(id, title, hint, ...children) {
  return h(
    "section",
    {class: "section", id, "aria-labelledby": `${id}-title`},
    h("header", {class: "section-head"}, h("h2", {id: `${id}-title`}, title), hint && h("p", {class: "hint"}, hint)),
    children,
  );
}

/**
 * Return a head of a column.
 * @param {Child} title
 * @param {boolean} [number] whether the column holds numbers
 * @param {string | null} [note] shown over the head
 */
export function columnHead(title, number = false, note = null) {
  return h("th", {scope: "col", class: number ? "number" : null, title: note}, title);
}

/**
 * Return a table in a region that scrolls.
 * @param {string} label for screen readers
 * @param {string} kind the class of the table
 * @param {HTMLTableCellElement[]} heads
 * @param {HTMLTableSectionElement} body
 * @param {string} [region] the class of the region
 */
export function scrolledTable(label, kind, heads, body, region = "scroll panel") {
  return h(
    "div",
    {class: region, tabindex: "0", role: "region", "aria-label": label},
    h("table", {class: kind}, h("thead", null, h("tr", null, heads)), body),
  );
}

let drawn = new AbortController();

/**
 * Listen to the window, or to another target, until the page is drawn again.
 * @param {string} type
 * @param {(event: any) => void} handler
 * @param {EventTarget} [target]
 */
export function listen(type, handler, target = window) {
  target.addEventListener(type, handler, {signal: drawn.signal});
}

/** End all listeners of `listen`: a page is drawn again. */
export function redrawn() {
  drawn.abort();
  drawn = new AbortController();
}

/**
 * Return a button that copies a text, and shows that it did.
 * @param {string} text
 * @param {string} label for screen readers
 * @param {string} [shown] its text
 */
export function copyButton(text, label, shown = "Copy") {
  const button = h(
    "button",
    {
      type: "button",
      class: "copy",
      "aria-label": label,
      title: label,
      click: async () => {
        button.textContent = (await copied(text)) ? "Copied" : "Not copied";
        setTimeout(() => {
          button.textContent = shown;
        }, 1600);
      },
    },
    shown,
  );
  return button;
}

/** @param {string} text @returns {Promise<boolean>} */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // a file has no clipboard in some browsers: the old way
    const area = h("textarea", {class: "unseen", "aria-hidden": "true"});
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/**
 * Return a button that saves a text as a file.
 * @param {string} name of the file
 * @param {() => string} text
 * @param {string} label
 */
export function downloadButton(name, text, label) {
  return h(
    "button",
    {
      type: "button",
      class: "quiet",
      click: () => {
        const address = URL.createObjectURL(new Blob([text()], {type: "application/json"}));
        h("a", {href: address, download: name}).click();
        setTimeout(() => URL.revokeObjectURL(address), 1000);
      },
    },
    label,
  );
}
