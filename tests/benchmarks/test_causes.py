"""The staged regressions: a cause is named for most of a small part of them."""

from pathlib import Path

from benchmarks.causes import KINDS, Verdict, cases, held_out, run_case, table
from benchmarks.staged_causes import STAGED


def test_there_are_twenty_cases_of_each_kind() -> None:
    """A hundred, in turn, and eight of each kind of another pipeline."""
    assert {kind: len(STAGED[kind]) for kind in KINDS} == dict.fromkeys(KINDS, 20)
    assert [case.kind for case in cases(7)] == [*KINDS, *KINDS[:2]]
    assert {kind: sum(case.kind == kind for case in held_out()) for kind in KINDS} == dict.fromkeys(KINDS, 8)


def test_one_case_of_each_kind_is_named(tmp_path: Path) -> None:
    """With other changes beside it that have no effect."""
    verdicts = []
    for case in cases(5):
        folder = tmp_path / str(case.number)
        folder.mkdir()
        verdicts.append(run_case(case, folder))
    assert [verdict for verdict in verdicts if not verdict.is_right] == []


def test_a_wrong_subject_is_a_wrong_cause() -> None:
    """The table counts it and lists it."""
    wrong = Verdict(3, "version", "cleanlib", "version", "otherlib", "fewer rows")
    assert not wrong.is_right
    assert "| version | 1 | 0 | 0% |" in table([wrong])
    assert "- case 3: version cleanlib, named version otherlib: fewer rows" in table([wrong])
