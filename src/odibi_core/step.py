"""The import path `odibi_core.step`: a step of a pipeline."""

from odibi_core.pipeline import Step

__all__ = ["Step"]
