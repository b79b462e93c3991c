"""The import path `odibi_core.orchestrator`: the orchestrator, which is in `runtime`."""

from odibi_core.runtime.orchestrator import Orchestrator, Result, Step

__all__ = ["Orchestrator", "Result", "Step"]
