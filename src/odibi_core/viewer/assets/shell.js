// The frame of a page: a bar with the parts of the page and its tools, the content, and a foot.
import {h} from "./dom.js";

/** @typedef {import("./types.js").Services} Services */

/**
 * Draw a page into `root`.
 * @param {HTMLElement} root
 * @param {object} page
 * @param {string} page.kind the words behind the name of the program
 * @param {Array<[string, string]>} page.parts the id and the title of each part of the page
 * @param {import("./dom.js").Child} page.main the content
 * @param {import("./dom.js").Child} [page.tools] buttons of the bar
 * @param {string} [page.foot]
 * @param {Services} services `services.bar` takes the place of the name of the program
 */
export function drawPage(root, {kind, parts, main, tools, foot}, services) {
  root.replaceChildren(
    h(
      "header",
      {class: "bar"},
      services.bar ?? h("a", {class: "brand", href: "#main"}, h("b", null, "odibi"), ` ${kind}`),
      parts.length > 1 &&
        h(
          "nav",
          {"aria-label": "Parts of this page"},
          parts.map(([id, title]) => h("a", {href: `#${id}`}, title)),
        ),
      h(
        "div",
        {class: "bar-tools"},
        tools,
        themeButton(),
        h("button", {type: "button", class: "quiet", click: () => print()}, "Print"),
      ),
    ),
    h("main", {class: "page", id: "main"}, main),
    h(
      "footer",
      {class: "foot"},
      foot ??
        (services.fetchJson
          ? "Recorded by odibi-core."
          : "Recorded by odibi-core. This file is self-contained and makes no network requests."),
    ),
  );
}

/** Return a button that switches between light and dark, which follow the system until it is used. */
export function themeButton() {
  const root = document.documentElement,
    dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const name = () => {
    button.textContent = isDark() ? "Light" : "Dark";
  };
  const button = h("button", {
    type: "button",
    class: "quiet",
    "aria-label": "Switch between light and dark",
    click: () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      name();
      dispatchEvent(new Event("odibi-theme"));
    },
  });
  dark.addEventListener("change", name);
  name();
  return button;
}
