"""The probable cause of each difference: the step at which it begins, and what changed at that step.

An effect begins at a step if no step upstream has one. It also begins there if the code of the step changed and those
upstream are of lesser families. There the changes are weighed: the code of the step, a parameter that its source
names, its files, a package that it uses. A change that earlier runs had too weighs little. If nothing is left, the data
itself is the cause.

If values of a step upstream were not compared, the effect may begin there: its changes count too, with less weight.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import structs

from odibi_core.history.comparison.code import Sources
from odibi_core.history.comparison.difference import FAMILIES, Cause, Change, Difference
from odibi_core.history.comparison.run_data import RunData

_OF_DATA: Final = frozenset({"failure", "schema", "rows", "join", "values", "check"})
_ALIASES: Final = {
    "pandas": ("pandas", "pd"), "polars": ("polars", "pl"), "numpy": ("numpy", "np"), "duckdb": ("duckdb",),
    "pyarrow": ("pyarrow", "pa", "pq"), "scikit-learn": ("sklearn",), "pyspark": ("pyspark", "spark"),
}  # fmt: skip
_DATA: Final = 3.0
_USUAL: Final = 1.0
OF_THE_STEP: Final = 6.0
"""The weight from which on a change concerns a step itself."""
_UNSEEN: Final = 0.6
"""The weight of a change at a step upstream whose values were not compared: above the data, below the step itself."""


def add_causes(
    differences: Sequence[Difference], changes: Sequence[Change], before: RunData, after: RunData, sources: Sources
) -> None:
    """Set `follows_from` and `cause` of each difference that is notable."""
    effects: dict[str, list[Difference]] = {}
    for each in differences:
        if each.is_notable and each.node is not None:
            effects.setdefault(each.node, []).append(each)
    changed = {each.node for each in changes if each.kind in ("code", "plan") and not each.is_usual}
    judge = Judge(changes, before, after, sources)
    for each in differences:
        if not each.is_notable or each.node is None:
            continue
        origin = _origin(each, effects, after if each.node in after.nodes else before, changed)
        each.follows_from = None if origin == each.node else origin
        each.cause = judge.cause(origin, effects[origin])


def unseen_cause(changes: Sequence[Change], before: RunData, after: RunData, sources: Sources) -> Cause | None:
    """Return the change of most weight at the steps whose values were not compared; None if none of them changed."""
    judge = Judge(changes, before, after, sources)
    found = [cause for node in after.nodes if judge.is_unseen(node) for cause in judge.changes(node, ())]
    return max((each for each in found if each.score >= OF_THE_STEP), key=lambda each: each.score, default=None)


def _origin(
    effect: Difference, effects: dict[str, list[Difference]], run: RunData, changed: Collection[str | None]
) -> str:
    """Return the first step upstream with an effect that may be the reason; the effect's own step if there is none."""
    node = str(effect.node)
    wanted = frozenset({"rows", "failure"}) if effect.family in ("duration", "cost") else _OF_DATA
    upstream = {name for name in run.ancestors(node) if any(each.family in wanted for each in effects.get(name, ()))}
    ranks = {name: _rank(each for each in effects[name] if each.family in wanted) for name in upstream}
    ranks[node] = _rank(each for each in effects[node] if each.family in wanted or each is effect)

    def begins(name: str) -> bool:
        before = run.ancestors(name) & upstream
        return not before or (name in changed and all(ranks[name][:2] < ranks[other][:2] for other in before))

    first = [name for name in ranks if begins(name)]
    return node if node in first else min(first, key=lambda name: (ranks[name], name), default=node)


def _rank(effects: Iterable[Difference]) -> tuple[bool, int, float]:
    return min((each.alert_id is None, FAMILIES.index(each.family), -each.magnitude) for each in effects)


