// Elements from data. Text goes in as text and never as markup; nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

// h("p", {class: "note", click: handler}, "text", child, [children], null)
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  add(element, children);
  return element;
}

function add(element, child) {
  if (Array.isArray(child)) child.forEach((one) => add(element, one));
  else if (child !== null && child !== undefined && child !== false) element.append(child);
}

// A text from the run in an element of its own, isolated from the writing direction around it.
export function bidi(text, tag = "bdi", kind = null) {
  return h(tag, {dir: "auto", class: kind}, String(text));
}

// One of several choices, as buttons; picked(value) is called on a change.
export function choice(label, options, chosen, picked) {
  const group = h("div", {class: "choice", role: "group", "aria-label": label});
  const show = (value) => {
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.value === value));
  };
  for (const [value, text] of options) {
    const button = h("button", {type: "button", click: () => { show(value); picked(value); }}, text);
    button.dataset.value = value;
    group.append(button);
  }
  show(chosen);
  return group;
}

export function section(id, title, hint, ...children) {
  return h("section", {class: "section", id, "aria-labelledby": `${id}-title`},
    h("header", {class: "section-head"}, h("h2", {id: `${id}-title`}, title), hint && h("p", {class: "hint"}, hint)),
    children);
}
