// A run that is followed: the server's events, and the document that they change.

/**
 * Return the document after an event of the server: the whole one, or a change of it.
 * @param {any} document
 * @param {string} kind
 * @param {any} data
 */
export function applied(document, kind, data) {
  const {at, steps: changed, gone, ...members} = data;
  if (kind === "document") return {...members, steps: changed ?? []};
  const steps = [...(document.steps ?? [])];
  for (const [place, step] of Object.entries(changed ?? {})) steps[Number(place)] = step;
  const merged = {...document, ...members, steps};
  for (const name of gone ?? []) delete merged[name];
  return merged;
}

/**
 * Follow a run until its end. The browser connects again by itself, with the id of the last event.
 * @param {string} address
 * @param {(kind: string, data: any) => void} changed
 * @param {(connected: boolean) => void} connected
 */
export function follow(address, changed, connected) {
  const source = new EventSource(address);
  for (const kind of ["document", "change"])
    source.addEventListener(kind, (event) => changed(kind, JSON.parse(/** @type {MessageEvent} */ (event).data)));
  source.addEventListener("end", () => source.close());
  source.addEventListener("open", () => connected(true));
  source.addEventListener("error", () => connected(false));
}
