"""The values of the variables of a script: frames, containers of frames, and what was computed from frames."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Final, Literal

from odibi_core.engines.frame import is_frame
from odibi_core.runtime.producer_index import frames_in
from odibi_core.runtime.recording.statements import NO_KEY, Path, Target

Kind = Literal["frame", "container", "other", "nothing"]
_CONTAINERS: Final = (list, tuple, dict)
_NOTHING: Final = (
    int, float, complex, str, bytes, bool, type(None), type, ModuleType, FunctionType, MethodType, BuiltinFunctionType,
)  # fmt: skip
MISSING: Final = object()
MOST_IN_CONTAINER: Final = 50
MOST_ITEMS: Final = 200
"""Items of a container that are examined for one statement."""


class Kinds:
    """The kinds of values, by their type: each type is examined once."""

    def __init__(self) -> None:
        self._known: dict[type, Kind] = {}

    def of(self, value: object) -> Kind:
        """Return the kind of a value."""
        kind = type(value)
        if kind not in self._known:
            self._known[kind] = self._examined(value)
        return self._known[kind]

    @staticmethod
    def _examined(value: object) -> Kind:
        if isinstance(value, _NOTHING):
            return "nothing"
        if isinstance(value, _CONTAINERS):
            return "container"
        return "frame" if is_frame(value) else "other"

    def frames(self, label: str, value: object) -> Iterator[tuple[str, Any]]:
        """Yield a frame itself, and the frames in a list, a tuple or a dict, each with its label."""
        kind = self.of(value)
        if kind == "frame":
            yield label, value
        elif kind == "container" and value:
            left = MOST_IN_CONTAINER
            for path, item in frames_in(_first_items(value), label):
                if left and self.of(item) == "frame":
                    left -= 1
                    yield path, item


def _first_items(value: Any) -> Any:
    if len(value) <= MOST_ITEMS:
        return value
    if isinstance(value, dict):
        return {key: value[key] for _, key in zip(range(MOST_ITEMS), list(value), strict=False)}
    return value[-MOST_ITEMS:]


class Variables:
    """The variables that are visible in a frame of the script."""

    def __init__(self, frame: FrameType, kinds: Kinds) -> None:
        self._global: Mapping[str, Any] = frame.f_globals
        self._local: Mapping[str, Any] = frame.f_locals
        self._kinds = kinds

    def at(self, path: Path) -> tuple[str, Any]:
        """Return the value of a path, that of a frame on the way, or `MISSING`, with the names that lead to it.

        No code of a property is run.
        """
        name, *attributes = path
        value, label = self._local.get(name, MISSING), name
        if value is MISSING:
            value = self._global.get(name, MISSING)
        for attribute in attributes:
            if value is MISSING or self._kinds.of(value) != "other":
                break
            try:
                inside = vars(value)
            except TypeError:
                break  # it has no attributes of its own
            if attribute not in inside:
                break
            value, label = inside[attribute], f"{label}.{attribute}"
        return label, value

    def of_target(self, target: Target) -> Any:
        """Return the value that a statement set; `MISSING` if it cannot be looked up without running code."""
        label, value = self.at(target.path)
        if target.key is NO_KEY:
            return value if label == ".".join(target.path) else MISSING  # else it is the frame around an attribute
        key = self.at((target.key.id,))[1] if isinstance(target.key, ast.Name) else target.key
        if type(value) not in (dict, list):
            return MISSING
        try:
            return value[key]
        except (LookupError, TypeError):
            return MISSING


def as_it_is(frame: Any) -> Any:
    """Return a frame with the same columns, which stays as it is if the other one is changed; None if that costs more.

    pandas copies on write from version 3 on, and polars shares columns.
    """
    kind = type(frame)
    if kind.__name__ != "DataFrame":
        return None
    if kind.__module__.partition(".")[0] == "polars":
        return frame.clone()
    pandas = sys.modules.get("pandas")
    if pandas is not None and kind is pandas.DataFrame and int(pandas.__version__.partition(".")[0]) >= 3:
        return frame.copy(deep=False)
    return None


def mark_of(frame: Any) -> tuple[Any, ...] | None:
    """Return what a change of rows or columns in place changes: the shape and the objects of the labels."""
    try:
        return frame.shape, getattr(frame, "columns", None), getattr(frame, "index", None)
    except Exception:  # a lazy frame has no shape, and cannot be changed in place
        return None


def is_same_mark(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> bool:
    """Return whether two marks are those of an unchanged frame."""
    if one is None or other is None:
        return True
    columns = one[1] is other[1] or (isinstance(one[1], list) and one[1] == other[1])
    return one[0] == other[0] and columns and one[2] is other[2]
