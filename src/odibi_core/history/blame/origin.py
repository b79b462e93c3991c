"""The origin: the first step whose difference does not follow from those upstream."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from odibi_core.history.blame.answer import Certainty
from odibi_core.history.blame.contents import Contents
from odibi_core.history.blame.row_changes import changes_of
from odibi_core.history.blame.signals import OF_ROWS, OF_VOLUME, Signal
from odibi_core.history.comparison.run_data import RunData, list_of, object_of

_SAME_INPUTS: Final = 0.4
_CHANGED: Final = 0.8
_COVERS: Final = 0.4
"""Weights, beside the strength of a signal, of: inputs as before, another code, the part of the effects below."""
_OF_SHARES: Final = frozenset({"nulls", "values", "lost", "unmatched", "check"})
_SLACK: Final = 1.5
_LEAST: Final = 0.05
_BY_COUNTS: Final = frozenset({"dedup", "aggregate", "head", "sample", "unknown", "made"})
"""Kinds of steps that lose another share of their rows if more or fewer of the same kind come in."""


class Origin(Struct, frozen=True):
    """The step at which a run begins to differ, with its signals, the strongest first."""

    step: str
    certainty: Certainty
    signals: tuple[Signal, ...]
    is_source: bool


class Origins:
    """The steps of a run with their signals.

    Args:
        after: The run in question.
        contents: The contents of the frames of both runs.
        signals: All signals.
        changed: The steps whose code, definition or parameters changed.
    """

    def __init__(
        self, after: RunData, contents: Contents, signals: Iterable[Signal], changed: Collection[str | None]
    ) -> None:
        self._after, self._contents, self._changed = after, contents, changed
        self._places = {name: place for place, name in enumerate(_ordered(after))}
        self._all: dict[str, list[Signal]] = {}
        for each in signals:
            if each.node in self._places:
                self._all.setdefault(each.node, []).append(each)
        self._notable = {name: found for name, each in self._all.items() if (found := self._beyond_noise(name, each))}
        self._producers = {
            key: name for name, node in after.nodes.items() for key in object_of(node["outputs"]).values()
        }
        self._row_changes = {key[0]: row for key, row in changes_of(after).items()}

    def first(self) -> Origin | None:
        """Return the origin; None if nothing differs."""
        begin = [name for name in self._notable if self._begins(name)]
        if begin:
            best = max(begin, key=lambda name: (self._weight(name, begin), -self._places[name]))
            sure = self._contents.of_inputs(best) == "same" or self._others_are_same(best)
            entered = self._entered(best)
            return self._origin(entered or best, "certain" if sure else "likely")
        return self._within_noise()

    def _beyond_noise(self, node: str, signals: list[Signal]) -> list[Signal]:
        """Return the signals of a step that are notable; if its code is another one, also other shares of rows."""
        return [one for one in signals if one.is_notable or (node in self._changed and one.effect in OF_ROWS)]

    def _entered(self, node: str) -> str | None:
        """Return the source by which the change of a join came in: the other input, if it alone is not as usual."""
        if node in self._changed or not any(each.effect in OF_ROWS for each in self._notable[node]):
            return None
        change = self._row_changes.get(node)
        keys = [str(key) for key in object_of(self._after.nodes[node]["inputs"]).values()]
        if len(keys) < 2 or change is None or change["main_dataset"] not in keys:
            return None
        makers = {self._producers[key] for key in keys if key != change["main_dataset"] and key in self._producers}
        sources = {name for maker in makers for name in (maker, *self._after.ancestors(maker)) if self.is_source(name)}
        main_is_same = self._contents.of_step(self._producers.get(str(change["main_dataset"]), "")) == "same"
        found = [name for name in sources if name in self._notable or (main_is_same and name in self._all)]
        return found[0] if len(found) == 1 else None

    def of(self, node: str) -> list[Signal]:
        """Return the signals of a step, the strongest first."""
        return sorted(self._all.get(node, ()), key=lambda each: (not each.is_notable, -each.strength))

    def below(self, node: str) -> list[str]:
        """Return a step and those downstream, in their order."""
        return [name for name in self._places if name == node or node in self._after.ancestors(name)]

    def is_source(self, node: str) -> bool:
        """Return whether a step takes nothing that another one made, but a connection."""
        needs = self._after.depends_on.get(node) or ()
        return all(self._after.nodes.get(name, {}).get("layer") == "connect" for name in needs)

    def _origin(self, node: str, certainty: Certainty) -> Origin:
        return Origin(node, certainty, tuple(self.of(node)), self.is_source(node))

    def _begins(self, node: str) -> bool:
        upstream = [each for name in self._after.ancestors(node) for each in self._notable.get(name, ())]
        if not upstream or self._contents.of_inputs(node) == "same":
            return True
        own = self._notable[node]
        of_rows = [each for each in own if each.effect in OF_ROWS]
        if node in self._changed and (of_rows or _strongest(own) >= _strongest(upstream)):
            return True
        return any(not any(self._explains(each, one, node) for each in upstream) for one in of_rows)

    def _explains(self, cause: Signal, effect: Signal, node: str) -> bool:
        """Return whether a signal upstream may be the reason for another share of rows at a step.

        So many nulls, rows of a category or lost rows cost a step below as many rows at most. More or fewer rows of the
        same kind are none, if they are those of the main input, and the step judges each row by itself.
        """
        deciding = join_columns(self._after, node)
        if cause.column is not None and deciding and cause.column not in deciding:
            return False
        if cause.effect in _OF_SHARES:
            return effect.size <= _SLACK * cause.size + _LEAST
        if cause.effect not in OF_VOLUME:
            return True
        change = self._row_changes.get(node)
        if change is None or change["kind"] in _BY_COUNTS:
            return True
        main = change["main_dataset"]
        if effect.dataset is not None and effect.dataset != main:
            return True  # of fewer rows of the main input fewer match
        others = [key for key in object_of(self._after.nodes[node]["inputs"]).values() if key != main]
        makers = {self._producers[key] for key in others if key in self._producers}
        return not main or any(cause.node == name or cause.node in self._after.ancestors(name) for name in makers)

    def _weight(self, node: str, begin: Collection[str]) -> float:
        """Return the weight of a step at which a difference begins, against the others of these."""
        explained = self._size(node) + sum(
            self._size(name) for name in self._notable if name not in begin and self._explains_step(node, name)
        )
        same = self._contents.of_inputs(node) == "same"
        above = {
            (each.effect, each.column) for name in self._after.ancestors(node) for each in self._notable.get(name, ())
        }
        own = [each for each in self._notable[node] if (each.effect, each.column) not in above]
        return (
            _strongest(own)
            + _SAME_INPUTS * same
            + _CHANGED * (node in self._changed)
            + _COVERS * explained / sum(map(self._size, self._notable))
        )

    def _size(self, node: str) -> float:
        """Return the size of what is notable at a step."""
        return max(_LEAST, *(each.size for each in self._notable[node]))

    def _explains_step(self, node: str, below: str) -> bool:
        """Return whether a step may be the reason for what is notable at another one."""
        return node in self._after.ancestors(below) and any(
            self._explains(cause, effect, below) for cause in self._notable[node] for effect in self._notable[below]
        )

    def _others_are_same(self, node: str) -> bool:
        """Return whether a step is the only source with another content, and all other sources are the same."""
        sources = [name for name in self._places if self.is_source(name) and self._has_frames(name)]
        if node not in sources:
            return False
        return all(self._contents.of_step(name) == "same" for name in sources if name != node)

    def _has_frames(self, node: str) -> bool:
        return any(key[0] == node for key in self._after.frames)

    def _within_noise(self) -> Origin | None:
        """Return the first step that differs at all, if no difference is beyond the noise."""
        for name in self._places:  # a result that is another one, though the inputs are the same
            other = self._contents.of_step(name) == "other" or self._is_of_rows(name)
            if other and self._contents.of_inputs(name) == "same":
                return self._origin(name, "certain")
        sources = [name for name in self._places if self.is_source(name) and name in self._all]
        only = next((name for name in sources if self._others_are_same(name)), None)
        if only is not None:
            return self._origin(only, "possible")
        chosen = sources or [name for name in self._places if name in self._all]
        best = max(chosen, key=lambda name: (_strongest(self._all[name]), -self._places[name]), default=None)
        return None if best is None else self._origin(best, "possible")

    def _is_of_rows(self, node: str) -> bool:
        return any(each.effect in OF_ROWS for each in self._all.get(node, ()))


def join_columns(run: RunData, node: str) -> set[str]:
    """Return the columns that a join compares, of both sides; empty if they are unknown, or the step is none."""
    edges = [edge for edge in run.rows("edges") if edge["target"] == node and edge["join_keys"] is not None]
    return {name for edge in edges for key in list_of(edge["join_keys"]) for name in str(key).split(" = ")}


def _strongest(signals: Sequence[Signal]) -> float:
    return max((each.strength for each in signals), default=0.0)


def _ordered(run: RunData) -> list[str]:
    """Return the steps so that each is behind those that it needs, else in the order of the plan."""
    nodes: list[str] = list(run.nodes)
    depth: dict[str, Any] = {name: len(run.ancestors(name)) for name in nodes}
    return sorted(nodes, key=lambda name: (depth[name], nodes.index(name)))
