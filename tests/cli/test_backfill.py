"""`odibi backfill`: the partitions that need a run, each in a run of its own."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Apart, Here, command, environment

from odibi_core.cli.partition_range import partitions_of
from odibi_core.errors import ConfigurationError, PipelineDefinitionError
from odibi_core.runtime.orchestrator import Orchestrator, Step
from odibi_core.store.runs import RunStore

PATIENCE = 60  # seconds that a correct run never needs
DAILY = """
import pathlib
def load(partition, fails="nothing"):
    if partition == fails:
        raise ValueError("no delivery")
    return [{"day": partition}]
pipeline = [load]
"""


@pytest.fixture(autouse=True)
def daily() -> Path:
    path = Path("daily.py")
    path.write_text(DAILY)
    return path


def backfilled(apart: Apart, *options: str, code: int = 0) -> dict[str, dict[str, Any]]:
    done = apart("backfill", "daily.py", "--no-story", "--format", "json", *options)
    assert done.returncode == code, done.stderr
    return {each["partition"]: each for each in json.loads(done.stdout)}


def test_what_is_missing_or_failed_is_run(apart: Apart) -> None:
    """A second backfill runs only the failed one and those that are new; --again runs all."""
    days = "2026-01-01..2026-01-03"
    first = backfilled(apart, "--partition", days, "--param", "fails=2026-01-02", "--jobs", "2", code=1)
    assert {day: each["state"] for day, each in first.items()} == {
        "2026-01-01": "success", "2026-01-02": "failed", "2026-01-03": "success",
    }  # fmt: skip
    assert first["2026-01-02"]["error"] == "load: no delivery"
    again = backfilled(
        apart, "--partition", "2026-01-01..2026-01-04", "--param", "fails=2026-01-02", "--dry-run"
    )
    assert [each["state"] for each in again.values()] == ["done", "planned", "done", "planned"]
    assert again["2026-01-01"]["run_id"] == first["2026-01-01"]["run_id"]
    other = backfilled(apart, "--partition", "2026-01-01", "--param", "fails=never", "--dry-run")
    assert other["2026-01-01"]["state"] == "planned", "runs with other parameters do not count"
    repeated = backfilled(apart, "--partition", "2026-01-01", "--param", "fails=2026-01-02", "--again", "--dry-run")
    assert repeated["2026-01-01"]["state"] == "planned"


def test_a_run_with_a_parameter_of_any_type_counts(apart: Apart) -> None:
    """A value is compared in the form that the record has."""
    for value in ('["2026-01-02", {"n": 1.5}]', "null", "true", "7"):
        one = ["--partition", "2026-01-01", "--param", f"fails={value}"]
        assert backfilled(apart, *one)["2026-01-01"]["state"] == "success"
        assert backfilled(apart, *one, "--dry-run")["2026-01-01"]["state"] == "done"


@pytest.mark.parametrize("command", ["run", "backfill"])
def test_a_partition_that_is_empty_is_refused(here: Here, command: str) -> None:
    """As `--partition "$DAY"` is without the variable: nothing runs."""
    done = here(command, "daily.py", "--partition", " ")
    assert done.exit_code == 2
    assert "--partition must be a text" in done.stderr
    assert not Path(".odibi").exists()


def test_a_secret_in_a_partition_is_redacted_and_its_run_counts(apart: Apart) -> None:
    """The run gets the partition as it is given."""
    one = ["--partition", "card 4111 1111 1111 1111", "--param", "fails=card 4111 1111 1111 1111"]
    assert backfilled(apart, *one, code=1)["card [REDACTED]"]["state"] == "failed"
    one[-1] = "fails=never"
    assert backfilled(apart, *one)["card [REDACTED]"]["state"] == "success"
    assert backfilled(apart, *one, "--dry-run")["card [REDACTED]"]["state"] == "done"


def test_each_partition_is_a_run_with_its_partition_and_tags(apart: Apart) -> None:
    """In the given order."""
    months = ["--partition", "2026-01..2026-02", "--order", "newest"]
    backfilled(apart, *months, "--tag", "team=sales", "--name", "monthly")
    store = RunStore(Path(".odibi"))
    starts = [next(iter(store.read(run_id))) for run_id in sorted(store.ids())]
    starts.sort(key=lambda event: event.timestamp)
    assert [event.fields["partition"] for event in starts] == ["2026-02", "2026-01"]
    assert {event.fields["pipeline_name"] for event in starts} == {"monthly"}
    assert all(event.fields["tags"] == {"team": "sales"} for event in starts)


def test_stop_starts_no_other_run_after_a_failed_one(apart: Apart) -> None:
    """The others are reported as not started, and the exit code is that of a failure."""
    states = backfilled(
        apart, "--partition", "2026-01-01..2026-01-03", "--param", "fails=2026-01-01", "--stop", code=1
    )
    assert [each["state"] for each in states.values()] == ["failed", "not started", "not started"]


def test_the_table_counts_what_is_left_out(apart: Apart) -> None:
    """It lists the runs that were made, and each is a line on stderr when it ends."""
    apart("run", "daily.py", "--partition", "2026-01-01", "--no-story")
    done = apart("backfill", "daily.py", "--partition", "2026-01-01..2026-01-02", "--no-story")
    assert "2026-01-02 success in" in done.stderr
    assert "1 done, 1 success" in done.stdout
    assert "2026-01-01" not in done.stdout


def test_a_limit_by_tag_waits_for_an_open_run(apart: Apart, tmp_path: Path) -> None:
    """Of another pipeline too: its run ends before that of the backfill starts."""
    go = tmp_path / "go"
    Path("slow.py").write_text(
        f"import pathlib, time\ndef slow():\n    while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
        "    return 1\npipeline = [slow]\n"
    )
    run_slow = command("run", "slow.py", "--tag", "source=sap")
    slow = subprocess.Popen(run_slow, env=environment(), stderr=subprocess.DEVNULL)
    store = RunStore(Path(".odibi"))
    _wait(lambda: any(event.event_type == "node_start" for run_id in store.ids() for event in store.read(run_id)))
    limited = subprocess.Popen(
        command("backfill", "daily.py", "--partition", "eu", "--limit", "source=sap:1", "--format", "json"),
        env=environment(), stdout=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(1.0)
    assert len(store.ids()) == 1, "the backfill waits"
    go.touch()
    assert slow.wait(PATIENCE) == 0
    assert json.loads(limited.communicate(timeout=PATIENCE)[0])[0]["state"] == "success"


def test_an_interrupt_cancels_the_open_run_and_starts_no_other() -> None:
    """The record of the open run is closed as cancelled."""
    Path("daily.py").write_text("import time\ndef load(partition):\n    time.sleep(60)\npipeline = [load]\n")
    process = subprocess.Popen(
        command("backfill", "daily.py", "--partition", "a", "--partition", "b", "--format", "json"),
        env=environment(), stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    store = RunStore(Path(".odibi"))
    _wait(lambda: any(event.event_type == "node_start" for run_id in store.ids() for event in store.read(run_id)))
    os.kill(process.pid, signal.SIGINT)
    states = [each["state"] for each in json.loads(process.communicate(timeout=PATIENCE)[0])]
    assert (process.returncode, states) == (130, ["cancelled", "cancelled"])
    (run_id,) = store.ids()
    assert list(store.read(run_id))[-1].status == "cancelled"


def _wait(condition: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("given", "every", "expected"),
    [
        (["2026-02-27..2026-03-01"], None, ["2026-02-27", "2026-02-28", "2026-03-01"]),
        (["2025-11..2026-01"], None, ["2025-11", "2025-12", "2026-01"]),
        (["2024..2026"], None, ["2024", "2025", "2026"]),
        (["2026-01-01T22..2026-01-02T00"], None, ["2026-01-01T22", "2026-01-01T23", "2026-01-02T00"]),
        (["2026-01-01..2026-01-31"], "week", ["2026-01-01", "2026-01-08", "2026-01-15", "2026-01-22", "2026-01-29"]),
        (["2026-01-31..2026-03-31"], "month", ["2026-01", "2026-02", "2026-03"]),
        (["eu", "us", "eu"], None, ["eu", "us"]),
        (["2026-01-01..2026-01-02", "late"], None, ["2026-01-01", "2026-01-02", "late"]),
    ],
)
def test_partitions_of_a_range(given: list[str], every: str | None, expected: list[str]) -> None:
    """Both ends belong to it."""
    assert partitions_of(given, every) == expected


@pytest.mark.parametrize(
    ("given", "every", "message"),
    [
        (["2026-01-31..2026-01-01"], None, "from the earlier date to the later one, got '2026-01-31..2026-01-01'"),
        (["2026-01-01..2026-02"], None, "two dates of one form"),
        (["2026-02-30..2026-03-01"], None, "two dates of one form"),
        (["eu..us"], None, "two dates of one form"),
        ([""], None, "got nothing"),
        (["0001..9999"], "hour", "at most 100,000 partitions"),
        (["2026..2026"], "dya", "--every must be one of hour, day, week, month, year, got 'dya' (did you mean 'day'?)"),
    ],
)
def test_a_range_that_is_none(given: list[str], every: str | None, message: str) -> None:
    """Refused with its form."""
    with pytest.raises(ConfigurationError) as raised:
        partitions_of(given, every)
    assert message in str(raised.value)


@pytest.mark.parametrize("limit", ["source=sap", "source:1", "source=sap:0", "source=sap:x"])
def test_a_limit_that_is_none(here: Here, limit: str) -> None:
    """Refused before anything runs."""
    done = here("backfill", "daily.py", "--partition", "eu", "--limit", limit)
    assert done.exit_code == 2
    assert "--limit must be TAG=VALUE:N" in done.stderr


def test_a_step_gets_the_partition_of_its_run(tmp_path: Path) -> None:
    """As its parameter, as a parameter of SQL, and in the path of a file; a value of its own is kept."""
    (tmp_path / "in-eu.csv").write_text("n\n1\n")

    def named(partition: str) -> list[dict[str, str]]:
        return [{"partition": partition}]

    steps = [
        Step(name="named", value=named),
        Step(name="own", value=named, params={"partition": "us"}),
        Step(name="read", layer="ingest", value=tmp_path / "in-{partition}.csv"),
        Step(name="asked", type="sql", value="select n, $partition as p from read", inputs=["read"]),
        Step(name="write", layer="publish", value=str(tmp_path / "out-{partition}.csv"), inputs=["asked"]),
    ]
    result = Orchestrator(steps, store=False, partition="eu", keep="all").execute()
    assert (result.data["named"], result.data["own"]) == ([{"partition": "eu"}], [{"partition": "us"}])
    assert (tmp_path / "out-eu.csv").read_text() == "n,p\n1,eu\n"
    with pytest.raises(PipelineDefinitionError, match="needs a partition; give the run one"):
        Orchestrator(steps, store=False)
