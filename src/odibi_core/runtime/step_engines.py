"""The engines of the steps of a run: one object of each, and the frames that a function gets from it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from odibi_core import plugins
from odibi_core.engines.frame import is_frame
from odibi_core.pipeline import Step

AS_THEY_ARE: Final = frozenset({"pandas", "polars"})
"""Engines of a pipeline whose functions get frames as the steps before made them, unless the step names its engine."""


class Engines:
    """The engine objects of one run in one process. All steps share them, in any thread."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """Return the engine of this name.

        Raises:
            MissingExtraError: Its library is not installed.
        """
        if name not in self._made:
            self._made.setdefault(name, plugins.load("engines", name)())
        return self._made[name]

    def handed(self, step: Step, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs of a function as frames of its engine; other values are returned as they are."""
        if not converts(step, name):
            return inputs
        return {key: self.get(name).frame(value) if is_frame(value) else value for key, value in inputs.items()}

    def settled(self, name: str, made: dict[str, Any], wanted: Collection[str] | None = None) -> dict[str, Any]:
        """Return frames of which the plans of a lazy engine are executed, by one execution.

        Args:
            name: The engine of the step.
            made: The frames that the step made, by logical name.
            wanted: The names of those to execute; all by default.
        """
        engine = self.lazy(name)
        plans = [] if engine is None else [
            key for key, frame in made.items() if engine.is_plan(frame) and (wanted is None or key in wanted)
        ]  # fmt: skip
        if engine is None or not plans:
            return made
        rows = engine.collected([made[key] for key in plans])
        return {**made, **dict(zip(plans, rows, strict=True))}

    def brought(self, step: Step, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs of a step with the rows of plans that its engine takes from an engine that counts late."""
        makers = [engine for other, engine in self._made.items() if other != name and hasattr(engine, "late")]
        if not makers or (step.operation == "call" and not converts(step, name)) or step.operation == "read":
            return inputs
        return {key: next((each.arrow(value) for each in makers if each.is_plan(value)), value)
                for key, value in inputs.items()}  # fmt: skip

    def turn(self, step: Step, name: str) -> AbstractContextManager[Any]:
        """Return the turn of a function that gets frames of an engine, if the engine has one query at a time."""
        turn = getattr(self.get(name), "turn", nullcontext) if converts(step, name) else nullcontext
        return turn()

    def lazy(self, name: str) -> Any:
        """Return the engine of this name if its frames may be plans that it collects, else None."""
        engine = self.of_plans(name)
        return engine if hasattr(engine, "collected") else None

    def of_plans(self, name: str) -> Any:
        """Return the engine of this name if its frames may be plans, else None."""
        if name in AS_THEY_ARE:
            return None
        engine = self.get(name)
        return engine if hasattr(engine, "is_plan") else None


def converts(step: Step, engine: str) -> bool:
    """Return whether a step is a function that gets its frames from an engine."""
    return step.operation == "call" and (step.engine is not None or engine not in AS_THEY_ARE)
