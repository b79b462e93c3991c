"""The unusual findings in the summary of a run: amber, with what follows; muted ones are only counted."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from odibi_core.cli.unusual import Findings
from odibi_core.testing import an_event


def shown(*events: dict[str, Any], width: int = 200) -> str:
    """Return the lines of these findings."""
    findings = Findings()
    for fields in events:
        findings(an_event("anomaly", level="warning", **fields))
    file = io.StringIO()
    Console(file=file, width=width).print(*findings.lines(Console(file=file)), sep="\n")
    return file.getvalue()


def test_a_finding_is_shown_with_what_follows_and_how_to_acknowledge_it() -> None:
    """The finding upstream is the line; the one downstream is under it."""
    text = shown(
        {"alert_id": "a1", "node_name": "load", "message": "load: no rows; usually 600"},
        {"alert_id": "a2", "node_name": "join", "message": "join: no rows; usually 600", "follows_from": "a1"},
    )
    assert "1 unusual finding" in text
    assert text.index("load: no rows") < text.index("follows: join: no rows")
    assert "odibi ack a1" in text


def test_the_wrapped_lines_of_a_finding_are_indented() -> None:
    """A line that begins at the edge is a new finding."""
    message = "load: rows is 24, expected 72 (29 to 175; the median of 18 runs); the source changed"
    events = [{"alert_id": "a1", "message": message}, {"alert_id": "a2", "message": message, "follows_from": "a1"}]
    first, *others = [line for line in shown(*events, width=60).splitlines() if line.strip()]
    assert first.startswith("! 1 unusual finding")
    assert len(others) == 5
    assert all(line.startswith("  ") for line in others)


def test_a_usual_run_has_no_line() -> None:
    """Neither without findings nor with muted ones alone is there anything to show."""
    assert shown() == shown({"alert_id": "a1", "message": "m", "muted": True})
    assert "m" not in shown({"alert_id": "a1", "message": "m", "muted": True})


def test_what_follows_from_a_muted_finding_is_shown() -> None:
    """A mute hides no more than it covers: the first consequence stands for its cause, the others are under it."""
    text = shown(
        {"alert_id": "a1", "message": "load: no rows", "muted": True},
        {"alert_id": "a2", "message": "join: no rows", "follows_from": "a1"},
        {"alert_id": "a3", "message": "kept: no rows", "follows_from": "a1"},
    )
    assert "1 unusual finding" in text
    assert "1 muted" in text
    assert "load: no rows" not in text
    assert text.index("join: no rows") < text.index("follows: kept: no rows")


def test_many_findings_are_cut_and_counted() -> None:
    """A run in which everything changed does not fill the terminal."""
    text = shown(*({"alert_id": f"a{number}", "message": f"finding {number}"} for number in range(14)))
    assert "14 unusual findings" in text
    assert "and 4 more: `odibi watch` lists them" in text