class Judge:
    """Weighs the changes for one step."""

    def __init__(self, changes: Sequence[Change], before: RunData, after: RunData, sources: Sources) -> None:
        self._changes = changes
        self._before, self._after = before, after
        self._sources = sources

    def cause(self, node: str, effects: Sequence[Difference]) -> Cause:
        """Return the change with the greatest weight; the data if none has more."""
        found = [self._data(node, effects), *self.changes(node, effects)]
        if effects and all(each.family == "duration" for each in effects):
            return max(found, key=lambda each: each.score)
        for name in sorted(filter(self.is_unseen, self._after.ancestors(node))):
            found += [
                structs.replace(
                    each, score=_UNSEEN * each.score, reason=f"the values of {name}, upstream, were not compared"
                )
                for each in self.changes(name, ())
                if each.score >= OF_THE_STEP
            ]
        return max(found, key=lambda each: each.score)

    def changes(self, node: str, effects: Sequence[Difference]) -> Iterator[Cause]:
        """Yield the changes that may concern a step, with their weights."""
        for change in self._changes:
            score, reason = self._weigh(change, node, effects)
            if score > 0:
                yield Cause(
                    kind=change.kind, subject=change.subject, message=change.message, reason=reason, score=score
                )

    def is_unseen(self, node: str) -> bool:
        """Return whether a step succeeded in both runs, and values that it made were not compared."""
        if any(run.nodes.get(node, {}).get("status") != "success" for run in (self._before, self._after)):
            return False
        keys = [key for key in self._before.columns.keys() & self._after.columns.keys() if key[0] == node]
        rows = [row for key in keys for run in (self._before, self._after) for row in run.columns[key].values()]
        return not rows or any(not row["rows_sampled"] for row in rows)

    def _data(self, node: str, effects: Sequence[Difference]) -> Cause:
        first = not self._after.depends_on.get(node) or all(
            self._layer(name) == "connect" for name in self._after.depends_on[node]
        )
        message = f"the data that {node} reads" if first else f"the values of the inputs of {node}"
        if effects and all(each.family == "duration" for each in effects):
            message = f"what {node} works on or waits for"
        reason = "nothing else that was recorded changed there"
        return Cause(kind="data", subject=node, message=message, reason=reason, score=_DATA + 0.5 * first)

    def _layer(self, node: str) -> Any:
        return self._after.nodes.get(node, {}).get("layer")

    def _weigh(self, change: Change, node: str, effects: Sequence[Difference]) -> tuple[float, str]:
        weigh = {
            "code": self._code, "plan": self._plan, "parameter": self._parameter, "file": self._file,
            "version": self._version, "environment": self._environment,
        }[change.kind]  # fmt: skip
        score, reason = weigh(change, node, effects)
        # A usual file may have unusual columns.
        return (min(score, _USUAL), reason) if change.is_usual and change.kind != "file" else (score, reason)

    def _code(self, change: Change, node: str, effects: Sequence[Difference]) -> tuple[float, str]:
        if change.node == node:
            return 10.0, "the code of the step at which it begins changed"
        if change.node is not None:
            return 0.0, ""
        # Functions that the step calls are in no source of a step.
        return (
            4.0 if change.subject == "git" else 3.6,
            "the code of the repository changed, though not that of the step",
        )

    def _plan(self, change: Change, node: str, effects: Sequence[Difference]) -> tuple[float, str]:
        return (9.5, "the step at which it begins was defined differently") if change.node == node else (0.0, "")

    def _parameter(self, change: Change, node: str, effects: Sequence[Difference]) -> tuple[float, str]:
        if self._names(node, change.subject) or self._is_in_path(change, node):
            return 9.0, "the step at which it begins takes this parameter"
        if self._source(node) is None and not self._reads(node):
            return 4.5, "the parameter changed, and the source of the step is unknown"
        return 2.0, "the parameter changed, though the step does not name it"

    def _file(self, change: Change, node: str, effects: Sequence[Difference]) -> tuple[float, str]:
        if change.node != node or (not change.before and not change.after):
            return 0.0, ""
        if change.is_usual:
            if _of_schema(effects):
                return 8.0, "the file that the step reads has other columns"
            failed = any(each.after == "failed" for each in effects)
            return (_DATA + 0.6, "the step failed with this file") if failed else (0.0, "")
        if change.after is None or change.before is None or change.before["uri"] != change.after["uri"]:
            return 8.5, "the step at which it begins reads another file"
        return 8.0, "the file that the step reads changed"

    def _version(self, change: Change, node: str, effects: Sequence[Difference]) -> tuple[float, str]:
        aliases = _ALIASES.get(change.subject.lower(), (change.subject.replace("-", "_"),))
        retyped = any(each.kind == "retyped" for each in effects)
        uses = any(self._names(node, alias) for alias in aliases) or change.subject.lower() in self._libraries(node)
        if uses:
            return 6.0 + 2.5 * retyped, f"the step at which it begins uses {change.subject}"
        if self._is_sql(node):
            return 0.0, ""
        # Functions that the step calls may use it. Where data comes in from outside, that is more often the reason.
        return 3.8 if change.subject == "python" else 3.3, f"{change.subject} has another version"

    def _environment(self, change: Change, node: str, effects: Sequence[Difference]) -> tuple[float, str]:
        if self._names(node, change.subject):
            return 8.7, "the step at which it begins reads this variable"
        slow = all(each.family == "duration" for each in effects)
        return (5.0, "the run was elsewhere") if slow and change.subject in ("host", "system") else (2.0, "it changed")

    def _names(self, node: str, word: str) -> bool:
        source = self._source(node)
        return source is not None and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", source) is not None

    def _source(self, node: str) -> str | None:
        content = (self._after.nodes.get(node) or self._before.nodes.get(node) or {}).get("source_hash")
        return None if content is None else self._sources(content)

    def _reads(self, node: str) -> list[dict[str, Any]]:
        runs = (self._before, self._after)
        return [
            row for run in runs for row in run.rows("files") if row["node_name"] == node and row["access"] == "read"
        ]

    def _is_in_path(self, change: Change, node: str) -> bool:
        """Return whether the value of a parameter is a part of the path that the step reads."""
        if change.after is None or change.before is None:
            return False
        was, now = (
            [str(row["uri"]) for row in run.rows("files") if row["node_name"] == node]
            for run in (self._before, self._after)
        )
        return any(str(change.after) in uri for uri in now) and any(str(change.before) in uri for uri in was)

    def _libraries(self, node: str) -> set[str]:
        """Return the libraries of the frames that a step made, and its engine."""
        found = {
            str(row["frame"]).partition(".")[0] for row in self._after.rows("snapshots") if row["node_name"] == node
        }
        found |= {
            str(row["frame"]).partition(".")[0] for row in self._before.rows("snapshots") if row["node_name"] == node
        }
        step = self._after.nodes.get(node, {})
        if step.get("type") != "function" or self._reads(node):
            found.add(str(step.get("engine")))
        return found | ({"duckdb"} if self._is_sql(node) else set())

    def _is_sql(self, node: str) -> bool:
        return bool(self._after.nodes.get(node, {}).get("type") == "sql")


def _of_schema(effects: Sequence[Difference]) -> bool:
    return any(each.family == "schema" for each in effects)
