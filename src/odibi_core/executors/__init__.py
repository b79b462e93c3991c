"""Executors run the steps of a pipeline: one file an executor, and one line in `BUILTIN`."""

BUILTIN = {
    "inline": "odibi_core.executors.inline:InlineExecutor",
    "threads": "odibi_core.executors.threads:ThreadsExecutor",
}
