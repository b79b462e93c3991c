"""Metrics as a view: series folded from `metric` events, by node, pipeline and call of the toolkit."""

__all__ = ["calls", "nodes", "pipelines", "series", "types", "view"]
