"""Where the steps of a run are carried out. One file an executor, one line here."""

BUILTIN = {
    "inline": "odibi_core.executors.inline:InlineExecutor",
    "threads": "odibi_core.executors.threads:ThreadsExecutor",
}
