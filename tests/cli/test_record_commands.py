"""`runs`, `logs`, `story`, `metrics`, `sql`: answers from the record, for people and for programs."""

import csv
import io
import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Here
from tests.cli.test_output import Terminal

from odibi_core import observe
from odibi_core.cli import app
from odibi_core.observability import get_logger, track_cost, track_performance
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


@pytest.fixture
def two_runs(here: Here, small: str) -> list[str]:
    """A run that succeeded, then one that failed; their ids."""
    here("run", small)
    here("run", f"{small}:failing")
    return RunStore(".odibi").ids()


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_runs_lists_the_newest_first(here: Here, two_runs: list[str]) -> None:
    """All runs, or the newest few, or those that ended in one way."""
    rows = json.loads(here("runs", "--format", "json").stdout)
    assert {row["run_id"] for row in rows} == set(two_runs)
    assert len(json.loads(here("runs", "-n", "1", "--format", "json").stdout)) == 1
    (failed,) = json.loads(here("runs", "--status", "failed", "--format", "json").stdout)
    assert failed["pipeline_name"] == "small-failing"
    shown = here("runs").stdout.splitlines()
    assert len(shown) == 3
    assert all(line == line.rstrip() for line in shown)


def test_an_empty_store_is_an_answer_and_no_error(here: Here) -> None:
    """No runs: an empty list, a notice on stderr, exit code 0."""
    done = here("runs", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])
    assert "no run" in here("runs").stderr


@pytest.mark.parametrize("asked", [["logs"], ["story"], ["metrics"], ["sql", "select 1", "--run"]])
def test_a_run_that_is_not_there_is_exit_code_3(here: Here, two_runs: list[str], asked: list[str]) -> None:
    """With the nearest that is."""
    done = here(*asked, "smal")
    assert done.exit_code == 3
    assert "the nearest is small" in done.stderr


def test_a_run_is_meant_by_its_id_a_part_of_it_its_pipeline_or_nothing(
    here: Here, two_runs: list[str]
) -> None:
    """The latest run by default."""
    good, bad = sorted(two_runs, key=lambda run: "failing" in run)
    for wanted in ([good], [good[-6:]], ["small"]):
        assert {entry["run_id"] for entry in _lines(here("logs", *wanted, "--format", "json").stdout)} == {
            good
        }
    assert {entry["run_id"] for entry in _lines(here("logs", bad, "--format", "json").stdout)} == {bad}
    assert here("logs").exit_code == 0


def test_logs_are_filtered_by_kind_step_level_and_time(here: Here, two_runs: list[str]) -> None:
    """--level error means that level and above; limits keep the last ones; --event takes the older name too."""

    def asked(*options: str) -> list[dict[str, Any]]:
        return _lines(here("logs", "small-failing", "--format", "json", *options).stdout)

    assert {entry["event_type"] for entry in asked("--event", "node_error")} == {"node_failed"}
    assert {entry["node_name"] for entry in asked("--node", "broken")} == {"broken"}
    assert {entry["level"] for entry in asked("--level", "warning")} == {"warning", "error"}
    assert asked("--since", "1h") == asked("--limit", "0")
    assert asked("--until", "1h") == []
    assert asked("--limit", "2") == asked("--limit", "0")[-2:]


def test_logs_for_people_leave_out_what_only_programs_read(here: Here, two_runs: list[str]) -> None:
    """Snapshots and metrics are shown when they are asked for."""
    assert "snapshot" not in here("logs").stdout
    assert "snapshot" in here("logs", "--event", "snapshot").stdout


def test_logs_take_the_time_that_they_print(here: Here, two_runs: list[str]) -> None:
    """`--since T --until T` with the time of any line shows that line, as text and JSON; the header names the zone."""

    def shown(*options: str) -> list[list[str]]:
        return [line.split() for line in here("logs", *options).stdout.splitlines()]

    head, *lines = shown()
    assert head[:2] == ["Time", "(UTC)"]
    for line in lines:
        assert line in shown("--since", line[0], "--until", line[0])
    for entry in _lines(here("logs", "--format", "json").stdout):
        time = entry["timestamp"]
        assert entry in _lines(here("logs", "--since", time, "--until", time, "--format", "json").stdout)
    assert here("logs", "--since", "25:00").exit_code == 2


def test_logs_of_an_earlier_day_take_its_times_too(here: Here) -> None:
    """A time without a date is of the day on which the run began; a run of several days shows dates."""
    store = RunStore(".odibi")
    start = datetime(2026, 1, 30, 23, 59, 58, 500_000, tzinfo=UTC)
    for pipeline, seconds in (("short", (0, 1)), ("long", (0, 1, 2))):
        run_id = store.new_run_id(pipeline, start)
        journal = store.open(run_id)
        for second in seconds:
            journal(an_event("tick", timestamp=start + timedelta(seconds=second), run_id=run_id, n=second))
        journal.close()
    assert [
        line.split()[0] for line in here("logs", "short", "--since", "23:59:59").stdout.splitlines()[1:]
    ] == ["23:59:59.500"]
    times = [line[:23] for line in here("logs", "long").stdout.splitlines()[1:]]
    assert times == ["2026-01-30 23:59:58.500", "2026-01-30 23:59:59.500", "2026-01-31 00:00:00.500"]
    assert len(here("logs", "long", "--since", times[2]).stdout.splitlines()) == 2


