"""Pipelines before they run: steps, the graph of their dataset keys, and the validation of both.

`compile(steps)` makes a graph of steps; use it as `pipeline.compile`, like `re.compile`. Nothing here runs a step.
"""

from odibi_core.pipeline.compiler import compile, with_params
from odibi_core.pipeline.functions import steps_from_functions
from odibi_core.pipeline.graph import Graph, Progress, plan_rows
from odibi_core.pipeline.loader import load_pipeline
from odibi_core.pipeline.step import LAYERS, TYPES, Policy, Step

__all__ = [
    "LAYERS",
    "TYPES",
    "Graph",
    "Policy",
    "Progress",
    "Step",
    "compile",
    "load_pipeline",
    "plan_rows",
    "steps_from_functions",
    "with_params",
]
