// The entry of a live page: draws the document of a view, whose module is loaded on first use.

/**
 * Draw a document.
 * @param {string} view the name of a module in `views/`
 * @param {HTMLElement} root its content is replaced
 * @param {any} data the document of the view, as `types.js` describes it
 * @param {import("./types.js").Services} services
 * @returns {Promise<import("./types.js").Mounted>} `update(document)` draws it again
 */
export async function mount(view, root, data, services) {
  const module = await import(`./views/${view}.js`);
  const mounted = module.mount(root, data, services);
  document.documentElement.dataset.ready = "true";
  return mounted;
}
