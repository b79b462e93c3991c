"""`lazy_pattern`: a regular expression that is compiled with its first use.

A short program needs few of the rules, and compiling all of them takes a fifth of its time (benchmark: imports).
"""

from __future__ import annotations

import re
from typing import Any, cast


class _LazyPattern:
    """A pattern whose methods are those of the compiled one, once the first of them is asked for."""

    def __init__(self, text: str, flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(*self._given)
        # From now on they are found without a call of this function.
        vars(self).update({each: getattr(compiled, each) for each in dir(compiled) if not each.startswith("_")})
        return getattr(compiled, name)


def lazy_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled with its first use."""
    return cast("re.Pattern[str]", _LazyPattern(text, flags))
