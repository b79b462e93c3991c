"""Expressions for the columns of a DuckDB relation that a frame library does not take unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from odibi_core.errors import EngineError

WHOLE = frozenset(
    ["tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "boolean"]
)
HUGE = frozenset(["hugeint", "uhugeint", "bignum", "varint"])
NESTED = frozenset(["list", "array", "struct", "map"])
# No frame has them; DuckDB gives other values in their place, or fails without a column's name.
_FOREIGN = frozenset(["time with time zone", "bit", "union", "geometry", "variant"])


class Projected(NamedTuple):
    """One column of the answer: its name, its type, and the position of its expressions in the fetched columns."""

    name: str
    type: Any
    id: str
    place: int
    width: int


def project(
    relation: Any, wanted: Mapping[str, tuple[str, ...]], refused: frozenset[str]
) -> tuple[Any, list[Projected]]:
    """Return the relation with the expressions of `wanted` for its columns, and the position of each.

    Args:
        relation: the answer of a query, not yet fetched; it is run once.
        wanted: by the type's id, expressions for the values and for what they leave out; `{0}` is the column.
        refused: types within nested columns that the library changes.
    """
    projected: list[Projected] = []
    expressions: list[str] = []
    names = _distinct(relation.columns)
    for i, (name, type_) in enumerate(zip(names, relation.types, strict=True), 1):
        _refuse_foreign(name, type_, refused)
        given = wanted.get(type_.id, ("{0}",))
        projected.append(Projected(name, type_, type_.id, len(expressions), len(given)))
        expressions += [each.format(f"#{i}") for each in given]
    named = ", ".join(f'{expression} AS "{i}"' for i, expression in enumerate(expressions))
    return relation.project(named), projected


def _distinct(columns: Sequence[str]) -> list[str]:
    """Return unique names, made as DuckDB makes them, without regard to capitals."""
    seen: dict[str, int] = {}
    names = []
    for name in columns:
        number = seen[name.casefold()] = seen.get(name.casefold(), -1) + 1
        names.append(f"{name}_{number}" if number else name)
    return names


def _refuse_foreign(name: str, type_: Any, refused: frozenset[str]) -> None:
    inside = type_.id in NESTED and any(word in str(type_) for word in refused)
    if type_.id in _FOREIGN or inside:
        raise EngineError(
            f"column {name!r} of the answer is {type_}, which the frame cannot hold exactly; cast it in the SQL, "
            f"such as {'to_json(…)' if inside else '…::VARCHAR'}"
        )


def refuse_months(name: str) -> EngineError:
    """Return the error for an INTERVAL of months, which have no length."""
    return EngineError(
        f"column {name!r} of the answer is an INTERVAL with months or years, which have no length that a "
        "duration could hold; cast it in the SQL, such as …::VARCHAR, or add it to a date there"
    )


# Nearly all large numbers fit 64 bits, and text is slow: only for those that do not it is projected for.
LARGE = ("TRY_CAST({0} AS BIGINT)", "CASE WHEN TRY_CAST({0} AS BIGINT) IS NULL THEN {0}::VARCHAR END")
# A day of an INTERVAL is 24 hours here, as in every frame; a month is none.
INTERVAL = ("epoch_us({0})", "coalesce(datepart('month', {0}) <> 0 OR datepart('year', {0}) <> 0, false)")
ARROW = {**dict.fromkeys(HUGE, LARGE), "interval": INTERVAL}
"""The expressions for libraries whose columns are Arrow's; see `project`."""
ARROW_CHANGES = frozenset(["INTERVAL", "HUGEINT", "BIGNUM"])
"""Types within nested columns that these libraries change."""
