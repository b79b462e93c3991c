"""Stages that describe themselves, while nothing of them runs.

pipeline     a pipeline's stages together: table, JSON, JSON Schema; configs; the stages of a module
stage        one stage: class, signature, first line of its docstring
signature    what is called when a stage processes, and with what
annotation   annotations as text and as types, without evaluating any
schema       JSON Schema of a parameter, and which values do not fit it
"""

from odibi_core.introspection.pipeline import (
    PipelineDescription,
    StageDescription,
    StageParameter,
    discover_stages,
    inspect_pipeline,
    inspectPipeline,
    validate_config,
)

__all__ = [
    "PipelineDescription",
    "StageDescription",
    "StageParameter",
    "discover_stages",
    "inspectPipeline",
    "inspect_pipeline",
    "validate_config",
]
