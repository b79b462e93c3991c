"""`odibi history`: a pipeline over its last runs, in the terminal, as JSON and as a page."""

import json
import re
from pathlib import Path

import pytest
from tests.cli.conftest import Here
from tests.cli.test_output import Terminal
from tests.history.stores import events_of, write_run, write_runs

from odibi_core.cli import app
from odibi_core.cli.sparklines import sparkline


@pytest.fixture
def ten() -> list[str]:
    """Ten runs of `daily`; the fifth and the tenth failed in `clean`, and every second one failed a check."""
    return write_runs(Path(".odibi"), 10)


def test_a_sparkline_begins_at_zero() -> None:
    """So a change of one percent looks like one; unknown values are no zeros."""
    assert sparkline([100, 101, 99]) == "███"
    assert sparkline([0, 1, 50, None, 100]) == "▁▂▅·█"
    assert sparkline([0, 100, None], unicode=False) == "_# "
    assert sparkline([None, None]) == "··"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
    assert set(sparkline([1e-300, 1e300, 5e-324])) <= set("▁▂▃▄▅▆▇█")


def test_history_shows_each_step_over_time(here: Here, ten: list[str]) -> None:
    """A character for each run, the newest right; a run without a figure is a dot."""
    lines = here("history", "daily").stdout.splitlines()
    assert lines[:2] == ["daily", "10 runs, 2026-01-01 04:00:00 to 2026-01-10 04:00:00 (UTC)"]
    rows = [line.split() for line in lines[4:]]
    assert rows[0][:4] == ["all", "steps", "status", "✓✓✓✓✗✓✓✓✓✗"]
    at = next(place for place, row in enumerate(rows) if row[0] == "clean")
    assert rows[at][1:] == ["status", "✓✓✓✓✗✓✓✓✓✗", "2", "not", "ok"]
    assert rows[at + 1] == ["rows", "████·████·", "92", "96"]
    assert rows[at + 3][:2] == ["checks", "✓✗✓✗✓✗✓✗✓✗"]
    assert next(row for row in rows if row[0] == "load")[1:] == ["rows", "██████████", "100", "100", "100"]


def test_history_is_chosen(here: Here, ten: list[str]) -> None:
    """The number of runs, the time before which they started, and one step; the newest plan orders the steps."""
    asked = here("history", "daily", "--last", "3", "--before", "2026-01-05T12:00:00Z", "--format", "json")
    document = json.loads(asked.stdout)
    assert [run["run_id"] for run in document["runs"]] == ten[2:5]
    assert (document["runs_in_all"], [step["node_name"] for step in document["steps"]]) == (5, ["load", "clean"])
    assert [cell["rows_out"] for cell in document["steps"][1]["runs"]] == [98, 97, None]
    (step,) = json.loads(here("history", "--step", "clean", "--format", "json").stdout)["steps"]
    assert (step["node_name"], len(step["runs"])) == ("clean", 10)


def test_history_of_what_is_not_there(here: Here) -> None:
    """No run is a notice; an unknown pipeline is exit code 3 with the nearest one."""
    assert "no run" in here("history").stderr
    assert json.loads(here("history", "--format", "json").stdout) == {}
    write_runs(Path(".odibi"), 1)
    done = here("history", "dailly")
    assert (done.exit_code, "did you mean 'daily'" in done.stderr) == (3, True)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_history_fits_a_terminal(
    width: int, here: Here, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a narrow terminal the sparkline has the newest runs alone, and a notice has the number."""
    long = [event for day in range(10, 60) for event in events_of(f"r{day}", day=day)]
    for day in range(10, 60):
        write_run(Path(".odibi"), f"r{day}", [event for event in long if event.run_id == f"r{day}"])
    monkeypatch.setenv("COLUMNS", str(width))
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    app(["history", "daily", "--last", "60"], standalone_mode=False)
    seen = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert max(map(len, seen.splitlines())) <= width
    assert ("█" * 50 in seen) == (width == 200)
    assert "…" not in seen
    assert "clean" in seen


def test_the_page_is_one_file_with_the_grid_as_its_document(here: Here, ten: list[str]) -> None:
    """It loads nothing; names and errors are data, in the document and in the part without JavaScript."""
    bad = "<script>alert(1)</script>"
    write_run(Path(".odibi"), "bad", events_of("bad", bad, status="failed"))
    assert here("history", "daily", "-o", "h.html").stdout.strip() == str(Path("h.html").absolute())
    page = Path("h.html").read_text()
    document = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    clean = next(step for step in document["steps"] if step["name"] == "clean")
    assert sum(cell[0] == "failed" for step in document["steps"] for cell in step["cells"] if cell) >= 4
    assert clean["cells"][4] == ["failed", None, 2.0, "success", "row 4 is bad"]
    assert document["runs"][4]["started"] == "2026-01-05 04:00"
    assert not re.search(r"https?://(?!www.w3.org/2000/svg)|style=|\son\w+=", page)
    here("history", bad, "-o", "bad.html")
    assert Path("bad.html").read_text().count("<script") == 2
    assert "&lt;script&gt;" in Path("bad.html").read_text()
    assert here("history", "daily", "-o", "/dev/null/h.html").exit_code == 4
