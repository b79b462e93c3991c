"""The arithmetic of the benchmarks, and a quick run of each area; no test asserts a duration."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks.harness import Contender, Figures, Prepare, Runner, Target, Work, calibrated, judge, measure, ratio

from benchmarks import __main__ as command
from benchmarks import harness, machine, report


@pytest.fixture(autouse=True)
def _heap_of_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the objects of the whole suite out of it: their collection costs a second, and each round asks for one."""
    monkeypatch.setattr(harness, "gc", SimpleNamespace(collect=int, freeze=int, unfreeze=int))


def contender(
    name: str, seconds: Sequence[float], kind: Any = "peer", turns: list[str] | None = None
) -> Contender:
    """Return a contender whose rounds take exactly these seconds a loop, and which notes each round."""
    left = list(seconds)

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        def run(n: int) -> float:
            if turns is not None:
                turns.append(name)
            return left.pop(0) * n

        yield run

    return Contender(name, prepare, kind)


def broken(error: Exception) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        raise error
        yield  # a context manager has to be a generator

    return prepare


def work(*contenders: Contender, targets: Sequence[Target] = (), rounds: int = 3) -> Work:
    return Work("some work", "ms", contenders, targets, loops=10, rounds=rounds)


def test_a_figure_is_the_median_of_its_rounds_by_loop_in_the_unit_of_the_work() -> None:
    """Seconds for all loops become milliseconds for one, and one slow round does not count."""
    [figures] = measure(work(contender("ours", [0.002, 0.9, 0.001], "ours")))
    assert figures.rounds == pytest.approx([2.0, 900.0, 1.0])
    assert figures.median == pytest.approx(2.0)


def test_contenders_alternate_and_another_one_begins_each_round() -> None:
    """The order is A B C, B C A, …: quiet minutes are shared, and the first place rotates."""
    turns: list[str] = []
    measure(work(*(contender(name, [1.0] * 3, turns=turns) for name in "ABC")))
    assert "".join(turns) == "ABCBCACAB"


def test_a_ratio_is_taken_within_each_round() -> None:
    """A round that was slow for both gives the same ratio as a quiet one."""
    ours, peer = measure(work(contender("ours", [1, 10, 100], "ours"), contender("peer", [5, 20, 300])))
    assert ratio(peer, ours) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("target", "measured", "met"),
    [
        (Target(2.0), 2000.0, False),
        (Target(2000.0), 2000.0, True),
        (Target(0.5, "peer", "ratio"), 0.5, True),
        (Target(0.49, "peer", "ratio"), 0.5, False),
        (Target(-1999.0, "peer", "difference"), -2000.0, True),
    ],
)
def test_a_target_is_a_figure_a_ratio_or_a_difference(target: Target, measured: float, met: bool) -> None:
    """A target is met at the limit or under it."""
    row = work(contender("ours", [2.0] * 3, "ours"), contender("peer", [4.0] * 3), targets=[target])
    [verdict] = judge(row, measure(row))
    assert verdict.measured == pytest.approx(measured)
    assert verdict.met is met


def test_a_contender_that_cannot_run_keeps_its_row_with_the_reason() -> None:
    """A missing peer must not look like a slower one, nor stop the others."""
    absent = Contender("absent", broken(ModuleNotFoundError("No module named 'absent'")))
    late = contender("late", [1.0])  # its second round fails: there is nothing left to pop
    row = work(contender("ours", [1.0] * 3, "ours"), absent, late, targets=[Target(1.0, "absent", "ratio")])
    ours, absent_figures, late_figures = measure(row)
    assert len(ours.rounds) == 3
    assert absent_figures.not_run == "ModuleNotFoundError: No module named 'absent'"
    assert late_figures.not_run == "IndexError: pop from empty list"
    [verdict] = judge(row, [ours, absent_figures, late_figures])
    assert verdict.met is None


