"""Validation of numbers that are given as arguments."""

from __future__ import annotations

from math import inf
from typing import Any

from odibi_core.errors import ConfigurationError
from odibi_core.events.sanitize import sanitize_value

__all__ = ["require_number"]


def require_number(name: str, given: Any, *, above: float = -inf, at_least: float = -inf, at_most: float = inf) -> Any:
    """Return `given` if it is a finite int or float in the range, and no bool.

    Raises:
        ConfigurationError: It is not.
    """
    is_number = isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < inf
    if is_number and above < given and at_least <= given <= at_most:
        return given
    rules = [f"greater than {above:g}"] if above > -inf else []
    rules += [f"of at least {at_least:g}"] if at_least > -inf else []
    rules += [f"at most {at_most:g}"] if at_most < inf else []
    kind = "" if is_number else f" ({type(given).__name__})"
    raise ConfigurationError(f"{name} must be a number {' and '.join(rules)}, got {sanitize_value(given)!r:.200}{kind}")
