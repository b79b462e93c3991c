"""`ProducerIndex`: the nodes of an observed run, and the node that produced each frame.

A frame is found by its identity while it lives. A frame that was made from it is found by evidence
(`engines.frame_origin`), and such a link is probable. In containers, the frames are found.
"""

from __future__ import annotations

import functools
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from threading import Lock
from types import BuiltinFunctionType
from typing import Any, Final, NamedTuple

from odibi_core import _fork
from odibi_core.engines.frame import Description
from odibi_core.engines.frame_origin import Origin, is_traceable, most_alike

MAX_FRAMES: Final = 50
"""Frames of one call, and links of one node."""
MAX_ITEMS: Final = 1_000
"""Items of containers that are examined in one call."""
MAX_DEPTH: Final = 6
MAX_ORIGINS: Final = 200
"""The latest frames, among which the origin of a frame is searched."""


class Link(NamedTuple):
    """An input of a node: its name, the dataset and the node that it comes from, and if that is only probable."""

    name: str
    dataset: str
    node: str
    probable: bool


def frames_in(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the values in lists, tuples, dicts and dataclasses, each with its path; any other value itself.

    Depth and number are bounded.
    """
    left = MAX_ITEMS
    waiting = [(path, value, 0)]
    while waiting and left > 0:
        left -= 1
        where, item, depth = waiting.pop()
        members = _members(item) if depth < MAX_DEPTH else None
        if members is None:
            yield where, item
        else:
            waiting += [(f"{where}{step}", member, depth + 1) for step, member in members[:left]][::-1]


def _members(value: Any) -> list[tuple[str, Any]] | None:
    if isinstance(value, Mapping):
        return [(f".{key}" if isinstance(key, str) else f"[{key!r:.50}]", item) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{place}]", item) for place, item in enumerate(value[:MAX_ITEMS])]
    if is_dataclass(value) and not isinstance(value, type):
        return [(f".{field.name}", getattr(value, field.name, None)) for field in dataclass_fields(value)]
    return None


class _Node:
    """The inputs, outputs and dependencies of a node, over all its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.inputs: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self.depends_on: dict[str, bool] = {}
        """By node: True if the dependency is only probable."""


class ProducerIndex:
    """The nodes and frames of one run. It keeps no frame alive."""

    def __init__(self) -> None:
        self._producers: dict[int, tuple[weakref.ref[Any], str, str, Description | None]] = {}
        self._origins: OrderedDict[int, tuple[Origin, tuple[str, str]]] = OrderedDict()
        self._names: dict[tuple[str, Any], str] = {}
        self._functions: Counter[str] = Counter()
        """By name: its functions."""
        self._nodes: dict[str, _Node] = {}
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Make the lock: at the start, and in a forked child, because another thread may have held it."""
        self._lock = Lock()

    def begin_call(self, name: str, function: Callable[..., Any]) -> tuple[str, int]:
        """Return the name of a function's node and the number of this call, from 1.

        Each function has one node. A second function of the same name is the node `clean (2)`.
        """
        key = (name, _code_of(function))
        with self._lock:
            if key not in self._names:
                same = self._functions[name] = self._functions[name] + 1
                self._names[key] = label = f"{name} ({same})" if same > 1 else name
                self._nodes[label] = _Node()
            label = self._names[key]
            self._nodes[label].calls += 1
            return label, self._nodes[label].calls

    def remember(self, frame: Any, dataset: str, node: str, description: Description | None = None) -> None:
        """Keep the node that made a frame; values without weak references are left out."""
        place, producers = id(frame), self._producers
        try:
            reference = weakref.ref(frame, lambda _: producers.pop(place, None))
        except TypeError:
            return
        producers[place] = (reference, dataset, node, description)
        if is_traceable(frame):
            origin = Origin(frame)  # outside the lock: it runs code of the frame's library
            with self._lock:
                self._origins[place] = (origin, (dataset, node))
                self._origins.move_to_end(place)
                while len(self._origins) > MAX_ORIGINS:
                    self._origins.popitem(last=False)

    def link_of(self, name: str, value: Any, node: str) -> Link | None:
        """Return the origin of a value that a node takes; None if it is unknown, or the node itself."""
        found = self._producers.get(id(value))
        if found is not None and found[0]() is value:
            return None if found[2] == node else Link(name, found[1], found[2], False)
        if not is_traceable(value):
            return None
        with self._lock:
            latest_first = [known for known in reversed(self._origins.values()) if known[1][1] != node]
        origin = most_alike(value, latest_first)
        return None if origin is None else Link(name, *origin, True)

    def producer_of(self, value: Any) -> tuple[str, str] | None:
        """Return the dataset and the node of this very frame; None if no node made it."""
        found = self._producers.get(id(value))
        return (found[1], found[2]) if found is not None and found[0]() is value else None

    def description_of(self, frame: Any) -> Description | None:
        """Return the description of this frame from when it was made."""
        found = self._producers.get(id(frame))
        return found[3] if found is not None and found[0]() is frame else None

    def plan(self, node: str, links: list[Link], outputs: dict[str, str]) -> dict[str, Any] | None:
        """Add the inputs and outputs of a call to the plan of its node; return the plan if that changed it."""
        known = self._nodes[node]
        before = (dict(known.inputs), dict(known.outputs), dict(known.depends_on))
        with self._lock:
            for link in links:
                self._add_link(known, link)
            if outputs and "out" not in outputs:
                known.outputs.pop("out", None)  # it returned a container of frames
            for name, dataset in outputs.items():
                if len(known.outputs) < MAX_FRAMES:
                    known.outputs[name] = dataset
            changed = known.calls == 1 or before != (known.inputs, known.outputs, known.depends_on)
        if not changed:
            return None
        return {
            "name": node, "type": "function", "inputs": dict(known.inputs), "outputs": dict(known.outputs),
            "depends_on": list(known.depends_on),
            "probable": [name for name, probable in known.depends_on.items() if probable],
        }  # fmt: skip

    @staticmethod
    def _add_link(known: _Node, link: Link) -> None:
        probable = link.probable and known.depends_on.get(link.node, True)
        if link.node in known.depends_on or len(known.depends_on) < MAX_FRAMES:
            known.depends_on[link.node] = probable
        if link.dataset in known.inputs.values() or len(known.inputs) >= MAX_FRAMES:
            return
        label, number = link.name, 1
        while label in known.inputs:
            number += 1
            label = f"{link.name} ({number})"
        known.inputs[label] = link.dataset


def _code_of(function: Any) -> Any:
    """Return the identity of a function's source: closures of a loop share it, and so do methods of two objects."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    if code is not None:
        return code
    return function if isinstance(function, type | BuiltinFunctionType) else type(function)
