"""The event bus, the metrics and the program-wide subscribers of this process, and the context of its workers."""

__all__ = ["state", "worker_record", "worker_runs"]
