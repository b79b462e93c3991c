"""Runs: the orchestrator that runs a pipeline, the observer and `@node` that record one, and the lineage of both."""

__all__ = [
    "node_decorator",
    "node_events",
    "observer",
    "orchestrator",
    "producer_index",
    "program",
    "record",
    "sigterm",
    "step_runner",
    "tracker",
]
