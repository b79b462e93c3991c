"""One test over every built-in sink and hook: each loads by name, and takes any event of a run."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from odibi_core import plugins
from odibi_core.bus.bus import EventBus
from odibi_core.metrics.manager import MetricsManager
from odibi_core.sinks import BUILTIN
from odibi_core.testing import an_event

HOOKS = sorted(name for name, target in BUILTIN.items() if target.endswith("_hook"))


def made(name: str, folder: Path) -> Any:
    """A sink with nothing but what it cannot do without."""
    factory = plugins.load("sinks", name)
    needed = [
        p for p in inspect.signature(factory).parameters.values() if p.default is inspect.Parameter.empty
    ]
    return factory(*[folder for _ in needed])


@pytest.mark.parametrize("name", BUILTIN)
def test_it_loads_by_name_and_has_words(name: str, tmp_path: Path) -> None:
    """A lazy line in the family's table, and a docstring with its use."""
    assert name in plugins.names("sinks")
    assert callable(made(name, tmp_path))
    assert inspect.getdoc(plugins.load("sinks", name))


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("end", ["pipeline_complete", "pipeline_error"])
def test_a_hook_takes_both_ends_of_a_run_whatever_they_hold(name: str, end: str, tmp_path: Path) -> None:
    """All keys, no keys, keys of None: it is called once and does not fail."""
    for data in (
        {},
        {
            "pipeline_name": None,
            "duration_ms": None,
            "failed_count": None,
            "success_count": None,
            "error": None,
        },
        {
            "pipeline_name": "p\n\x1b[31m",
            "duration_ms": 5,
            "failed_count": 2,
            "success_count": 1,
            "error": "bad",
        },
    ):
        bus = EventBus()
        bus.attach_live(metrics_manager=MetricsManager())
        hook = bus.register_hook("pipeline_complete", made(name, tmp_path))
        bus.emit(end, data)
        assert (hook.calls, bus.failures) == (1, {})


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_writes_nothing_when_it_is_made(name: str, tmp_path: Path) -> None:
    """Constructors do no surprise I/O."""
    made(name, tmp_path / "not there")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BUILTIN)
def test_it_takes_any_event(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sink receives everything, and so does a hook that is registered for everything."""
    sink, bus = made(name, tmp_path), EventBus()
    if name not in HOOKS:
        sink(an_event("x", message="m\x1b[2J", duration_ms="long", row_count="many", error="e"))
        written = capsys.readouterr()
        assert "\x1b[2J" not in written.err + written.out
    else:
        bus.register_hook("*", sink)
        for kind in ("x", "node_failed", "pipeline_start"):
            bus.emit(kind, {"failed_count": 0})
        assert bus.failures == {}
