"""Emit to 1 and to 20 hooks. odibi-core isolates each hook and gives it its own dict.

The peers pass one object to all, and the first hook that raises stops the rest: less work, as their rows note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement

DATA = {"step_name": "clean", "node_name": "clean", "duration_ms": 12.5, "row_count": 1042, "cache_hit": False}
KIND = "node_complete"


def _hooks(count: int) -> list[Callable[..., None]]:
    def make(_: int) -> Callable[..., None]:
        def hook(data: Any) -> None:
            return None

        return hook

    return [make(number) for number in range(count)]


def _ours(count: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.observability import EventBus

        with EventBus() as bus:
            for number, hook in enumerate(_hooks(count)):
                bus.register_hook(KIND, hook, name=f"hook-{number}")
            yield statement("emit(kind, data)", emit=bus.emit, kind=KIND, data=DATA)

    return prepare


def _blinker(count: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        import blinker

        signal, hooks = blinker.Signal(KIND), _hooks(count)
        for hook in hooks:
            signal.connect(hook)  # weakly: `hooks` below keeps them alive
        yield statement("send(data)", send=signal.send, data=_Sender(DATA), hooks=hooks)

    return prepare


class _Sender(dict[str, Any]):
    """blinker's sender is looked up by hash, which a plain dict has not."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def _pluggy(count: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        import pluggy

        class Spec:
            @pluggy.HookspecMarker("bench")
            def node_complete(self, data: Any) -> None: ...

        class Plugin:
            @pluggy.HookimplMarker("bench")
            def node_complete(self, data: Any) -> None:
                return None

        manager = pluggy.PluginManager("bench")
        manager.add_hookspecs(Spec)
        for _number in range(count):
            manager.register(Plugin())
        yield statement("call(data=data)", call=manager.hook.node_complete, data=DATA)

    return prepare


def _pyee(count: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from pyee.base import EventEmitter

        emitter = EventEmitter()
        for hook in _hooks(count):
            emitter.on(KIND, hook)
        yield statement("emit(kind, data)", emit=emitter.emit, kind=KIND, data=DATA)

    return prepare


def _bare_loop(count: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        hooks = _hooks(count)

        def emit(data: dict[str, Any]) -> None:
            for hook in hooks:
                try:
                    hook(data)
                except Exception:
                    continue

        yield statement("emit(data)", emit=emit, data=DATA)

    return prepare


def works(quick: bool) -> list[Work]:
    return [_emit(1, 1.0), _emit(20, 6.0)]


def _emit(count: int, limit: float) -> Work:
    shared = "one object for all, no isolation"
    return Work(
        f"emit to {count} hook{'s' if count > 1 else ''}",
        "µs",
        [
            Contender("odibi-core", _ours(count), "ours", "isolated, a dict for each"),
            Contender("blinker", _blinker(count), note=shared),
            Contender("pluggy", _pluggy(count), note=shared),
            Contender("pyee", _pyee(count), note=shared),
            Contender("a loop with try", _bare_loop(count), "floor", "isolated, one dict for all"),
        ],
        [Target(limit)],
    )
