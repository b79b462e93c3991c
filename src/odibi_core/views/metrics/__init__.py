"""Metrics as a view: series folded from `metric` events and from events of nodes, runs and toolkit calls."""

__all__ = ["calls", "nodes", "pipelines", "series", "types", "view"]
