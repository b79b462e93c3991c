// The JSON shape of each document, for the type check and for authors of views. Nothing here runs.

/**
 * The connections of a live page; a saved file has none of them.
 * @typedef {object} Services
 * @property {(path: string, parameters?: Record<string, string | number>) => Promise<any>} [fetchJson] an answer of the server
 * @property {(path: string, body: any) => Promise<any>} [send] a change, for those that may make it
 * @property {(parameters: Record<string, string | number>) => void} [remember] puts the filter of a page into its address
 * @property {(kind: "run" | "step" | "pipeline" | "dataset" | "runs" | "error", id: string) => string | null} [link] the address of a page
 * @property {HTMLElement} [bar] stands at the start of the bar, in place of the name of the program
 */

/**
 * A drawn view; `update` draws it again: a run from its newer document, a view of a list from a newer answer.
 * @typedef {object} Mounted
 * @property {(document: any) => void} update
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

/**
 * A cell of a table: a number that a browser holds exactly, or text.
 * @typedef {string | number | boolean | null} Value
 */
/**
 * Names with their values.
 * @typedef {Array<[string, string]>} Pairs
 */
/**
 * The columns of a frame and their types.
 * @typedef {Array<[string, string]>} Schema
 */

/**
 * A statistic in the last runs, this one last, with its usual range; without ends the range is being learned.
 * @typedef {{values: number[], low?: number, high?: number, share?: boolean}} Usual
 */

/**
 * The statistics of a column; `box` has the quantiles 5, 25, 50, 75 and 95 %, `length` the least, mean and most characters.
 * @typedef {object} ColumnStatistics
 * @property {string} column
 * @property {number} [nulls]
 * @property {number} [nan]
 * @property {number} [distinct]
 * @property {Value} [min]
 * @property {Value} [max]
 * @property {number} [mean]
 * @property {number} [deviation]
 * @property {[number, number, number, number, number]} [box]
 * @property {[number, number, number]} [length]
 * @property {Array<[Value, number]>} [top]
 * @property {{nullShare?: number, mean?: number, box?: [number, number, number, number, number]}} [good] those of the last good run
 * @property {Partial<Record<"nulls" | "mean" | "distinct" | "length", Usual>>} [usual]
 */

/**
 * @typedef {object} Frame
 * @property {string} [name]
 * @property {number} [rows]
 * @property {number} [columns]
 * @property {Schema} [schema]
 * @property {string[]} [sampleColumns]
 * @property {Value[][]} [sample]
 * @property {Array<Record<string, Value>>} [was] for each row of the sample the values before of the cells that the step changed, by the place of the column
 * @property {string} [matched] the way in which its rows are matched with those of the input: `place`, or a column
 * @property {number} [moreSampleColumns]
 * @property {ColumnStatistics[]} [stats]
 * @property {number} [statsRows]
 * @property {string} [statsSkipped]
 * @property {number} [comparedRuns] the comparable earlier runs, if they are too few for a usual range
 * @property {number} [bandsLeftOut] usual ranges of the run without room in the document
 * @property {boolean} [changed] true if a later step changed it in place
 * @property {string} [notDescribed]
 * @property {boolean} [linked] true if its columns can be chosen
 */

/**
 * @typedef {object} Check
 * @property {string} check
 * @property {string} [column]
 * @property {"passed" | "failed" | "unchecked"} result
 * @property {"error" | "warn"} severity
 * @property {number} [failedRows]
 * @property {number} [totalRows]
 * @property {string} [message]
 * @property {Value[]} [examples]
 * @property {string} [contract]
 */

/**
 * @typedef {object} RowChange
 * @property {string} [frame]
 * @property {string} [kind]
 * @property {string} sentence
 * @property {boolean} [unusual]
 * @property {string} [since] the run of the usual rows
 * @property {Array<{text: string, isNew?: boolean, same?: string[]}>} [causes]
 * @property {string[]} [stages]
 * @property {string} [reason]
 */

/**
 * A step in an earlier run: its date, state, rows and milliseconds.
 * @typedef {[string, string, number | null, number | null]} PastPoint
 */

