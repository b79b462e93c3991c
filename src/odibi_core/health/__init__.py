"""Health: checks with timeouts, the built-in ones, those of the program, and the dashboard of a pipeline."""

__all__ = ["checks", "dashboard", "monitor", "program"]
