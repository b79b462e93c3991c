"""Changes around the data: parameters, versions, environment, plan, code, files."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from tests.history.comparison.rows import noise, run, step

from odibi_core.history.comparison.changes import around
from odibi_core.history.comparison.code import MAX_LINES, code, commits, is_cosmetic, unified
from odibi_core.history.comparison.files import files
from odibi_core.history.comparison.noise import Noise

TEXTS = {"h1": "def a(x):\n    return x > 1\n", "h2": "def a(x):\n    return x > 2\n"}


def of_runs(was: dict[str, Any], now: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return kind, subject and sentence of each change of two rows of `runs`."""
    before, after = (run(runs=[{"run_id": "1", **each}]) for each in (was, now))
    return [(each.kind, each.subject, each.message) for each in around(before, after, Noise(), [])]


def test_parameters_by_name() -> None:
    """Changed, new, and gone; an empty text is another value than none."""
    before = run(params=[{"name": "a", "value": "1"}, {"name": "b", "value": ""}])
    after = run(params=[{"name": "a", "value": "2"}, {"name": "c", "value": "x"}])
    assert [each.message for each in around(before, after, Noise(), [])] == [
        "parameter a is 2, and was 1",
        "parameter b is gone; it was empty",
        "parameter c is new: x",
    ]


def test_long_values_are_shown_where_they_differ() -> None:
    """Two command lines that differ in their last option alone are not shown as equal texts."""
    command = "python /srv/venv/bin/odibi run " + "pipelines/" * 10 + "daily.py --param day="
    ((_, _, message),) = of_runs({"command": f"{command}2026-11-07"}, {"command": f"{command}2026-11-08"})
    assert "2026-11-08, and was …" in message
    assert message.endswith("2026-11-07")
    ((_, _, message),) = of_runs({"command": "a 1"}, {"command": "a 2"})
    assert message == "command line is a 2, and was a 1"


def test_a_partition_changes_as_usual() -> None:
    """Each day has its own."""
    before, after = (run(runs=[{"run_id": "1", "partition": each}]) for each in ("mon", "tue"))
    (found,) = around(before, after, Noise(), [])
    assert (found.subject, found.is_usual) == ("partition", True)


def test_a_parameter_that_is_another_in_each_run_changes_as_usual() -> None:
    """The day of a daily run."""
    history = Noise(params=[{"day": str(day), "size": 1} for day in range(5)])
    before, after = (run(params=[{"name": name, "value": v} for name in ("day", "size")]) for v in ("5", "6"))
    assert [(each.subject, each.is_usual) for each in around(before, after, history, [])] == [
        ("day", True),
        ("size", False),
    ]


def test_versions_of_packages_and_python() -> None:
    """A package that one run alone used is information."""
    was = {"packages": {"pandas": "2.1", "old": "1"}, "python": "3.11.1"}
    now = {"packages": {"pandas": "3.0", "new": "1"}, "python": "3.12.0"}
    found = of_runs(was, now)
    assert ("version", "pandas", "package pandas is 3.0, and was 2.1") in found
    assert ("version", "python", "Python is 3.12.0, and was 3.11.1") in found
    assert {subject for _, subject, _ in found} == {"pandas", "python", "old", "new"}


def test_versions_that_were_not_recorded_are_not_compared() -> None:
    """Nothing is claimed about them."""
    missing: list[str] = []
    empty = run(runs=[{"run_id": "1"}])
    assert list(around(empty, run(runs=[{"run_id": "2", "packages": {"pandas": "3"}}]), Noise(), missing)) == []
    assert missing == ["the versions of packages: at least one run recorded none"]


def test_the_environment_and_the_host() -> None:
    """An allowed variable, and where the run was."""
    found = of_runs({"environment": {"MODE": "a"}, "host": "one"}, {"environment": {"MODE": "b"}, "host": "two"})
    assert ("environment", "MODE", "variable MODE is b, and was a") in found
    assert ("environment", "host", "host is two, and was one") in found


def test_the_definition_of_a_step() -> None:
    """Another engine or other inputs."""
    before = run(nodes=[step("a", engine="pandas", inputs={"x": "raw"})])
    after = run(nodes=[step("a", engine="polars", inputs={"x": "clean"})])
    assert [each.message for each in around(before, after, Noise(), [])][-2:] == [
        "a has the engine polars, and had pandas",
        "a has the inputs clean, and had raw",
    ]


def _code(was: str | None, now: str | None, missing: list[str], **more: Any) -> list[Any]:
    before, after = (run(nodes=[step("a", source_hash=each, source_file="p.py", **more)]) for each in (was, now))
    return list(code(before, after, TEXTS.get, missing))


def test_the_source_of_a_step_as_a_diff() -> None:
    """Unified, of the stored texts."""
    (found,) = _code("h1", "h2", [])
    assert found.message == "the code of a changed (+1 −1 lines) in p.py:None"
    assert "-    return x > 1\n+    return x > 2" in str(found.detail)