def test_logs_show_of_programs_what_their_live_log_shows(here: Here) -> None:
    """Names of operations, amounts, types of exceptions, the fields of lines; ids for programs are left out."""
    with observe("nightly"):
        track_cost("load orders", 2**30, 1.25, tags={"team": "data"})
        with suppress(ZeroDivisionError), track_performance("divide"):
            _ = 1 / 0
        get_logger("shop.import").info("orders_loaded", row_count=3, source="orders.csv")
    shown = here("logs").stdout
    for line, parts in {
        "cost": ("load orders", "cost_usd=1.25", "bytes_processed=1073741824"),
        "operation_failed": ("divide", "ZeroDivisionError: division by zero"),
        "orders_loaded": ("shop.import", "source=orders.csv", "3"),
    }.items():
        (found,) = [each for each in shown.splitlines() if f" {line} " in each]
        assert all(part in found for part in parts), found
    assert "operation_id" not in shown


@pytest.mark.parametrize("width", [80, 200])
def test_logs_and_runs_fit_a_terminal(
    width: int, here: Here, two_runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps, durations and errors can be read at any width."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    for asked, words in (
        (["logs", "small-failing"], ["node_failed", "broken", "ValueError: the amounts"]),
        (["runs"], ["small", "failed", "Started (UTC)", "3 read" if width == 80 else "Published"]),
    ):
        screen = Terminal()
        monkeypatch.setattr("sys.stdout", screen)
        app(asked, standalone_mode=False)
        seen = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
        assert max(map(len, seen.splitlines())) <= width
        flat = " ".join(seen.split())
        assert [word for word in words if word not in flat] == []


def test_runs_tell_the_rows_that_were_published_and_read(here: Here) -> None:
    """Not the sum over all steps, each of which only passes them on."""
    Path("shop.py").write_text(
        "from odibi_core import Step\n"
        "import pandas as pd\n"
        "pipeline = [\n"
        "    Step(name='orders', layer='ingest', value=lambda: pd.DataFrame({'n': range(10)}), outputs=['orders']),\n"
        "    Step(name='few', value=lambda orders: orders.head(4), inputs=['orders'], outputs=['few']),\n"
        "    Step(name='out', layer='publish', value='few.csv', inputs=['few']),\n"
        "]\n"
    )
    assert here("run", "shop.py").exit_code == 0
    (row,) = json.loads(here("runs", "--format", "json").stdout)
    assert (row["rows"], row["rows_read"]) == (4, 10)


def test_story_is_written_where_it_is_wanted(here: Here, two_runs: list[str]) -> None:
    """Into the run's folder by default; the path is the answer on stdout."""
    told = here("story").stdout.strip()
    assert Path(told).is_file()
    assert Path(told).parent.name in two_runs
    assert here("story", "small", "-o", "mine.html").stdout.strip() == str(Path("mine.html").absolute())
    assert here("story", "-o", "/dev/null/mine.html").exit_code == 4


def test_metrics_of_a_past_run_are_those_of_the_run(here: Here, two_runs: list[str]) -> None:
    """The metrics computed from the journal equal those that the run wrote at its end."""
    (good,) = (run for run in two_runs if "failing" not in run)
    live = (Path(".odibi/runs") / good / "metrics.prom").read_text().splitlines()
    past = here("metrics", good, "--format", "prometheus").stdout.splitlines()
    of_process = ("odibi_uptime", "odibi_process_")
    assert [line for line in live if not any(name in line for name in of_process)] == [
        line for line in past if not any(name in line for name in of_process)
    ]
    assert json.loads(here("metrics", "--format", "json").stdout)["summary"]["error_count"] == 1
    assert here("metrics").stdout.count("ODIBI CORE Metrics Report") == 1


def test_sql_answers_over_all_runs_or_one(here: Here, two_runs: list[str]) -> None:
    """As a table, as JSON with UTC timestamps, and as CSV, in which no text is a formula."""
    count = "select count(distinct run_id) as runs, max(timestamp) as last from logs"
    (row,) = json.loads(here("sql", count, "--format", "json").stdout)
    assert (row["runs"], row["last"][-1]) == (2, "Z")
    (row,) = json.loads(here("sql", count, "--format", "json", "--run", "small").stdout)
    assert row["runs"] == 1
    formulas = "select '=1+1' as a, -1 as b, null as c"
    assert list(csv.reader(io.StringIO(here("sql", formulas, "--format", "csv").stdout))) == [
        ["a", "b", "c"],
        ["'=1+1", "-1", ""],
    ]
    assert here("sql", "select 1.5 as x, null as y").stdout.split() == ["x", "y", "1.5", "null"]


@pytest.mark.parametrize(
    "query", ["drop table logs", "selct 1", "select nod_name from logs", "select 1; select 2", ""]
)
def test_a_question_that_cannot_be_answered_is_exit_code_2(
    here: Here, two_runs: list[str], query: str
) -> None:
    """In a sentence."""
    done = here("sql", query)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")


def test_damage_is_told_and_the_rest_is_read(here: Here, two_runs: list[str]) -> None:
    """A half line at the end and a line that is no event are counted on stderr; the answer stays parseable."""
    with (Path(".odibi/runs") / two_runs[-1] / "events" / "events.jsonl").open("ab") as file:
        file.write(b'no json\n{"timestamp": "2026-')
    done = here("logs", two_runs[-1], "--format", "json")
    assert _lines(done.stdout)
    assert "skipped 1 torn and 1 unreadable lines" in done.stderr


def test_recorded_health_reports_lines_that_could_not_be_read(here: Here, two_runs: list[str]) -> None:
    """As every command that reads the record."""
    with (Path(".odibi/runs") / two_runs[-1] / "events" / "events.jsonl").open("ab") as file:
        file.write(b'no json\n{"timestamp": "2026-')
    done = here("health", "--recorded", "--format", "json")
    assert json.loads(done.stdout)["checks"] == {}
    assert "skipped 1 torn and 1 unreadable lines" in done.stderr
