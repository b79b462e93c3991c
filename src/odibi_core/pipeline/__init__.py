"""What a pipeline is, before it runs: steps, the graph that their dataset keys make, and the checks on both.

`compile(steps)` is the one way in; read it as `pipeline.compile`, like `re.compile`. Nothing here runs.
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
