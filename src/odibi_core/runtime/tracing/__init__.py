"""Tracing: where a row of a recorded dataset came from, and where it went, through the steps of its run."""

from odibi_core.runtime.tracing.answer import Link, Trace
from odibi_core.runtime.tracing.asking import trace_run

__all__ = ["Link", "Trace", "trace_run"]
