"""The daily flights: the files of each day, the staged faults, and what each does to the rows."""

from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from odibi_core import Orchestrator
from odibi_core.pipeline.loader import load_module

DAILY = Path(__file__).resolve().parents[2] / "examples" / "flights" / "daily.py"
DAY = date(2013, 11, 5)


@pytest.fixture(scope="module")
def daily() -> ModuleType:
    return load_module(str(DAILY))


@pytest.fixture
def delivered(daily: ModuleType, tmp_path: Path) -> Path:
    daily.deliver(tmp_path / "delivered", [DAY])
    return tmp_path / "delivered"


def _rows(daily: ModuleType, delivered: Path, *, changed: bool = False) -> dict[str, int | None]:
    steps = daily.build(str(delivered.parent / "out"), changed=changed)
    result = Orchestrator(steps, params=daily.parameters(DAY, delivered), store=False).execute()
    return {name: node["row_count"] for name, node in result["nodes"].items()}


def test_a_delivery_has_the_flights_and_the_weather_of_its_day(daily: ModuleType, delivered: Path) -> None:
    """967 flights were scheduled, and three airports report each hour."""
    rows = _rows(daily, delivered)
    assert (rows["read_flights"], rows["read_weather"]) == (967, 72)
    assert rows["join_weather"] == rows["drop_cancelled"] == 961


def test_without_the_weather_of_two_airports_the_join_loses_their_flights(daily: ModuleType, delivered: Path) -> None:
    """The step succeeds: only its rows show the fault."""
    daily.spoil(delivered, DAY, daily.NO_WEATHER)
    rows = _rows(daily, delivered)
    assert rows["read_weather"] == 24
    assert rows["join_weather"] is not None
    assert rows["join_weather"] < 400


def test_a_renamed_column_changes_no_rows(daily: ModuleType, delivered: Path) -> None:
    """The column is not used, so that nothing fails."""
    before = _rows(daily, delivered)
    daily.spoil(delivered, DAY, daily.RENAMED)
    assert "humidity" in (delivered / DAY.isoformat() / "weather.csv").read_text(encoding="utf-8").partition("\n")[0]
    assert _rows(daily, delivered) == before


def test_the_changed_code_drops_short_flights(daily: ModuleType, delivered: Path) -> None:
    """The step keeps its name."""
    assert (_rows(daily, delivered, changed=True)["drop_cancelled"] or 0) < 961


def test_a_slow_delivery_is_waited_for(
    daily: ModuleType, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By as many seconds as its file has."""
    waited: list[float] = []
    # The name in the module alone: without `time.sleep`, threads of other tests that poll would fill the list for ever.
    monkeypatch.setattr(daily, "time", SimpleNamespace(sleep=waited.append))
    daily.spoil(delivered, DAY, daily.SLOWER)
    _rows(daily, delivered)
    assert waited == [2.0]
