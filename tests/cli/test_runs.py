"""`odibi runs` and `odibi show`: filters, pages, unusual runs, and the store that they read."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Here
from tests.history.stores import START, events_of, write_run, write_runs

from odibi_core.observability import Orchestrator
from odibi_core.settings import nearest_store
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


def listed(here: Here, *options: str) -> list[dict[str, Any]]:
    done = here("runs", *options, "--format", "json")
    assert done.exit_code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_runs_are_filtered(here: Here) -> None:
    """By pipeline, time, status, tag, parameter and partition; all that are given count."""
    write_runs(Path(".odibi"), 6, params={"region": "eu", "limit": 3}, tags={"team": "sales"}, partition="p1")
    write_run(Path(".odibi"), "other", events_of("other", "weekly", 9))
    for options, number in (
        ([], 7),
        (["daily"], 6),
        (["--status", "failed"], 1),
        (["--since", "2026-01-05 00:00 UTC"], 3),
        (["daily", "--until", "2026-01-02T04:00:00Z"], 2),
        (["--tag", "team=sales"], 6),
        (["--param", "limit=3", "--param", "region=eu"], 6),
        (["--param", "limit=4"], 0),
        (["--partition", "p1", "--status", "failed"], 1),
        (["--unusual"], 0),
    ):
        assert len(listed(here, *options)) == number, options
    (row,) = listed(here, "weekly")
    assert (row["run_id"], row["params"], row["start"]) == ("other", None, row["started"])
    assert listed(here, "--status", "failed")[0]["params"] == {"region": "eu", "limit": 3}


def test_a_list_has_pages(here: Here) -> None:
    """A page names the range that it has, and the next page."""
    names = write_runs(Path(".odibi"), 7)[::-1]
    pages = [[row["run_id"] for row in listed(here, "-n", "3", "--page", str(page))] for page in (1, 2, 3, 4)]
    assert pages == [names[:3], names[3:6], names[6:], []]
    assert "1 to 3 of 7 runs; --page 2 has the next" in here("runs", "-n", "3").stderr
    assert "7 to 7 of 7 runs\n" in here("runs", "-n", "3", "--page", "3").stderr
    assert "page 9 has no run: there are 7 runs" in here("runs", "-n", "3", "--page", "9").stderr
    assert len(listed(here, "-n", "0")) == 7
    assert "of 7" not in here("runs").stderr


def test_wrong_filters_are_refused(here: Here) -> None:
    """The message names the option; an unknown pipeline is exit code 3, with the nearest one."""
    write_runs(Path(".odibi"), 1)
    done = here("runs", "--tag", "team")
    assert (done.exit_code, "--tag must be NAME=VALUE, got 'team'" in done.stderr) == (2, True)
    done = here("runs", "dailly")
    assert (done.exit_code, "did you mean 'daily'" in done.stderr) == (3, True)
    assert "that matches the options" in here("runs", "daily", "--status", "lost").stderr


def test_an_unusual_run_is_marked(here: Here) -> None:
    """A success with findings is amber: `~` before it, and `--unusual` selects it."""
    *events, end = events_of("r1")
    write_run(Path(".odibi"), "r1", [*events, an_event("pipeline_complete", **unusual_end(end))])
    write_run(Path(".odibi"), "r2", events_of("r2", day=2))
    assert [row["run_id"] for row in listed(here, "--unusual")] == ["r1"]
    _, usual, unusual = here("runs").stdout.splitlines()
    assert (usual.split()[0], unusual.split()[0]) == ("✓", "~")


def unusual_end(end: Any) -> dict[str, Any]:
    about = {"timestamp": end.timestamp, "run_id": "r1", "status": "success", "seq": 99, "writer_id": "r1"}
    return {**about, "pipeline_name": "daily", "unusual": 2}


def test_the_store_is_found_from_a_folder_below(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest `.odibi` upwards is read, and a run from below is recorded there."""
    write_runs(Path(".odibi"), 2)
    below = Path("src/deep")
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert len(listed(here)) == 2
    Orchestrator([orders_], pipeline_name="below").execute()
    assert len(listed(here)) == 3
    assert not Path(".odibi").exists()
    Path(".odibi").mkdir()
    assert listed(here) == []


