"""The operators of an executed plan of Spark, with the rows after each, from the metrics of the job that runs anyway.

Spark keeps them in the status store of its SQL page, with the plan that it chose while it executed. Nothing here runs
a job. The store and its graph are private parts of Spark: `benchmarks/plan_operators.py` has their cost.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from threading import Event
from typing import Any, Final

import msgspec

from odibi_core.engines.plan_operators import MOST, WITHIN, Operators, Stage, is_secret, stage
from odibi_core.errors import STOPS
from odibi_core.redaction import HIDDEN

_LOOKS: Final = 200
"""Looks for the metrics of a job that has ended, 10 ms apart: Spark delivers them from another thread."""
CONNECT: Final = "Spark Connect has the metrics of its plans in another process"
NO_METRICS: Final = "Spark has no metrics of the job"
OTHER_VERSION: Final = "this version of Spark shows no rows of operators"

_LATEST: Final = 16
"""Executions that are looked at for that of a step, the newest first."""
_GZIP: Final = 31
_ROWS: Final = "number of output rows"
_OBSERVED: Final = "CollectMetrics"
_LIMITS: Final = frozenset({"CollectLimit", "CollectTail", "GlobalLimit", "LocalLimit", "TakeOrderedAndProject"})
_TAKE_ALL: Final = ("Exchange", "BroadcastExchange", "Sort", "Window")
_ID: Final = re.compile(r"#\d+L?")
_COLUMN: Final = re.compile(r"([^\s()\[\],=<>!]+)#\d+L?")
_KEYS: Final = re.compile(r"keys?=\[(.*?)\](?:, |\))")
_SIDES: Final = re.compile(
    r"\w+ \[(.*?)\], \[(.*?)\], (\w+)(?:, (?:BuildLeft|BuildRight))?(?:, (?!true|false)(.*?))?(?:, (?:true|false))*$"
)
_LIMIT: Final = re.compile(r"(?<=limit=)\d+|(?<=Limit )\d+")
_ORDER: Final = re.compile(r"orderBy=\[(.*?)\]")
_FILE: Final = re.compile(r"Location: \w+ ?(?:\(\d+ paths\))?\[([^\],]*)")
_PUSHED: Final = re.compile(r"PushedFilters: \[[^\]]")

Node = dict[str, Any]


class Executed:
    """One execution: the graph of its plan and the rows of its operators.

    Args:
        graph: `nodes` (`id`, `name`, `desc`, `metrics`, of a cluster its own `nodes`), and `edges`.
        metrics: Texts by the id of a metric.
    """

    def __init__(self, graph: Mapping[str, Any], metrics: Mapping[str, str]) -> None:
        self._nodes: dict[int, Node] = {}
        for node in graph["nodes"]:
            for each in node.get("nodes") or [node]:
                self._nodes[each["id"]] = each
        self._inputs: dict[int, list[int]] = {number: [] for number in self._nodes}
        read = set()
        for edge in graph["edges"]:
            self._inputs[edge["toId"]].append(edge["fromId"])
            read.add(edge["fromId"])
        self._rows = {number: _rows(node, metrics) for number, node in self._nodes.items()}
        self._roots = [number for number in self._nodes if number not in read]

    def operators(self, observation: str | None = None) -> Operators:
        """Return the operators of the whole plan; of one with an observation of that name those that it observes."""
        if observation is None:
            roots = self._roots
        else:
            start = f"{_OBSERVED} {observation},"
            roots = [number for number, node in self._nodes.items() if node["desc"].startswith(start)][:1]
            if not roots:
                return Operators(reason=WITHIN)
        return Operators(tuple(islice(_merged(each for root in roots for each in self._stages(root)), MOST)))

    def _stages(self, root: int) -> Iterator[Stage]:
        """Yield operators, each after those that it reads; the rows of one that may have stopped early are unknown."""
        waiting = [(root, False, False)]
        while waiting:
            number, is_cut, is_read = waiting.pop()
            node, inputs = self._nodes[number], self._inputs[number]
            if is_read:
                taken = self._sent(inputs[0]) if inputs and not self._cuts(number, inputs[0], is_cut) else None
                yield from _stages_of(node, None if is_cut else self._rows[number], taken, is_leaf=not inputs)
            else:
                waiting.append((number, is_cut, True))
                waiting += [(each, self._cuts(number, each, is_cut), False) for each in reversed(inputs)]

    def _cuts(self, number: int, child: int, is_cut: bool) -> bool:
        kind = _kind(self._nodes[number])
        if kind in _TAKE_ALL or kind.endswith("Aggregate"):
            return False
        others = [each for each in self._inputs[number] if each != child]
        return is_cut or kind in _LIMITS or any(self._sent(each) == 0 for each in others)

    def _sent(self, number: int) -> int | None:
        """Return the rows that an operator sent, by the nearest one below it that counts."""
        while self._rows[number] is None and len(self._inputs[number]) == 1:
            (number,) = self._inputs[number]
        return self._rows[number]


def _rows(node: Node, metrics: Mapping[str, str]) -> int | None:
    for metric in node["metrics"]:
        if metric["name"] == _ROWS:
            text = str(metrics.get(str(metric["accumulatorId"]), "")).replace(",", "")
            return int(text) if text.isdecimal() else None
    return None


def _merged(stages: Iterator[Stage]) -> Iterator[Stage]:
    """Yield operators, of the parts of one aggregation the last."""
    before: Stage | None = None
    for each in stages:
        if before is not None and _are_parts(before, each):
            each = {**each, "rows_in": before["rows_in"]} if "rows_in" in before else each
        elif before is not None:
            yield before
        before = each
    if before is not None:
        yield before


def _are_parts(before: Stage, after: Stage) -> bool:
    """Return whether two operators are parts of one aggregation."""
    return bool(before["operator"] == after["operator"] == "GROUP_BY" and before["detail"] == after["detail"])


def _stages_of(node: Node, rows: int | None, taken: int | None, *, is_leaf: bool) -> Iterator[Stage]:
    kind, about = _kind(node), str(node["desc"])
    if kind == "Filter":
        yield stage("FILTER", shown(about.removeprefix("Filter ")), rows, taken)
    elif kind.endswith("Join") or kind == "CartesianProduct":
        yield stage("JOIN", _join(about), rows, taken)
    elif kind.endswith("Aggregate"):
        keys = _KEYS.search(about)
        yield stage("GROUP_BY", shown(keys[1]) if keys else "", rows, taken)
    elif kind in _LIMITS:
        yield stage("TOP" if _ORDER.search(about) else "LIMIT", _limit(about), rows, taken)
    elif kind in ("Expand", "Generate", "Sample", "Union", "MapInArrow", "MapInPandas", "FlatMapGroupsInPandas"):
        yield stage(kind.upper(), "", rows, taken)
    elif is_leaf:
        yield stage("TABLE_SCAN", _scan(about), rows)


def _limit(about: str) -> str:
    number, order = _LIMIT.search(about), _ORDER.search(about)
    return " by ".join(filter(None, (number[0] if number else "", shown(order[1]) if order else "")))


def _scan(about: str) -> str:
    found = _FILE.search(about)
    name = found[1].rstrip("/").rpartition("/")[2] if found else ""
    return f"{name} (filters are pushed)".strip() if _PUSHED.search(about) else name


def _join(about: str) -> str:
    found = _SIDES.match(about)
    if found is None:
        return shown(about.partition(" ")[2])
    left, right, how, condition = found.groups()
    pairs = zip(left.split(", "), right.split(", "), strict=False)
    keys = " AND ".join(f"{one} = {other}" for one, other in pairs)
    return shown(" ".join(filter(None, (how, keys, f"AND {condition}" if condition else ""))))


def shown(text: str) -> str:
    """Return an expression with plain names; without anything but its columns if one has the name of a secret.

    Spark shows texts without quotes, so that a constant looks like the words beside it.
    """
    columns = list(dict.fromkeys(_COLUMN.findall(text)))
    if any(map(is_secret, columns)):
        return f"{HIDDEN} over {', '.join(columns)}"
    return _ID.sub("", text)


def _kind(node: Node) -> str:
    return str(node["name"]).split(" ", 1)[0]


class Metrics:
    """The metrics of the executions of a session, read after the jobs of a step."""

    def __init__(self) -> None:
        self._mapper: Any = None

    def of_step(self, spark: Any, description: str, since: float) -> Executed | str:
        """Return the last execution of a step, or the reason why there is none. Never raises.

        Args:
            spark: The session.
            description: That of the jobs of the step.
            since: The time before the execution, in seconds.
        """
        try:
            store = spark._jsparkSession.sharedState().statusStore()
            number = self._number(store, description, since)
            if number is None:
                return NO_METRICS
            return Executed(*self._values(spark._jvm, store.planGraph(number), store.executionMetrics(number)))
        except STOPS:
            raise
        except Exception:
            return OTHER_VERSION

    def _number(self, store: Any, description: str, since: float) -> int | None:
        """Return the id of the newest execution of a description, when Spark has its metrics; None without one."""
        pause, found = Event(), None
        for look in range(_LOOKS):
            found = _newest(store, description, since) if found is None else found
            if found is None and look > _LOOKS / 4:
                return None
            if found is not None:
                about = store.execution(found)
                if about.isDefined() and about.get().completionTime().isDefined() and about.get().metricValues():
                    return found
            pause.wait(0.01)
        return None

    def _values(self, java: Any, *found: Any) -> Any:
        """Return values of Java as plain ones. Packed, because a text of over 8 kB takes py4j 40 ms more."""
        if self._mapper is None:
            jackson = java.com.fasterxml.jackson
            self._mapper = jackson.databind.ObjectMapper()
            module = getattr(jackson.module.scala, "DefaultScalaModule$")
            self._mapper.registerModule(getattr(module, "MODULE$"))
        listed, packed = java.java.util.ArrayList(), java.java.io.ByteArrayOutputStream()
        for each in found:
            listed.add(each)
        self._mapper.writeValue(java.java.util.zip.GZIPOutputStream(packed), listed)
        return msgspec.json.decode(zlib.decompress(bytes(packed.toByteArray()), _GZIP))


def _newest(store: Any, description: str, since: float) -> int | None:
    count = int(store.executionsCount())
    listed = store.executionsList(max(0, count - _LATEST), _LATEST)
    for place in range(listed.size() - 1, -1, -1):
        each = listed.apply(place)
        if each.description() == description and each.executionId() == each.rootExecutionId():
            return int(each.executionId()) if each.submissionTime() >= since * 1e3 - 1 else None
    return None
