"""The call at the end of a run: the runs that are read, mutes, and a run that cannot be judged."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from tests.history.noticing.made import history
from tests.history.test_figures import tables

from odibi_core.history.figures import RunFigures, run_figures
from odibi_core.history.noticing import judge_run, notes, notice


class FakeIndex:
    """An index that returns these runs and keeps how many were asked for."""

    def __init__(self, root: Path, runs: list[RunFigures]) -> None:
        self.root = root
        self.runs = runs
        self.asked: list[int] = []

    def figures(self, pipeline_name: str, before: datetime | None = None, last: int = 60) -> list[RunFigures]:
        """Return the last runs."""
        self.asked.append(last)
        return self.runs[-last:]


def current() -> RunFigures:
    """Return the figures of the run of `tables()`."""
    found = run_figures(tables())
    assert found is not None
    return found


def earlier(runs: int, status: str = "success") -> list[RunFigures]:
    """Return runs like the one of `tables()`, all before it, with three times as many rows."""
    figures = msgspec.convert(msgspec.to_builtins(current().figures), dict)
    figures["steps"]["load"]["rows"] = 300
    made = [msgspec.structs.replace(each, figures=figures, status=status) for each in history(runs)]
    return [msgspec.structs.replace(each, pipeline_name="nightly") for each in made]


def test_a_run_is_judged_by_the_runs_of_its_pipeline(tmp_path: Path) -> None:
    """The fields are those of events; the last sixty runs are enough."""
    index = FakeIndex(tmp_path, earlier(50))
    found = judge_run(index, current())
    assert found is not None
    assert [each["series"] for each in found if "follows_from" not in each] == ["load.rows"]
    assert index.asked == [60]


def test_more_runs_are_read_if_few_of_the_last_are_comparable(tmp_path: Path) -> None:
    """Sixty failed runs in a row do not hide the good ones before."""
    runs = [*earlier(50), *earlier(60, "failed")]
    index = FakeIndex(tmp_path, runs)
    assert judge_run(index, current())
    assert index.asked == [60, 300]


def test_a_run_without_history_or_start_is_not_judged(tmp_path: Path) -> None:
    """None, so that `unusual` is null and not zero."""
    assert judge_run(FakeIndex(tmp_path, earlier(4)), current()) is None
    assert judge_run(FakeIndex(tmp_path, []), current()) is None
    assert run_figures({}) is None
    assert notice({}, []).is_learning


def test_a_muted_finding_is_marked(tmp_path: Path) -> None:
    """A mute of the family marks its findings and no other."""
    notes.write(tmp_path, notes.MUTED, "muted", {"pipeline_name": "nightly", "family": "rows"})
    found = judge_run(FakeIndex(tmp_path, earlier(50)), current())
    assert found is not None
    assert {each["family"]: each.get("muted", False) for each in found}["rows"] is True
    assert not any(each.get("muted") for each in found if each["family"] != "rows")
