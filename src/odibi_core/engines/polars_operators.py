"""The operators of an executed plan of polars, with the rows after each: filters, joins, groups, limits.

polars moves and merges operators itself, so the rows are those of the rows that reached an operator. A file that is
filtered while it is read has two: its rows, known from the footer of a Parquet file, and those that pass.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from odibi_core.engines import files, parquet_rows
from odibi_core.engines.plan_operators import MOST, Operators, Stage, stage, without_constants
from odibi_core.engines.polars_profile import OTHER_ENGINE, OTHER_VERSION, Profile
from odibi_core.errors import STOPS

_SILENT: Final = frozenset(["Cache", "HStack", "SimpleProjection", "Sink", "SinkMultiple", "Sort", "Window"])
"""Operators that neither drop nor multiply rows."""
_TAKE_ALL: Final = frozenset(["Distinct", "GroupBy", "Sort"])
"""Operators that take all rows of their input, also if a limit above them takes few of their own."""
_OWN: Final = re.compile(r"_+POLARS_\w*")
_ALIAS: Final = re.compile(r'(.*)\.alias\("(_+POLARS_\w*)"\)', re.DOTALL)
_COLUMN: Final = re.compile(r'col\("((?:[^"\\]|\\.)*)"\)')
_RUNTIME: Final = re.compile(r'col\("(?:[^"\\]|\\.)*"\)\.dynamic_predicate\(\)')
_AT_RUNTIME: Final = "(keys of a later join or limit)"
"""In place of a test that polars makes while it executes: of rows whose key it knows will be dropped later."""
_SHARED: Final = "(of a part above)"
_NOWHERE: Final[tuple[()]] = ()

Node = dict[str, Any]


def operators(profile: Profile, plans: int, began: float) -> list[Operators]:
    """Return the operators of each of the plans that one execution ran, in their order. Never raises.

    Args:
        profile: The profile of the execution.
        plans: Their number.
        began: The time before the execution, in seconds: the rows of a file that has changed since are unknown.
    """
    try:
        if not profile.plan or profile.physical is None:
            return [Operators(reason=OTHER_VERSION)] * plans
        if (counts := profile.counts()) is None:
            return [Operators(reason=OTHER_ENGINE)] * plans
        reading = _Reading(profile.plan, profile.physical, counts, began)
        roots = reading.roots()
        if len(roots) != plans:
            return [Operators(reason=OTHER_VERSION)] * plans
        return [Operators(tuple(islice(reading.stages(root), MOST))) for root in roots]
    except STOPS:
        raise
    except BaseException:  # another version of polars may have another form
        return [Operators(reason=OTHER_VERSION)] * plans


class _Reading:
    """One execution: its plan, and the rows after each operator of it."""

    def __init__(self, plan: Sequence[Node], physical: Sequence[Node], counts: dict[int, int], began: float) -> None:
        self._nodes: dict[int, Node] = {node["id"]: node for node in plan}
        self._plan = plan
        self._began = began
        self._rows = _rows(physical, counts)
        self._own: dict[str, str] = {}
        """The expressions behind names that polars made."""
        for node in plan:
            for text in [*(node["properties"].get("exprs") or []), *(node["properties"].get("aggs") or [])]:
                if (found := _ALIAS.fullmatch(str(text))) is not None:
                    self._own[found[2]] = found[1]

    def roots(self) -> list[int]:
        """Return the operator whose rows are those of each plan."""
        taken = {each for node in self._plan for each in node["input_ids"]}
        (root,) = (node for node in self._plan if node["id"] not in taken)
        return list(root["input_ids"])

    def stages(self, root: int) -> Iterator[Stage]:
        """Yield the operators of a plan, each after those that it reads.

        A part that several operators read is taken once. The rows below a limit, and beside a join with an empty side,
        are unknown, because polars may stop early there.
        """
        seen: set[int] = set()
        waiting = [(root, False, False)]
        while waiting:
            number, is_cut, is_read = waiting.pop()
            node = self._nodes[number]
            if is_read:
                yield from self._stages_of(node, is_cut)
            elif number in seen:
                yield stage("TABLE_SCAN", _SHARED, None if is_cut else self._rows.get(number))
            else:
                seen.add(number)
                waiting.append((number, is_cut, True))
                waiting += [(each, self._cuts(node, each, is_cut), False) for each in reversed(node["input_ids"])]

    def _cuts(self, node: Node, child: int, is_cut: bool) -> bool:
        kind = node["properties"]["type"]
        if kind in _TAKE_ALL:
            return False
        others = [each for each in node["input_ids"] if each != child]
        return is_cut or kind == "Slice" or any(self._rows.get(each) == 0 for each in others)

    def _stages_of(self, node: Node, is_cut: bool) -> Iterator[Stage]:
        about, kind = node["properties"], str(node["properties"]["type"])
        rows = None if is_cut else self._rows.get(node["id"])
        first = next(iter(node["input_ids"]), None)
        taken = None if first is None or self._cuts(node, first, is_cut) else self._rows.get(first)
        if kind in ("Scan", "DataFrameScan", "PythonScan"):
            yield from self._scan(about, rows)
        elif kind == "Sort" and about.get("slice"):
            keys = ", ".join(_tidy(each["expr"]) for each in about["sort_columns"])
            yield stage("TOP", f"{about['slice'][1]} by {keys}", rows, taken)
        elif kind not in _SILENT:
            name, detail = _KINDS.get(kind, (_upper(kind), lambda _: ""))
            words = self._named(detail(about))
            if kind == "MapFunction":
                name, _, words = words.partition(" ")
            is_quiet = kind in ("MapFunction", "Select") or words == _AT_RUNTIME
            if not is_quiet or rows is None or rows != taken:
                yield stage(name, words, rows, taken)

    def _scan(self, about: Node, rows: int | None) -> Iterator[Stage]:
        place = files.shown(str(about.get("first_source") or ""))
        more = (about.get("num_sources") or 1) - 1
        shown = f"{os.path.basename(place) or place}{f' and {more} more' if more else ''}"
        if limit := about.get("pre_slice"):
            yield stage("TABLE_SCAN", shown)
            yield stage("LIMIT", _of_slice(limit), rows)
        elif condition := _all_of(about.get("predicate")):
            whole = None if more else self._rows_of_file(about)
            yield stage("TABLE_SCAN", shown, whole)
            yield stage("FILTER", self._named(condition), rows, whole if rows is not None else None)
        else:
            yield stage("TABLE_SCAN", shown, rows)

    def _rows_of_file(self, about: Node) -> int | None:
        """Return the rows of a Parquet file by its footer; None if it is another file than before the execution."""
        path = str(about.get("first_source") or "")
        if str(about.get("scan_type")).lower() != "parquet" or not files.is_local_parquet(path, "parquet"):
            return None
        if os.stat(path).st_mtime >= self._began:
            return None
        return parquet_rows.rows_of(path)

    def _named(self, text: str) -> str:
        """Return a text with the expressions in place of the names that polars made for them."""
        for _ in range(3):
            text = _OWN.sub(lambda found: _tidy(self._own.get(found[0], found[0])), text)
        return text


def _rows(physical: Sequence[Node], counts: dict[int, int]) -> dict[int, int]:
    """Return the rows after each operator of a plan: those that the last operator sent that was executed for it."""
    plain = [each for each in physical if each["properties"]["type"] not in ("Multiplexer", "InMemorySink")]
    read = {(node["ir_node_id"], each) for node in plain for each in node["input_ids"]}
    found: dict[int, int] = {}
    for node in plain:
        place = node["ir_node_id"]
        if (place, node["id"]) not in read and node["id"] in counts:
            found[place] = counts[node["id"]]
    return found


def _tidy(expression: Any) -> str:
    """Return an expression with columns as plain names, and without constants that are compared with a secret."""
    text = _RUNTIME.sub(_AT_RUNTIME, str(expression))
    plain = _COLUMN.sub(lambda found: found[1] if found[1].isidentifier() else f'"{found[1]}"', text)
    return without_constants(plain, _COLUMN.findall(text))


def _all_of(conditions: Any) -> str:
    if not conditions:
        return ""
    several = conditions if isinstance(conditions, list) else [conditions]
    found = sorted(dict.fromkeys(map(_tidy, several)), key=lambda each: each == _AT_RUNTIME)
    return " AND ".join(f"({each})" if " | " in each and len(found) > 1 else each for each in found)


def _join(about: Node) -> str:
    pairs = zip(about.get("left_on") or _NOWHERE, about.get("right_on") or _NOWHERE, strict=False)
    keys = " AND ".join(f"{_tidy(left)} = {_tidy(right)}" for left, right in pairs)
    how = str(about.get("how") or about.get("strategy") or "")
    return " ".join(filter(None, (how, keys, _fused(about))))


def _fused(about: Node) -> str:
    condition = _all_of(about.get("fused_predicate") or about.get("predicate"))
    return f"AND {condition}" if condition else ""


def _unique(about: Node) -> str:
    keys = ", ".join(map(str, about.get("subset") or ["all columns"]))
    keep = str(about.get("keep_strategy") or "Any").lower()
    return keys if keep == "any" else f"{keys}, keep {keep}"


def _of_slice(limit: Any) -> str:
    offset, length = (limit[0], limit[1]) if isinstance(limit, list) else (limit.get("offset"), limit.get("len"))
    return f"{length} from row {offset}" if offset else f"{length}"


def _upper(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).upper()


_KINDS: Final[dict[str, tuple[str, Callable[[Node], str]]]] = {
    "Filter": ("FILTER", lambda about: _all_of(about.get("predicate"))),
    "Join": ("JOIN", _join),
    "AsOfJoin": ("ASOF_JOIN", _join),
    "GroupBy": ("GROUP_BY", lambda about: ", ".join(map(_tidy, about.get("keys") or _NOWHERE))),
    "Distinct": ("UNIQUE", _unique),
    "Slice": ("LIMIT", _of_slice),
    "MapFunction": ("", lambda about: str(about.get("function")).replace("OPAQUE_PYTHON", "PYTHON")),
}
