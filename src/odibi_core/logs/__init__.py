"""Logs: the structured logger, the loggers of a program, their context and sampling, and both directions of `logging`.

`structured_logger` is a log file that can be queried, `program_logger` the loggers of `get_logger`, `context` the
fields of every line, `sampling` the limits of too many lines, `from_logging` and `to_logging` the two directions.
"""

__all__ = ["context", "from_logging", "program_logger", "sampling", "structured_logger", "to_logging"]