def test_a_source_that_is_not_known_is_not_compared() -> None:
    """Neither a missing hash nor a missing text counts as unchanged."""
    missing: list[str] = []
    assert _code("h1", None, missing) == []
    (found,) = _code("h1", "h9", missing)
    assert found.detail is None
    assert missing == [
        "the source of a: at least one run did not record it",
        "the text of a: its source is no longer stored",
    ]


@pytest.mark.parametrize(
    ("was", "now", "sql", "expected"),
    [
        ("def a(x):\n    return x", 'def a(x):\n    """Return x."""\n    return  x  # same', False, True),
        ("def a(x):\n    return x", "def a(x):\n    return x + 1", False, False),
        ("select a from t", "SELECT  a -- the a\nFROM t", True, True),
        ("select a from t", "select 'a' from t", True, False),
        ("lambda x: (", "lambda x: [", False, False),
    ],
)
def test_a_change_of_form_alone(was: str, now: str, sql: bool, expected: bool) -> None:
    """Comments, docstrings and layout change nothing that runs."""
    assert is_cosmetic(was, now, sql=sql) is expected


def test_a_long_diff_is_cut_with_a_note() -> None:
    """The number of the other lines is stated."""
    diff = unified("\n".join(map(str, range(500))), "\n".join(map(str, range(1000, 1500))), "a").splitlines()
    assert len(diff) == MAX_LINES + 1
    assert diff[-1].startswith("… ")


def test_the_commits_between_two_runs() -> None:
    """With their subjects, if this folder's repository has them."""

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    shas = []
    for subject in ("One", "Two", "Three"):
        git("commit", "-q", "--allow-empty", "-m", subject)
        shas.append(git("rev-parse", "HEAD"))
    before, after = (run(runs=[{"run_id": "1", "git_commit": sha, "git_branch": "main"}]) for sha in (shas[0], shas[2]))
    (found,) = code(before, after, lambda _: None, [])
    assert found.message == f"commit {shas[0][:10]}..{shas[2][:10]} on main"
    assert [line.split(" ", 1)[1] for line in str(found.detail).splitlines()] == ["Three", "Two"]
    assert commits(shas[0], "f" * 40) is None
    assert commits("--output=x", shas[2]) is None


def file(uri: str = "/d/a.csv", size: int | None = 100, modified: str = "2026-01-01", **more: Any) -> dict[str, Any]:
    about = {"node_name": "a", "access": "read", "dataset": "orders", "format": "csv"}
    return {**about, "uri": uri, "bytes": size, "modified": modified, **more}


@pytest.mark.parametrize(
    ("was", "now", "sentence"),
    [
        ([file()], [file()], None),
        ([file()], [file(size=50)], "input orders has 50 B, and had 100 B"),
        ([file(size=2_294_215)], [file(size=2_294_213)], "input orders has 2,294,213 B, and had 2,294,215 B"),
        ([file()], [file(uri="/e/a.csv")], "input orders is /e/a.csv, and was /d/a.csv"),
        ([file()], [file(modified="2026-01-02")], "input orders was modified: 2026-01-02, and 2026-01-01 before"),
        ([file(etag="x")], [file(etag="y")], "input orders was modified: y, and x before"),
        ([file()], [], "input orders (/d/a.csv) is missing"),
        ([file(), file(access="write")], [file()], "output orders (/d/a.csv) is missing"),
        ([file()], [file(), file("/d/b.csv", dataset="more")], "input more (/d/b.csv) is new"),
    ],
)
def test_a_file(was: list[Any], now: list[Any], sentence: str | None) -> None:
    """Missing, new, moved, of another size, time or version; a written file always has another time."""
    before, after = (run(nodes=[step("a")], files=each) for each in (was, now))
    found = [each.message for each in files(before, after, Noise(), [])]
    assert found == ([] if sentence is None else [sentence])


def test_a_daily_file_of_a_usual_size_changes_as_usual() -> None:
    """One of an unusual size does not; neither does a file that never changed before."""

    def history(*found: tuple[str, int, str]) -> Noise:
        return noise(*({"files": {"orders": {"uri": u, "bytes": b, "version": v}}} for u, b, v in found))

    def usual(now: dict[str, Any], earlier: Noise) -> list[bool]:
        before, after = (run(nodes=[step("a")], files=[each]) for each in (file(), now))
        return [each.is_usual for each in files(before, after, earlier, [])]

    daily = history(*(("/d/a.csv", 95 + each, f"v{each}") for each in range(8)))
    assert usual(file(size=101), daily) == [True]
    assert usual(file(size=40), daily) == [False]
    assert usual(file("/d/b.csv", size=101), daily) == [False]
    assert usual(file(size=101), history(*[("/d/a.csv", 100, "v")] * 8)) == [False]
    elsewhere = history(*((f"/d/{each}.csv", 95 + each, "v") for each in range(8)))
    assert usual(file("/d/9.csv", size=101), elsewhere) == [True]


def test_runs_without_files_are_not_compared() -> None:
    """The run that has none is named, because it may have read files that were not seen."""
    missing: list[str] = []
    assert list(files(run(nodes=[step("a")]), run(nodes=[step("a")], files=[file()]), Noise(), missing)) == []
    assert missing == ["files: the earlier run recorded none"]