def test_loops_are_found_for_each_contender_by_itself() -> None:
    """A slow peer does not take minutes, and a fast one exceeds the resolution of the timer."""
    assert calibrated(lambda n: n * 0.001, 0.1) == 100
    assert calibrated(lambda n: n * 1.0, 0.1) == 1


def test_tables_print_lost_rows_and_missed_targets_like_any_other() -> None:
    """A missed target is in the table with its factor, and a missing figure with its reason."""
    targets = [Target(0.5, "peer", "ratio"), Target(5000.0)]
    row = work(contender("ours", [4.0] * 3, "ours"), contender("a|b peer", [1.0] * 3), targets=[targets[1]])
    lost = work(contender("ours", [4.0] * 3, "ours"), contender("peer", [1.0] * 3), targets=targets)
    works = [report.as_data(one, measure(one)) for one in (row, lost)]
    area: report.Area = {
        "area": "log",
        "measured_on": "2026-01-01",
        "machine": machine.facts(),
        "works": works,
    }
    page = report.page([area])
    assert "2 of 3 targets met." in page
    assert "| peer | 1,000 | 1,000 – 1,000 | 0.25 |" in page
    assert "| some work | ≤ 0.5 × peer | 4 × (4 – 4) | **missed** (8 × the limit) |" in page
    assert "Target ≤ 5000 ms: 4,000 ms, met." in page


def test_results_are_written_for_people_and_for_programs(tmp_path: Path) -> None:
    """An area that was measured earlier stays on the page when another is measured alone."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "noticing.json").write_text('{"of another form": 1}')
    for name in ("bus", "log"):
        area: report.Area = {
            "area": name,
            "measured_on": "2026-01-01",
            "machine": machine.facts(),
            "works": [],
        }
        report.write([area], tmp_path / "results", tmp_path / "docs" / "benchmarks.md")
    assert json.loads((tmp_path / "results" / "log.json").read_text())["area"] == "log"
    page = (tmp_path / "docs" / "benchmarks.md").read_text()
    assert "## bus" in page
    assert "## log" in page


def test_facts_of_the_machine_name_no_host_and_no_path() -> None:
    """Results are committed: they may describe the machine, not its owner."""
    facts = json.dumps(machine.facts())
    assert importlib.import_module("socket").gethostname() not in facts
    assert str(Path.home()) not in facts


@pytest.mark.parametrize(
    "area",
    # One process of the tests starts Spark.
    [pytest.param(area, marks=pytest.mark.xdist_group("spark")) if area == "spark" else area for area in command.AREAS],
)
def test_each_area_runs_in_the_quick_mode(area: str) -> None:
    """Every contender of odibi-core gives figures; a peer of the extra `bench` may be absent."""
    answer = command.run(area, quick=True)
    assert command.ours_missing([answer]) == []
    for row in answer["works"]:
        for contender in row["contenders"]:
            if contender["not_run"]:
                assert "No module named" in contender["not_run"], (row["name"], contender["name"], contender["not_run"])
    json.dumps(answer)


def test_every_logger_has_written_its_lines_when_the_call_returns(tmp_path: Path) -> None:
    """The comparison is of the same work only if no peer keeps lines in a buffer of its process."""
    log = importlib.import_module("benchmarks.log")
    [row] = [one for one in log.works(True) if one.name == "one structured event"]
    for place, contender in enumerate(row.contenders):
        folder = tmp_path / str(place)
        folder.mkdir()
        try:
            with contender.prepare(folder) as run:
                run(3)
                lines = [line for path in folder.rglob("*.jsonl") for line in path.read_bytes().splitlines()]
        except ModuleNotFoundError:
            continue
        assert len(lines) == 3, contender.name
        assert all(b"clean_orders" in line and b"run-0001" in line for line in lines), contender.name


def test_figures_without_rounds_have_no_median() -> None:
    """No figure is None, never zero."""
    assert Figures(contender("x", [])).median is None


def test_an_unknown_area_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """The command's one argument is checked before minutes are spent."""
    with pytest.raises(SystemExit):
        command.main(["logs"])
    assert "there are log, context, redaction" in capsys.readouterr().err
