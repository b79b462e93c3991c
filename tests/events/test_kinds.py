"""The one vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_core.events import LogLevel, kinds
from odibi_core.events.kinds import canonical, level_name, severity
from odibi_core.logs.structured_logger import StructuredLogger


def test_every_constant_is_its_own_name() -> None:
    """`kinds.NODE_START == "node_start"`: the kind is the event_type is the hook's name."""
    own = {
        name: value
        for name, value in vars(kinds).items()
        if name.isupper() and isinstance(value, str) and name != "EVERYTHING"
    }
    assert own
    assert all(value == name.lower() for name, value in own.items())


def test_node_error_is_node_failed() -> None:
    """The older name leads to the one that is kept; any other kind is its own."""
    assert canonical("node_error") == "node_failed"
    assert canonical("my_event") == "my_event"


def test_levels_are_texts() -> None:
    """`LogLevel` is a `str` enum, so that it compares with what a line holds."""
    assert [level.value for level in LogLevel] == ["debug", "info", "warning", "error", "critical"]
    assert str(LogLevel.INFO) == "info"
    assert isinstance(LogLevel.INFO, str)


@pytest.mark.parametrize(
    ("given", "rank", "name"),
    [
        ("debug", 10, "debug"),
        ("WARN", 30, "warning"),
        (LogLevel.ERROR, 40, "error"),
        ("fatal", 50, "critical"),
        ("nonsense", 20, "info"),
        (None, 20, "info"),
        ([], 20, "info"),
    ],
)
def test_a_level_by_any_usual_spelling(given: object, rank: int, name: str) -> None:
    """As the standard library ranks them; what is unknown counts as info."""
    assert severity(given) == rank
    assert level_name(given) == name


@pytest.mark.parametrize("given", ["warn", "WARN", "warning", LogLevel.WARNING])
def test_a_query_takes_a_level_by_any_usual_spelling(given: str, tmp_path: Path) -> None:
    """As every other place that takes a level; an unknown one matches nothing."""
    logger = StructuredLogger("x", log_dir=tmp_path)
    logger.warning("a")
    logger.info("b")
    assert [entry["event_type"] for entry in logger.query_logs(level=given)] == ["a"]
    assert logger.query_logs(level="nosuch") == []