def test_a_store_that_is_named_is_not_searched_for(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting or an argument stands for the folder that it names."""
    write_runs(Path(".odibi"), 2)
    below = Path("src")
    below.mkdir()
    monkeypatch.chdir(below)
    Orchestrator([orders_], store=".odibi").execute()
    assert len(listed(here)) == 1
    monkeypatch.setenv("ODIBI_STORE__DIR", "mine")
    assert listed(here) == []


@pytest.mark.parametrize("kind", ["of another user", "other files"])
def test_what_is_no_store_of_this_user_is_not_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record must not go where another user chooses, nor into a folder for something else."""
    write_runs(Path(".odibi"), 1)
    Path("src").mkdir()
    monkeypatch.chdir("src")
    assert nearest_store.nearest_store() == str(Path("../.odibi").resolve())
    if kind == "other files":
        (Path("..") / ".odibi" / "runs").rename(Path("..") / ".odibi" / "config")
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert nearest_store.nearest_store() is None


def test_a_wrong_store_is_an_error(here: Here) -> None:
    """The message has what is there instead."""
    Path("empty").mkdir()
    Path("project/.odibi/runs").mkdir(parents=True)
    Path("project/shop.py").touch()
    Path("file").touch()
    for given, words in (
        ("missing", "got 'missing', which does not exist"),
        ("file", "which is a file"),
        ("project", "which has .odibi, shop.py; there is a store in"),
    ):
        done = here("runs", "--store", given)
        assert (done.exit_code, words in done.stderr) == (2, True), done.stderr
    assert here("runs", "--store", "project/.odibi").exit_code == 0
    assert here("runs", "--store", "empty").exit_code == 0


def clean(orders: list[dict[str, int]]) -> list[dict[str, int]]:
    return orders


def test_show_is_the_summary_again(here: Here) -> None:
    """With parameters, tags, files and findings; JSON has the row of the run too."""
    about: dict[str, Any] = {"params": {"day": 1}, "tags": {"team": "sales"}, "partition": "2026-01-01"}
    about["command"] = "odibi run x.py"
    git = {"commit": "c0ffee" * 6, "branch": "main", "dirty": True}
    *events, end = events_of("20260101T040000-daily-000001", git=git, **about)
    run_id = end.run_id
    file = {"access": "read", "uri": "/data/orders.csv", "bytes": 2048, "node_name": "load"}
    finding = {"message": "clean made 4 rows", "node_name": "clean", "alert_id": "a1", "actual": 4, "expected": 8}
    following = {"message": "load made 4 rows", "follows_from": "a1"}
    extra = [
        an_event("file_access", run_id=run_id, timestamp=START, **file),
        an_event("anomaly", run_id=run_id, timestamp=START, low=7, high=9, compared_runs=12, **finding),
        an_event("anomaly", run_id=run_id, timestamp=START, alert_id="a2", **following),
    ]
    write_run(Path(".odibi"), str(run_id), [*events, *extra, end])
    shown = here("show").stdout
    for words in (
        "daily succeeded", "2 of 2 steps", "1 unusual finding", "clean made 4 rows", "follows: load made 4 rows",
        "odibi ack a1", "partition  2026-01-01", "params     day=1", "tags       team=sales",
        "c0ffeec0ffee on main, with uncommitted changes", "odibi run x.py", "/data/orders.csv", "2 KiB", "not judged",
    ):  # fmt: skip
        assert words in shown, words
    document = json.loads(here("show", "daily", "--format", "json").stdout)
    assert document["run"]["params"] == {"day": 1}
    assert [file["uri"] for file in document["files_accessed"]] == ["/data/orders.csv"]
    assert [alert["alert_id"] for alert in document["alerts"]] == ["a1", "a2"]
    assert document["steps"][0]["name"] == "load"


def test_show_prints_the_source_of_a_step(here: Here) -> None:
    """As it was stored; a step without one, and an unknown step, are exit code 3."""
    Orchestrator([orders_, clean], pipeline_name="shop", initial={"orders": []}).execute()
    assert here("show", "--source", "clean").stdout.startswith("def clean(orders")
    done = here("show", "--source", "claen")
    assert (done.exit_code, "did you mean 'clean'" in done.stderr) == (3, True)
    write_run(Path(".odibi"), "29990101T000000-old-1", events_of("29990101T000000-old-1", "old"))
    assert here("show", "old", "--source", "load").exit_code == 3


def orders_() -> list[dict[str, int]]:
    return [{"n": 1}]


def test_show_of_a_killed_run_has_all_up_to_its_last_event(here: Here) -> None:
    """A run without an end has its steps, and its state."""
    run_id = RunStore(".odibi").new_run_id("daily", datetime(2026, 1, 1, tzinfo=UTC))
    write_run(Path(".odibi"), run_id, events_of(run_id, status="lost")[:5])
    assert "100" in here("show").stdout
