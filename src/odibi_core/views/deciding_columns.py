"""The columns that decide about the rows of a function's frame: those of proved rules, and the keys of joins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from odibi_core.views.values import count, record, records, text, texts

METHOD: Final = "rule"
_PROVED: Final = frozenset({"exact", "replayed"})
_JOINS: Final = frozenset({"inner join", "left join", "fan-out"})
_SUBTYPES: Final = {"dedup": "GROUP_BY"}
"""By kind of a change, the way from a column to the rows; FILTER for any other kind."""
Decided = dict[tuple[str, str], dict[str, None]]
"""By dataset and column: the ways."""


def deciding_columns(
    change: Mapping[str, Any], joins: Iterable[Mapping[str, Any]], datasets: Mapping[str, str]
) -> list[dict[str, Any]] | None:
    """Return the columns that decide about the rows, in the form of the record; None if they are not known.

    They are known if proved rules select every row that was lost or gained, or if the keys of a join explain it. A rule
    beside which another one selects the same rows proves no column. A frame that lost and gained nothing shows nothing.

    Args:
        change: The fields of the event `row_change` of the frame.
        joins: Those of the events `join_match` of its step.
        datasets: The dataset keys of the inputs, by logical name.
    """
    main, kind = text(change.get("main_dataset")), text(change.get("kind")) or ""
    rows = {side: count(change.get(side)) for side in ("lost", "gained")}
    is_join = kind in _JOINS
    if main is None or None in rows.values() or not (is_join or any(rows.values())):
        return None
    found: Decided = {}
    for key in [key for join in joins for key in _keys(main, join)] if is_join else ():
        found.setdefault(key, {})["JOIN"] = None
    for side, number in rows.items():
        is_by_keys = is_join and bool(found) and _is_by_keys(change, side, number or 0)
        if number and not is_by_keys and not _add(found, change, side, datasets):
            return None
    if is_join and not any("JOIN" in ways for ways in found.values()):
        return None
    return [
        {
            "dataset": dataset, "column": column,
            "transformations": [{"type": "INDIRECT", "subtype": way} for way in ways],
        }
        for (dataset, column), ways in found.items()
    ]  # fmt: skip


def _keys(main: str, join: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys of a join of the main dataset with another one, of both."""
    sides = text(join.get("left")), text(join.get("right"))
    if main not in sides or None in sides or join.get("skipped") is not None:
        return
    for key in texts(join.get("keys")):
        left, _, right = key.partition(" = ")
        yield str(sides[0]), left
        yield str(sides[1]), right or left


def _is_by_keys(change: Mapping[str, Any], side: str, number: int) -> bool:
    """Return whether the keys of a join explain the rows: those without a partner are lost, others are repeated."""
    unmatched = [rows for each in record(change.get("unmatched")).values() if (rows := count(each)) is not None]
    return side == "gained" or (number in unmatched and text(change.get("kind")) != "left join")


def _add(found: Decided, change: Mapping[str, Any], side: str, datasets: Mapping[str, str]) -> bool:
    """Add the columns of the proved rules of one side; return False if they do not explain all of its rows."""
    causes = [each for each in records(change.get("causes")) if each.get("side") == side]
    proved = [each for each in causes if each.get("level") in _PROVED and not each.get("same_rows_as")]
    number = count(change.get(side)) or 0
    whole = next((each for each in proved if (count(each.get("rows")) or 0) == number), None)
    if whole is not None:
        proved = [whole]  # further ones select some of the same rows
    elif sum(count(each.get("rows")) or 0 for each in proved) != number:  # not all of them, or some of them twice
        return False
    way = _SUBTYPES.get(text(change.get("kind")) or "", "FILTER")
    for cause in proved:
        groups = record(cause.get("rule")).get("any_of")
        if not isinstance(groups, list):
            return False
        for test in [test for group in groups for test in records(group)]:
            read = [(str(text(change.get("main_dataset"))), column) for column in texts(test.get("columns"))]
            if (other := text(test.get("other")) or None) is not None:
                if other not in datasets:
                    return False
                read += [(datasets[other], column) for column in texts(test.get("keys"))]
            for key in read:
                found.setdefault(key, {})["JOIN" if other and change.get("kind") in _JOINS else way] = None
    return True
