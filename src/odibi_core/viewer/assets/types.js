// The JSON shape of each document, for the type check and for authors of views. Nothing here runs.

/**
 * The connections of a live page; a saved file has none of them.
 * @typedef {object} Services
 * @property {(path: string, parameters?: Record<string, string | number>) => Promise<any>} [fetchJson] an answer of the server
 * @property {(kind: "run" | "step" | "pipeline" | "dataset", id: string) => string | null} [link] the address of a page
 * @property {HTMLElement} [bar] stands at the start of the bar, in place of the name of the program
 */

/**
 * A drawn view; `update` merges the fields of a patch into the document and draws it again.
 * @typedef {object} Mounted
 * @property {(patch: any) => void} update
 */

/**
 * A run or a step in the grid: its state, rows, milliseconds, the result of its checks, its error.
 * @typedef {[string, number | null, number | null, string | null, string | null]} HistoryCell
 */

/**
 * @typedef {object} HistoryStep
 * @property {string} name
 * @property {boolean} [all] true for the row of the runs themselves
 * @property {Array<HistoryCell | null>} cells one for each run; null for a run without this step
 */

/**
 * @typedef {object} HistoryRun
 * @property {string} id
 * @property {string} started in UTC
 * @property {string} state
 * @property {number | null} ms
 * @property {number | null} read
 * @property {number | null} published
 * @property {number | null} checksFailed
 * @property {number | null} unusual
 * @property {string | null} partition
 * @property {string | null} error
 */

/**
 * The document `odibi-history/1`: the last runs of a pipeline, the oldest first.
 * @typedef {object} History
 * @property {string} format
 * @property {string} pipeline
 * @property {string} sentence
 * @property {HistoryRun[]} runs
 * @property {number} runsInAll
 * @property {HistoryStep[]} steps
 * @property {number} stepsLeftOut
 */

/**
 * @typedef {object} ComparisonItem
 * @property {string} [label]
 * @property {string} text
 * @property {string[]} [notes]
 * @property {string} [detail] a unified diff, or further lines
 */

/**
 * The document `odibi-comparison/1`: two runs of a pipeline.
 * @typedef {object} Comparison
 * @property {string} format
 * @property {string} title
 * @property {string} pipeline
 * @property {boolean} notable true if a difference is beyond the noise
 * @property {string} verdict
 * @property {string | null} cause
 * @property {{id: string, text: string}} before
 * @property {{id: string, text: string}} after
 * @property {Array<{title: string, folded?: boolean, items: ComparisonItem[]}>} sections
 */

export {};
