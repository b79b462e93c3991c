"""The declared origins of columns, which go before those that were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from odibi_core.engines.lineage.base import CHANGED, FrameColumns, Origin, Source

METHOD: Final = "declared"
Declared = Mapping[str, Sequence[tuple[str, str]]]
"""By column: dataset keys and columns."""


def with_declared(found: FrameColumns, declared: Declared, taken: Mapping[str, Sequence[str]]) -> FrameColumns:
    """Return the origins, of which the declared ones are those of the declaration.

    A declaration of a column that an input does not have is unknown, with the reason.

    Args:
        found: The origins that were found.
        declared: The declaration.
        taken: The columns of the inputs that are described, by dataset key.
    """
    if not declared:
        return found
    return found._replace(origins=[_origin(each, declared.get(each.column), taken) for each in found.origins])


def _origin(found: Origin, sources: Sequence[tuple[str, str]] | None, taken: Mapping[str, Sequence[str]]) -> Origin:
    if sources is None:
        return found
    missing = [f"{key}.{column}" for key, column in sources if key in taken and column not in taken[key]]
    if missing:
        return Origin(
            found.column, None, unknown=f"it is declared to come from {', '.join(missing)}, which is not there"
        )
    return Origin(found.column, tuple(Source(*each, (CHANGED,)) for each in sources), METHOD, 1.0)