/**
 * A step of a run. Times are in milliseconds, `startedMs` after the start of the run. Absent fields are unknown.
 * @typedef {object} Step
 * @property {string} name
 * @property {string} layer
 * @property {string} state
 * @property {string} [type]
 * @property {string} [engine]
 * @property {number} [startedMs]
 * @property {number} [durationMs]
 * @property {number} [spanMs] of a step of many calls, from the first to the last
 * @property {string} [worker]
 * @property {number} [attempts]
 * @property {number} [calls]
 * @property {number} [failedCalls]
 * @property {number} [tasks]
 * @property {number} [failedTasks]
 * @property {number} [memoryMb]
 * @property {boolean} [cached] false if the cache had no result; absent of a step that asked no cache
 * @property {string} [takenFrom] the earlier run whose result was taken
 * @property {number} [rows]
 * @property {{usd: number | null, calls: number, unknown?: number, processed?: number, billed?: number}} [cost] of its calls; `usd` is null if it is unknown
 * @property {Array<number | null>} [rowsBefore] of each input, null if they are unknown
 * @property {number} [delta]
 * @property {number} [lost] rows of its inputs that it dropped
 * @property {Pairs} [inputs]
 * @property {Pairs} [outputs]
 * @property {Frame[]} [before]
 * @property {Frame} [after]
 * @property {{renamed?: Pairs, added?: string[], removed?: string[], changed?: Array<[string, string, string]>, more?: number}} [diff]
 * @property {string} [error]
 * @property {string} [errorType]
 * @property {string} [traceback]
 * @property {string} [skipReason]
 * @property {Array<{attempt?: number, error?: string, delayMs?: number, atMs?: number}>} [retries]
 * @property {RowChange[]} [rowChanges]
 * @property {Check[]} [checks]
 * @property {number[]} [up] indexes of the steps that it needs
 * @property {number[]} [down] indexes of the steps that need it
 * @property {PastPoint[]} [past] the last runs, this one last
 * @property {{lines: string[], file?: string, first?: number, failing?: number, more?: number}} [source]
 * @property {{own: Array<{file: string, line: number, name: string, code: string}>, others?: number}} [trace]
 */

/** @typedef {{from: number, to: number, datasets: string[], rows: number | null, probable?: boolean}} Edge */
/** @typedef {{step?: number, name?: string, text: string, family?: string, usual?: string, id?: string, follows?: Finding[]}} Finding */
/** @typedef {{step?: number, name?: string, text: string, before?: string, after?: string, why?: string, stated?: boolean, follows?: Change[], moreFollow?: number}} Change */
/** @typedef {{step?: number, anchor?: string, name?: string, tone: string, text: string, also?: Finding[]}} Attention */
/** @typedef {{state: string, date: string, ms: number | null, unusual?: number, id?: string}} PastRun */
/** @typedef {{time?: string, level: string, event?: string, message?: string, from?: string, within?: string, fields?: Pairs}} LogLine */
/** @typedef {{name: string, depth: number, calls?: number, failures?: number, totalMs?: number, selfMs?: number}} Operation */
/** @typedef {{type?: string, message: string, count?: number, where?: string, lastSeen?: string, uncaught?: boolean, traceback?: string}} CapturedError */
/** @typedef {{uri: string, access: string, dataset?: string, format?: string, size?: string, files?: number, step?: number, name?: string, rows?: string, modified?: string}} File */

/**
 * The activity of a run beside its steps. `log` has the last of `lines` lines.
 * @typedef {object} Activity
 * @property {CapturedError[]} [errors]
 * @property {number} [errorCount]
 * @property {LogLine[]} [log]
 * @property {Record<string, number>} [levels]
 * @property {number} [lines]
 * @property {Operation[]} [operations]
 * @property {{total: string, note: string, rows: Array<[string, number, string]>}} [cost]
 */

/**
 * The document `odibi-story/1`: one run.
 * @typedef {object} Run
 * @property {string} format
 * @property {string} title
 * @property {{id: string, pipeline: string, status: string, tone: string, label: string, engine: string, partition: string, started: string, startedAt?: string, durationMs?: number, duration: string, sentence: string}} run
 * @property {boolean} [isPast] an earlier state of the run
 * @property {Record<string, number>} counts steps in each state
 * @property {Array<{label: string, value: string, note: string}>} figures
 * @property {Finding[]} unusual
 * @property {{with?: string, list?: Change[], more?: number, count: number} | null} changes null if nothing was compared
 * @property {PastRun[]} strip the last runs, this one last
 * @property {string} [next] the id of the run after this one, if it is known
 * @property {{facts?: Pairs, params?: Pairs, tags?: Pairs, packages?: Pairs, environment?: Pairs, files?: File[], moreFiles?: number} | null} purpose
 * @property {Attention[]} attention
 * @property {number} moreAttention
 * @property {Array<{label: string, text: string}>} commands
 * @property {Step[]} steps
 * @property {Array<{step: number, dataset: string, columns: Array<[string, Array<[string, string, string]> | null, string, number | null, string]>, indirect?: Array<[string, string, string]>, more?: number}>} [columns]
 * @property {{edges: Edge[]}} graph
 * @property {Activity} activity
 */

/**
 * The choices of the reader, kept while a page is drawn again.
 * @typedef {Record<string, any>} Memory
 */

export {};
