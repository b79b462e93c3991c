"""Why: the rows that the steps of a run lost, doubled or did not match, by which rule, and since when."""

from odibi_core.runtime.why.answer import Conjunct, StepRows, Why
from odibi_core.runtime.why.asking import Asked, why

__all__ = ["Asked", "Conjunct", "StepRows", "Why", "why"]
