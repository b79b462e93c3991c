"""The door to `Step`."""

from odibi_core.orchestrator import Step

__all__ = ["Step"]
