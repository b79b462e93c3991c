"""One body over every exporter: a new one is tested by its line in BUILTIN."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from odibi_core import plugins
from odibi_core.errors import MissingExtraError
from odibi_core.exporters import BUILTIN, Exporter, MetricsSnapshot
from odibi_core.metrics.manager import MetricsManager
from odibi_core.testing import an_event
from odibi_core.views.metrics.view import MetricsView

EVERY = pytest.mark.parametrize("name", sorted(BUILTIN))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIBRARIES = {"dataframe": "pandas", "parquet": "pyarrow"}


def hostile() -> MetricsManager:
    manager = MetricsManager()
    for name in ("../..\n\r\x00", '"}\n# TYPE', "=cmd|'/c calc'!A0", "é" * 500, "", "a@example.org"):
        manager.record_node_execution(name, 1.5, False, rows=2, cached=True)
        manager.increment(name, name, 1, {name: name})
        manager.set_gauge("g", name, float("nan"), {"token": "s3cr3t-canary"})
    return manager


@EVERY
def test_it_is_an_exporter(name: str) -> None:
    """It declares what it makes: a media type, a suffix, and whether it wants the raw measurements."""
    exporter = plugins.load("exporters", name)()
    assert isinstance(exporter, Exporter)
    assert "/" in exporter.content_type


@EVERY
def test_nothing_measured_is_something_to_export(name: str) -> None:
    """A scrape before the first measurement, and a view from a store, which knows no process."""
    assert MetricsManager().export(name) is not None
    assert plugins.load("exporters", name)().export(MetricsSnapshot(view=MetricsView(), at=NOW)) is not None


@EVERY
def test_whatever_was_measured_is_exported_without_secrets(name: str) -> None:
    """Names and labels may be anything; none breaks an export, and no secret is in it."""
    exported = hostile().export(name)
    content = exported.to_csv() if name == "dataframe" else exported
    text = content if isinstance(content, str) else content.decode("latin-1")
    assert "s3cr3t-canary" not in text
    assert "a@example.org" not in text


@EVERY
def test_it_changes_nothing(name: str) -> None:
    """Exporting is asking: the numbers are the same before and after."""
    manager = hostile()
    before = manager.answer()
    manager.export(name)
    assert manager.answer() == before


@pytest.mark.parametrize("name", sorted(set(BUILTIN) - set(LIBRARIES)))
def test_a_dead_run_exports_like_a_living_one(name: str) -> None:
    """From the events alone, as a store gives them back."""
    view, manager = MetricsView(), MetricsManager()
    for node in ("a", "b"):
        event = an_event("node_complete", node_name=node, duration_ms=2.0, row_count=5)
        view(event)
        manager(event)
    exporter = plugins.load("exporters", name)()
    with manager._reading() as live:
        snapshots = [MetricsSnapshot(view=each, at=NOW) for each in (view, live)]
        assert exporter.export(snapshots[0]) == exporter.export(snapshots[1])


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_a_missing_library_is_named_with_its_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library, the error names its extra."""
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    monkeypatch.delitem(sys.modules, f"odibi_core.exporters.{name}", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'odibi-core\["):
        MetricsManager().export(name)


@pytest.mark.parametrize("name", sorted(set(BUILTIN) - set(LIBRARIES)))
def test_it_needs_no_library(name: str) -> None:
    """Measuring and the exports of texts load nothing but what every install has."""
    code = (
        "import sys; import odibi_core.metrics.exporter; from odibi_core.metrics.manager import MetricsManager; "
        f"MetricsManager().export({name!r}); sys.exit(any(m in sys.modules for m in ('pandas', 'pyarrow', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class _Forgetful:
    """A broken exporter: it takes what it exports."""

    def export(self, measured: Any) -> str:
        measured.view.families.clear()
        return ""


def test_the_check_finds_an_exporter_that_changes_the_numbers() -> None:
    """The sabotage twin of `test_it_changes_nothing`."""
    manager = hostile()
    before = manager.answer()
    with manager._reading() as view:
        _Forgetful().export(MetricsSnapshot(view=view, at=NOW))
    assert manager.answer() != before
