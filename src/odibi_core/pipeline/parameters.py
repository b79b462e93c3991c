"""Parameters of a run: the steps that take a value by its name."""

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


def takes(step: Step, name: str) -> bool:
    """Return true if a step takes a parameter of the run of this name."""
    if name in step.params:
        return True
    if name in step.inputs:
        return False
    if step.operation == "sql":
        return name in placeholders(step.value)
    signature = signature_of(step.value) if step.operation == "call" else None
    return signature is not None and name in signature.names


def known_params(steps: Iterable[Step]) -> set[str]:
    """Return every name for which `takes` is true."""
    known: set[str] = set()
    for step in steps:
        known.update(step.params)
        if step.operation == "sql":
            known |= placeholders(step.value)
        elif step.operation == "call" and (signature := signature_of(step.value)):
            known.update(name for name in signature.names if name not in step.inputs)
    return known
