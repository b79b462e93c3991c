"""Plans of Spark in the Java process: observations put into a plan, and the verdict on each of them before it runs.

pyspark has no call for either. An observation that a step's frame carries would count for the wrong execution, such as
`frame.take(5)` in the code of a step, and it would stop filters on their way into the file. Nothing here runs a job.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

_COUNTS: Final = "CollectMetrics"
_PASSES: Final = frozenset(
    [
        "AdaptiveSparkPlan", "ArrowEvalPython", "BatchEvalPython", "Coalesce", "CollectMetrics", "ColumnarToRow",
        "DeserializeToObject", "Expand", "Filter", "Generate", "InputAdapter", "Project", "RowToColumnar",
        "SerializeFromObject", "SortAggregate", "Union", "Window",
    ]
)  # fmt: skip
"""Operators that take all rows of their input if all of their own are taken."""
_TAKES_ALL: Final = frozenset(["BroadcastExchange", "Exchange", "HashAggregate", "ObjectHashAggregate", "Sort"])
"""Operators that take all rows before they return the first; the limit of a sorted frame takes a part if it can."""
_DEAR: Final = frozenset(
    [
        "ArrowEvalPython", "BatchEvalPython", "Exchange", "HashAggregate", "MapInArrow", "MapInPandas",
        "ObjectHashAggregate", "ShuffledHashJoin", "Sort", "SortAggregate", "SortMergeJoin", "Window",
    ]
)  # fmt: skip
"""Operators that take much longer for a row than a count, which alone is 7 % of a filter and a hash."""
_THIN: Final = frozenset(["ColumnarToRow", "CollectMetrics", "InputAdapter", "Project", "RowToColumnar"])
_KEEPS: Final = {"LeftOuter": {0}, "RightOuter": {1}, "FullOuter": {0, 1}}
"""The sides of a join whose rows are all in its result."""


class Verdict(Struct, frozen=True):
    """The effect of an observation in one execution.

    Args:
        complete: Each row of its frame passes it, whatever the other frames of the plan have.
        harmless: No filter stops at it that Spark would move nearer to the file.
        cheap: The rows come from an operator beside which counting them is next to nothing.
    """

    complete: bool
    harmless: bool
    cheap: bool


def is_classic(frame: Any) -> bool:
    """Return whether the plan of a frame is in the Java process of this session, which Spark Connect has elsewhere."""
    return hasattr(frame, "_jdf") and hasattr(frame.sparkSession, "_jsparkSession")


def analyzed(frame: Any) -> Any:
    """Return the plan of a frame as its author wrote it, with each name resolved."""
    return frame._jdf.queryExecution().analyzed()


def frame_of(spark: Any, plan: Any) -> Any:
    """Return the frame of a plan."""
    from pyspark.sql.classic.dataframe import DataFrame

    return DataFrame(spark._jvm.org.apache.spark.sql.classic.Dataset.ofRows(spark._jsparkSession, plan), spark)


def has_cached(spark: Any) -> bool:
    """Return whether the session keeps frames, which Spark finds by the plan that made them."""
    return not spark._jsparkSession.sharedState().cacheManager().isEmpty()


class Grafting:
    """Puts observed plans into a plan, each in the place of the plan that it observes.

    Args:
        spark: The session.
        plans: The plans to observe.
        observed: Returns the plan of this place with its observation.
        with_columns: The places of observations that look at columns.
    """

    def __init__(
        self, spark: Any, plans: Sequence[Any], observed: Callable[[int], Any], with_columns: Collection[int] = ()
    ) -> None:
        self._java = spark._jvm
        self._with_columns = with_columns
        self._plans = list(plans)
        self._observed = observed
        self._by_hash: dict[int, list[int]] = {}
        for place, plan in enumerate(self._plans):
            self._by_hash.setdefault(plan.semanticHash(), []).append(place)
        self.found: set[int] = set()
        """The places of the plans that were there."""
        self.twins: set[int] = set()
        """Those of which there is a copy with other columns, as in a join of a frame with itself."""

    def into(self, plan: Any) -> Any:
        """Return a plan with the observations in it.

        A copy gets the same one, so that Spark still computes it once, unless it looks at columns, which differ there.
        """
        old = _children(plan)
        new = [self.into(child) for child in old]
        is_changed = any(one is not other for one, other in zip(old, new, strict=True))
        grown = plan.withNewChildren(self._sequence(new)) if is_changed else plan
        for place in self._by_hash.get(plan.semanticHash(), ()):
            own = self._plans[place]
            if own.equals(plan):
                self.found.add(place)
            elif plan.sameResult(own):
                self.twins.add(place)
                if place in self._with_columns:
                    continue
            else:
                continue
            grown = self._above(self._observed(place), own, grown)
        return grown

    def _above(self, observed: Any, plan: Any, grown: Any) -> Any:
        """Return the plan `observed` with `grown` in the place of `plan`."""
        if observed.equals(plan):
            return grown
        (child,) = _children(observed)
        return observed.withNewChildren(self._sequence([self._above(child, plan, grown)]))

    def _sequence(self, plans: Sequence[Any]) -> Any:
        listed = self._java.java.util.ArrayList()
        for plan in plans:
            listed.add(plan)
        return self._java.scala.jdk.javaapi.CollectionConverters.asScala(listed).toSeq()


def verdicts(frame: Any, asked: Collection[str]) -> dict[str, Verdict]:
    """Return a verdict for each observation in the plan by which Spark would execute a frame, by its name.

    Args:
        frame: The frame.
        asked: The names of those that stay whatever they cost, so that one below them costs no more.
    """
    adapts = str(frame.sparkSession.conf.get("spark.sql.adaptive.enabled", "true")).lower() == "true"
    found: dict[str, Verdict] = {}
    for node, above in _with_path(_physical(frame._jdf.queryExecution().executedPlan()), []):
        if _kind(node) == _COUNTS:
            name, here = (
                str(node.name()),
                Verdict(_is_complete(above, adapts), _is_harmless(above, asked), _is_cheap(node)),
            )
            before = found.get(name, here)  # a plan may have one twice
            found[name] = Verdict(before.complete and here.complete, before.harmless and here.harmless, here.cheap)
    return found


def cached_scans(frame: Any) -> int:
    """Return how often the plan by which Spark would execute a frame takes rows that it keeps."""
    plan = _physical(frame._jdf.queryExecution().executedPlan())
    return sum(node.getClass().getSimpleName() == "InMemoryTableScanExec" for node, _ in _with_path(plan, []))


_Path = list[tuple[Any, int]]
"""The operators above one, the nearest last, each with the place of the child that the path comes from."""


def _with_path(node: Any, above: _Path) -> Iterator[tuple[Any, _Path]]:
    yield node, above
    for place, child in enumerate(_children(node)):
        yield from _with_path(_physical(child), [*above, (node, place)])


def _is_complete(above: _Path, adapts: bool) -> bool:
    for node, place in reversed(above):
        kind = _kind(node)
        if kind in _TAKES_ALL:
            return True
        if kind.endswith("Join"):
            join = str(node.joinType().toString())
            # Spark skips the rows of this side if the other one is empty; then an adaptive plan has no observation.
            streamed = adapts and kind == "BroadcastHashJoin" and join in ("Inner", "LeftSemi", "LeftOuter")
            if not (streamed or place in _KEEPS.get(join, ())):
                return False
        elif kind not in _PASSES and not kind.startswith("WholeStageCodegen"):
            return False
    return True


def _is_harmless(above: _Path, asked: Collection[str]) -> bool:
    for node, _ in reversed(above):
        kind = _kind(node)
        if kind == _COUNTS and str(node.name()) in asked:
            return True
        if kind == "Filter":
            if not _keeps_nulls_out(node.condition()):
                return False
        elif kind not in _THIN and not kind.startswith("WholeStageCodegen"):
            return True
    return True


def _is_cheap(node: Any) -> bool:
    while (kind := _kind(node)) in _THIN or kind in ("Filter", "Coalesce") or kind.startswith("WholeStageCodegen"):
        (node,) = map(_physical, _children(node))
    return kind in _DEAR


def _keeps_nulls_out(condition: Any) -> bool:
    """Return whether a condition is no more than what Spark adds before a join."""
    kind = str(condition.getClass().getSimpleName())
    return kind == "IsNotNull" or (kind == "And" and all(map(_keeps_nulls_out, _children(condition))))


def _physical(node: Any) -> Any:
    return node.executedPlan() if _kind(node) == "AdaptiveSparkPlan" else node


def _children(node: Any) -> list[Any]:
    children = node.children()
    return [children.apply(place) for place in range(children.size())]


def _kind(node: Any) -> str:
    return str(node.nodeName()).split(" ", 1)[0]
