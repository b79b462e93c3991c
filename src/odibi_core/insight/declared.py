"""Facts that the source of a step declares: the keys of its joins, and the names that it has. Nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, Final

from odibi_core.engines import join_keys
from odibi_core.insight.joins import Keys
from odibi_core.insight.rules.source import NO_HINTS, Hints, hints_of

_MOST_INPUTS: Final = 8


@dataclass(frozen=True)
class Declared:
    """The declarations of a source.

    Args:
        keys: The keys of its joins by the logical names of the two inputs.
        hints: The names and constants that it has.
    """

    keys: Mapping[tuple[str, str], list[Keys]] = field(default_factory=dict)
    hints: Hints = NO_HINTS

    @property
    def names(self) -> frozenset[str]:
        return self.hints.names


def declared_by(source: Any, columns: Mapping[str, Sequence[str]]) -> Declared:
    """Return what a source declares about inputs with these columns; nothing if it cannot be read.

    Args:
        source: A function, its text, or SQL; None for none.
        columns: The columns of each input by its logical name.
    """
    if source is None:
        return Declared()
    joins = join_keys.of_sql(source) if isinstance(source, str) else join_keys.of_function(source)
    keys: dict[tuple[str, str], list[Keys]] = {}
    for left, right in permutations(list(columns)[:_MOST_INPUTS], 2):
        for join in joins:
            fitting = join.between((left, columns[left]), (right, columns[right]))
            if fitting is not None:
                keys.setdefault((left, right), []).append(Keys(fitting.left, fitting.right))
    return Declared(keys, hints_of(source))
