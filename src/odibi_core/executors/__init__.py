"""Executors run the steps of a pipeline: one file an executor, and one line in `BUILTIN`."""

BUILTIN = {
    "dask": "odibi_core.executors.dask_executor:DaskExecutor",
    "inline": "odibi_core.executors.inline:InlineExecutor",
    "processes": "odibi_core.executors.processes:ProcessesExecutor",
    "ray": "odibi_core.executors.ray_executor:RayExecutor",
    "threads": "odibi_core.executors.threads:ThreadsExecutor",
}
