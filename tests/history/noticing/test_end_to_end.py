"""Thirty daily runs of a real pipeline with five faults: the record, the summary, `watch`, `ack` and `mute` agree."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.history.noticing.daily import Day, run_day
from typer.testing import CliRunner, Result

from odibi_core import history
from odibi_core.cli import app
from odibi_core.cli.exits import NOT_FOUND, SUCCESS, UNUSUAL, USAGE
from odibi_core.events.clock import utc_now
from odibi_core.history.index import Index
from odibi_core.history.noticing.notes import Notes

FAULTS = {12: "weather", 17: "renamed", 21: "code", 25: "slow", 26: "slow"}
MISSED = 19
EXPECTED = {
    (12, "unusual", "weather", "rows"),
    (17, "unusual", "flights", "schema"),
    (MISSED, "missed", None, "cadence"),
    (21, "unusual", "late", "rows"),
    (26, "unusual", "flights", "duration"),
}
Command: TypeAlias = Callable[..., Result]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """Thirty daily runs, the last one an hour ago; the store and the start of the first."""
    root = tmp_path_factory.mktemp("daily") / ".odibi"
    begin = (utc_now() - timedelta(days=29, hours=1)).replace(microsecond=0)
    for number in range(30):
        if number != MISSED:
            run_day(Day(number, FAULTS.get(number, ""), begin), str(root))
    return root, begin


@pytest.fixture
def store(recorded: tuple[Path, datetime], tmp_path: Path) -> tuple[Path, datetime]:
    """A copy of the recorded store."""
    root, begin = recorded
    return Path(shutil.copytree(root, tmp_path / "store")), begin


@pytest.fixture
def odibi(store: tuple[Path, datetime]) -> Command:
    """Run a command on the copied store."""
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--store", str(store[0])])


def alerts(odibi: Command, *options: str) -> list[dict[str, Any]]:
    """Return the alerts that `watch` lists."""
    done = odibi("watch", "--since", "40d", "--format", "json", *options)
    found: list[dict[str, Any]] = json.loads(done.stdout)["alerts"]
    assert done.exit_code == (UNUSUAL if [each for each in found if not options] else done.exit_code)
    return found


def summarized(found: list[dict[str, Any]], begin: datetime) -> set[tuple[int, str, str | None, str]]:
    """Return each alert as the day of its run, its kind, its step and its family."""
    days = [(datetime.fromisoformat(each["at"]) - begin + timedelta(hours=2)).days for each in found]
    rest = [(each["kind"], each["node_name"], each["family"]) for each in found]
    return {(day, *about) for day, about in zip(days, rest, strict=True)}


def test_watch_names_exactly_the_five(odibi: Command, store: tuple[Path, datetime]) -> None:
    """One alert for each fault, on its day, at its step; none for the other twenty-four runs."""
    found = alerts(odibi)
    assert summarized(found, store[1]) == EXPECTED
    assert len(found) == len(EXPECTED)
    by_family = {each["family"]: each for each in found}
    assert by_family["rows"]["message"].startswith(("weather: 24 rows, expected 72 (", "late: "))
    follows = str([each["follows"] for each in found if each["node_name"] == "weather"])
    assert "% of the rows of flights found a match in the join, expected 100 %" in follows
    assert any("source of the step changed" in each["message"] for each in found if each["node_name"] == "late")


def test_a_missed_run_is_noted_once(odibi: Command, store: tuple[Path, datetime]) -> None:
    """However often `watch` runs, the notes have one event for each missed run."""
    for _ in range(3):
        alerts(odibi)
    assert len(Notes.read(store[0]).missed) == 1
    lines = [path.read_text(encoding="utf-8") for path in (store[0] / "notes").glob("*.jsonl")]
    assert "".join(lines).count("run_missed") == 1


def test_the_text_of_watch(odibi: Command) -> None:
    """A person reads the pipeline, the finding, what follows, and the state of each pipeline."""
    done = odibi("watch", "--since", "40d")
    assert done.exit_code == UNUSUAL
    assert "column distance is now called miles" in done.stdout
    assert "did not run: due" in done.stdout
    assert "5 alerts" in done.stdout
    assert "flights_daily" in done.stdout
    assert "daily" in done.stdout


def test_nothing_recent_is_exit_code_0(odibi: Command) -> None:
    """The last two days were usual: cron stays silent."""
    done = odibi("watch", "--since", "1d")
    assert done.exit_code == SUCCESS, done.stdout
    assert "nothing unusual" in done.stdout


def test_an_acknowledged_alert_is_no_longer_listed(odibi: Command, store: tuple[Path, datetime]) -> None:
    """`ack` takes the beginning of an id; the alert is in `--all` with its note."""
    wanted = next(each for each in alerts(odibi) if each["family"] == "schema")["alert_id"]
    assert odibi("ack", wanted[:6], "--note", "agreed with the source").exit_code == SUCCESS
    assert wanted not in {each["alert_id"] for each in alerts(odibi)}
    seen = next(each for each in alerts(odibi, "--all") if each["alert_id"] == wanted)
    assert (seen["note"], seen["acknowledged"] is not None) == ("agreed with the source", True)
    for alert in alerts(odibi):
        odibi("ack", alert["alert_id"])
    assert odibi("watch", "--since", "40d").exit_code == SUCCESS


def test_an_unknown_alert_is_an_error(odibi: Command) -> None:
    """The message names the command that lists them, and the code is that of things that do not exist."""
    done = odibi("ack", "zzzz")
    assert done.exit_code == NOT_FOUND
    assert "odibi watch --all" in done.stderr


def test_mutes_are_honoured_listed_and_lifted(odibi: Command) -> None:
    """A mute of a step or a family hides its alerts and no other: not the join that the weather spoiled."""
    assert odibi("mute", "flights_daily", "--family", "cadence", "--until", "3d").exit_code == SUCCESS
    assert odibi("mute", "flights_daily", "--step", "weather").exit_code == SUCCESS
    assert {(each["family"], each["node_name"]) for each in alerts(odibi)} == {
        ("schema", "flights"), ("rows", "late"), ("duration", "flights"), ("join", "joined"),
    }  # fmt: skip
    listed = odibi("mute", "--list").stdout
    assert "cadence" in listed
    assert "weather" in listed
    assert odibi("mute", "flights_daily", "--step", "weather", "--lift").exit_code == SUCCESS
    assert len(alerts(odibi)) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["mute"], USAGE, "PIPELINE must be given"),
        (["mute", "flight_daily"], NOT_FOUND, "flights_daily"),
        (["mute", "flights_daily", "--family", "row"], USAGE, "--family must be one of"),
        (["mute", "flights_daily", "--until", "soon"], USAGE, "--until must be a time"),
        (["mute", "flights_daily", "--lift"], NOT_FOUND, "is not muted"),
        (["watch", "--pipeline", "flight_daily"], NOT_FOUND, "flights_daily"),
        (["watch", "--since", "lately"], USAGE, "--since must be a time"),
    ],
)
def test_wrong_use_is_one_message(odibi: Command, arguments: list[str], code: int, message: str) -> None:
    """Each error names the value and what is right."""
    done = odibi(*arguments)
    assert (done.exit_code, message in done.stderr) == (code, True), done.stderr


def test_the_record_has_an_event_for_hooks_and_the_run_its_number(store: tuple[Path, datetime]) -> None:
    """A hook of `anomaly` receives each finding before the end; `runs` has their number, `alerts` their fields."""
    root, begin = store
    seen: list[dict[str, Any]] = []
    result = run_day(Day(30, "renamed", begin, {"anomaly": seen.append}), str(root))
    assert [each["family"] for each in seen if "follows_from" not in each] == ["schema"]
    with Index(root) as index:
        index.refresh()
        (row,) = [row for row in index.runs(limit=3) if row["run_id"] == result["run_id"]]
        assert row["unusual"] == len(seen)
        assert len(index.tables(result["run_id"])["alerts"]) == len(seen)


def test_a_muted_finding_is_recorded_and_not_counted(odibi: Command, store: tuple[Path, datetime]) -> None:
    """A mute changes what is shown, never what is recorded."""
    root, begin = store
    odibi("mute", "flights_daily", "--family", "schema")
    seen: list[dict[str, Any]] = []
    result = run_day(Day(30, "renamed", begin, {"anomaly": seen.append}), str(root))
    assert {each.get("muted") for each in seen} == {True}
    with Index(root) as index:
        index.refresh()
        (row,) = [row for row in index.runs(limit=3) if row["run_id"] == result["run_id"]]
    assert row["unusual"] == 0


def test_a_pipeline_without_history_is_not_judged(tmp_path: Path) -> None:
    """The first runs have no number of findings: null, not zero."""
    result = run_day(Day(0), str(tmp_path / "new"))
    with Index(tmp_path / "new") as index:
        index.refresh()
        (row,) = index.runs()
    assert (row["run_id"], row["unusual"]) == (result["run_id"], None)


def test_an_empty_store_has_nothing_to_watch(tmp_path: Path) -> None:
    """No run, no alert, exit code 0."""
    done = CliRunner().invoke(app, ["watch", "--store", str(tmp_path), "--format", "json"])
    assert (done.exit_code, json.loads(done.stdout)["alerts"]) == (SUCCESS, [])


def test_a_batch_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """The runs of the batch are not watched: a notice names its file."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "batch-1.json").write_text("{damaged")
    done = CliRunner().invoke(app, ["watch", "--store", str(tmp_path)])
    assert done.exit_code == SUCCESS
    assert "batch-1.json" in done.stderr


def test_the_table_of_alerts_has_findings_and_missed_runs(odibi: Command, store: tuple[Path, datetime]) -> None:
    """SQL sees the findings of runs, the missed run of the notes, and their acknowledgement."""
    found = alerts(odibi)
    missed = next(each for each in found if each["kind"] == "missed")
    odibi("ack", missed["alert_id"])
    query = "select kind, count(*), count(acknowledged) from alerts where follows_from is null group by 1 order by 1"
    answer = history(str(store[0])).sql(query)
    assert [tuple(row.values()) for row in answer.rows] == [("anomaly", 4, 0), ("missed", 1, 1)]
