"""The parameters of a run that a step takes by name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from odibi_core.pipeline.signatures import signature_of
from odibi_core.pipeline.step import Step

# Quotes and comments come first, and take the rest of the text if they are not closed: linear in time.
_PLACEHOLDER = re.compile(
    r"""'[^']*(?:'|\Z) | "[^"]*(?:"|\Z) | --[^\n]* | /\*.*?(?:\*/|\Z) | \$(\w*)\$.*?(?:\$\1\$|\Z)
    | \$([A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)


def placeholders(query: str) -> set[str]:
    """Return the names of the `$name` parameters of a SQL text, except those in quotes and comments."""
    return {match[2] for match in _PLACEHOLDER.finditer(query) if match[2]} if "$" in query else set()


def params_of(step: Step) -> set[str]:
    """Return the names of the parameters of the run that a step takes."""
    names: Iterable[str] = ()
    if step.operation == "sql":
        names = placeholders(step.value)
    elif step.operation == "call" and (signature := signature_of(step.value)):
        names = signature.names
    return {*step.params, *(name for name in names if name not in step.inputs)}
