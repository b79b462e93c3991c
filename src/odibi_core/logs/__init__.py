"""Logs: the structured logger, the logger of a program with its context and sampling, and both ways of `logging`."""

__all__ = ["context", "from_logging", "program_logger", "sampling", "structured_logger", "to_logging"]
