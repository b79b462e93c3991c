"""The rows after each operator of a query, from DuckDB's own profile of the execution that the step needs anyway.

An engine notes them for the record of the step; both are in one thread. DuckDB orders operators itself, so the rows are
those of the rows that reached an operator.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from odibi_core.engines.plan_operators import MOST, Stage, stage
from odibi_core.errors import STOPS

_SILENT: Final = frozenset(
    {
        "PROJECTION",
        "RESULT_COLLECTOR",
        "EXPLAIN_ANALYZE",
        "COLUMN_DATA_SCAN",
        "QUERY",
        "CREATE_VIEW",
        "BATCH_COPY_TO_FILE",
    }
)
"""Operators that neither drop nor multiply rows."""
_DETAILS: Final = (
    "Table", "Join Type", "Conditions", "Expression", "Expressions", "Filters", "Groups", "Aggregates", "Order By",
    "Limit", "Top", "Offset",
)  # fmt: skip
_UNNAMED: Final = frozenset({"Table", "Join Type", "Conditions", "Expression", "Expressions"})
"""Details that are understood without their name."""


class _Noted(threading.local):
    is_wanted = False
    stages: tuple[Stage, ...] = ()


_noted: Final = _Noted()


@contextmanager
def wanted() -> Iterator[None]:
    """Let the engine note the operators of the queries that it runs inside, in this thread."""
    before, _noted.is_wanted, _noted.stages = _noted.is_wanted, True, ()
    try:
        yield
    finally:
        _noted.is_wanted = before


def take() -> tuple[Stage, ...]:
    """Return the operators of the last query, once; empty if they are unknown."""
    found, _noted.stages = _noted.stages, ()
    return found


def statement() -> str:
    """Return the statement of SQL with which a new connection profiles its queries; empty if that is not wanted.

    It belongs into the first statements of the connection: one more call takes as long as reading the profile.
    """
    return "SET enable_profiling='no_output'" if _noted.is_wanted else ""


def note(connection: Any) -> None:
    """Note the operators of the last query of a connection that profiles, if they are wanted. Never raises itself."""
    if _noted.is_wanted:
        _noted.stages = _stages_of(connection)


@contextmanager
def profiled(connection: Any) -> Iterator[None]:
    """Profile the queries that a connection runs inside, if that is wanted, and note the operators of the last one."""
    if not _noted.is_wanted or not _quietly(connection, statement()):
        yield
        return
    try:
        yield
        note(connection)
    finally:
        _quietly(connection, "RESET enable_profiling")


def _quietly(connection: Any, text: str) -> bool:
    try:
        connection.execute(text)
    except STOPS:
        raise
    except BaseException:  # a configuration that is locked, or a result that is still open
        return False
    return True


def _stages_of(connection: Any) -> tuple[Stage, ...]:
    try:
        profile = msgspec.json.decode(connection.get_profiling_information("json"))
        return tuple(_stages(profile))
    except STOPS:
        raise
    except BaseException:  # another version of DuckDB may have another form
        return ()


def _stages(profile: dict[str, Any]) -> list[Stage]:
    """Return the operators of a profile, each after those that it reads."""
    found: list[Stage] = []
    waiting = [(node, False) for node in reversed(profile.get("operator") or profile.get("children") or [])]
    while waiting and len(found) < MOST:
        node, is_read = waiting.pop()
        if not is_read:
            waiting.append((node, True))
            waiting += [(child, False) for child in reversed(node.get("children") or [])]
            continue
        name = str(node.get("type") or node.get("operator_type") or node.get("operator_name") or "").strip()
        if name and name not in _SILENT:
            taken = _rows(node["children"][0]) if node.get("children") else None
            found.append(stage(name, _detail(node.get("extra_info")), _rows(node), taken))
    return found


def _rows(node: dict[str, Any]) -> int | None:
    rows = node.get("intermediate_rows", node.get("operator_cardinality"))
    return rows if isinstance(rows, int) else None


def _detail(info: Any) -> str:
    if not isinstance(info, dict):
        return ""
    parts = []
    for name in _DETAILS:
        value = info.get(name)
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
        if text and "#" not in text:
            parts.append(text if name in _UNNAMED else f"{name} {text}")
    return " ".join(parts)
