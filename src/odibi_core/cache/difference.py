"""The difference of two keys: which parts of a step changed since its latest entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

_ORDER: Final = (
    "engine",
    "code",
    "the SQL",
    "global",
    "default",
    "closure",
    "parameter",
    "file",
    "input",
    "version",
    "python",
)
_FOLLOWING: Final = ("the function", "order of inputs", "order of parameters")
"""Parts that change with others."""
_MOST: Final = 20
_NAMED: Final = 3


class Change(msgspec.Struct, frozen=True):
    """A part of a key that changed: its digests, or its values where those may be shown; None for no such part."""

    part: str
    before: str | None
    after: str | None

    @property
    def sentence(self) -> str:
        if self.before is None:
            return f"{self.part} is new"
        if self.after is None:
            return f"{self.part} is gone"
        return f"{self.part} changed"


def changes(
    before: Mapping[str, str], after: Mapping[str, str], shown: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
) -> list[Change]:
    """Return the parts that differ, those first that most often explain the others."""
    differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [
        Change(name, shown[0].get(name, before.get(name)), shown[1].get(name, after.get(name)))
        for name in sorted(differing, key=lambda name: (_rank(name), name))
    ][:_MOST]


def _rank(name: str) -> int:
    return next((place for place, start in enumerate(_ORDER) if name.startswith(start)), len(_ORDER))


def reason_of(found: list[Change]) -> str:
    """Return the changes as one sentence. A change of a helper changes the function too, which then is left out."""
    named = [change for change in found if change.part not in _FOLLOWING] or found
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(change.sentence for change in named[:_NAMED]) + more
