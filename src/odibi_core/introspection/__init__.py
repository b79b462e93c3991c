"""Descriptions of stages, made without running any of them.

pipeline     a pipeline's stages together: table, JSON, JSON Schema; configs; the stages of a module
stage        one stage: class, signature, first line of its docstring
signature    the function that a stage calls, and its parameters
annotation   annotations as text and as types, without evaluating any
schema       JSON Schema of a parameter, and the values that do not fit it
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
