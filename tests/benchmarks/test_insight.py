"""The benchmark of insight: frozen halves, truths that fit the outputs, and a scorer that a liar does not deceive."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from benchmarks.insight import freezing
from benchmarks.insight.answer import Answer, Claim
from benchmarks.insight.case import HALVES, LIBRARIES, Trial, cases, operation, trial
from benchmarks.insight.fault_rows import KEYS, FaultRows, fault_rows, indicator_score, score
from benchmarks.insight.faults import COUNT, KINDS, Fault, controls, faults
from benchmarks.insight.generated import GENERATED
from benchmarks.insight.naming import named, verdict
from benchmarks.insight.random_losses import judged, losses
from benchmarks.insight.recording import Named, NamedRows
from benchmarks.insight.results import interval
from benchmarks.insight.score import scored
from benchmarks.insight.scores import QUICK_TABLES
from msgspec import structs

from odibi_core.insight.base import Cause, Rule, Test

SOME = (
    "above_team_mean", "hashed_names", "large_payments", "one_return", "one_supplier", "product_suppliers",
    "young_players",
)  # fmt: skip
"""Cases on small generated tables, which need no package of data; they are in both halves."""


@pytest.fixture(scope="module")
def some() -> list[Trial]:
    """The trials of a few cases in both libraries."""
    found = []
    for half in HALVES:
        for each in cases(half):
            if each.name in SOME:
                functions = [(library, operation(half, library, each.name)) for library in LIBRARIES]
                found += [trial(each, half, library, function) for library, function in functions if function]
    return found


def truth_as_answer(each: Trial) -> Answer:
    """Return the perfect answer of a trial."""
    truth, height = each.truth, len(each.inputs[each.case.tables[0]])

    def claim(side: Any, rows: Any) -> Claim:
        mask = np.zeros(height, dtype=bool)
        mask[np.asarray(rows, dtype=np.int64)] = True
        return Claim(side, "the truth", True, selects=lambda: mask)

    sides: list[tuple[str, Any]] = [("lost", truth.lost), ("gained", list(truth.copies))]
    sides += [("unmatched", rows) for rows in truth.unmatched.values()]
    claims = tuple(claim(side, rows) for side, rows in sides if len(rows)) if each.case.has_rule else ()
    unmatched = {name: len(rows) for name, rows in truth.unmatched.items()}
    return Answer(each.case.kinds[0], len(truth.lost), truth.gained, unmatched, claims, lambda: truth.lost)


def test_the_halves_are_as_they_were_frozen() -> None:
    """No operation and no truth changes after results were seen: a change needs new checksums and both scores."""
    assert [freezing.differences(half) for half in HALVES] == [[], []]


def test_the_halves_are_split_by_a_hash() -> None:
    """The half of a case follows from its name: the lower half of the hashes is for development."""
    names = {half: {each.name for each in cases(half)} for half in HALVES}
    in_order = sorted(names["development"] | names["report"], key=lambda name: hashlib.sha256(name.encode()).digest())
    assert (set(in_order[:75]), set(in_order[75:])) == (names["development"], names["report"])


def test_every_case_has_an_operation() -> None:
    """No row of a table of truths is without a function, and no function is without a row."""
    for half in HALVES:
        for each in cases(half):
            assert any(operation(half, library, each.name) for library in LIBRARIES), each.name


def test_the_rows_of_the_truth_are_as_they_were_frozen(some: list[Trial]) -> None:
    """Generated tables and the conditions of SQL select the same rows on every machine."""
    assert len(some) == 2 * len(SOME)
    for each in some:
        assert each.name not in freezing.differences(each.half, [each])
    changed = replace(some[0].truth, lost=some[0].truth.lost[:-1])
    assert freezing.differences(some[0].half, [replace(some[0], truth=changed)]) == [some[0].name]


def test_the_truth_fits_the_output(some: list[Trial]) -> None:
    """Rows before, less those that are lost, and with those that are gained, are the rows of the output."""
    for each in some:
        before = len(each.inputs[each.case.tables[0]])
        assert before - len(each.truth.lost) + each.truth.gained == len(each.output), each.name


def test_the_perfect_answer_scores_all(some: list[Trial]) -> None:
    """The truth as an answer has no miss."""
    for each in some:
        found = scored(each, truth_as_answer(each), 1.0)
        assert found.kind
        assert found.exact is not False
        assert (found.rows, found.counts, found.wrong_claim) in (("right", "right", False), (None, "right", False))
        assert not found.false_claim


def with_masks(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    """Return an answer whose claims select other rows."""

    def changed(claim: Claim) -> Claim:
        selects = claim.selects
        assert selects is not None
        return replace(claim, selects=lambda: change(selects().copy()))

    return replace(answer, claims=tuple(changed(each) for each in answer.claims), lost_rows=None)


def one_row_more(mask: Any) -> Any:
    """Select one row that is not selected."""
    mask[np.flatnonzero(~mask)[0]] = True
    return mask


def one_row_less(mask: Any) -> Any:
    """Leave out one selected row."""
    mask[np.flatnonzero(mask)[0]] = False
    return mask


def test_one_wrong_row_is_not_exact(some: list[Trial]) -> None:
    """Sabotage of the perfect answer: one row more or less, a list of rows as a text, or an unproved claim."""
    with_claims = [each for each in some if each.case.has_rule and len(each.truth.lost)]
    assert len(with_claims) >= 6
    for each in with_claims:
        right = truth_as_answer(each)
        more = scored(each, with_masks(right, one_row_more), 1.0)
        assert (more.exact, more.wrong_claim, more.rows) == (False, True, "unknown")
        less = scored(each, with_masks(right, one_row_less), 1.0)
        assert (less.exact, less.wrong_claim) == (False, False)
        listed = replace(right, claims=tuple(replace(claim, text="1, " * 200) for claim in right.claims))
        assert scored(each, listed, 1.0).exact is False
        weak = replace(right, claims=tuple(replace(claim, proved=False) for claim in right.claims))
        assert scored(each, weak, 1.0).exact is False
        assert scored(each, replace(right, lost=1), 1.0).counts == "wrong"


def test_copies_of_a_row_are_the_same_row(some: list[Trial]) -> None:
    """A row that is named instead of its exact copy is right; one of another content is wrong."""
    for each in (each for each in some if each.case.name == "young_players"):
        frame = each.inputs["players"]
        first = int(each.truth.lost[0])
        rows = [*range(first + 1), first, *range(first + 1, len(frame))]  # the first lost row comes twice
        twice = frame[rows] if each.library == "polars" else frame.iloc[rows]
        lost = [first, *(each.truth.lost[1:] + 1).tolist()]
        doubled = replace(each, inputs={"players": twice}, truth=replace(each.truth, lost=np.array(lost)))
        right = replace(truth_as_answer(doubled), claims=())

        def named(row: int, right: Answer = right, lost: list[int] = lost) -> Answer:
            return replace(right, lost_rows=lambda: np.array([row, *lost[1:]]))

        kept = next(row for row in range(len(rows)) if row not in lost and row != first + 1)
        assert scored(doubled, named(first + 1), 1.0).rows == "right"
        assert scored(doubled, named(kept), 1.0).rows == "wrong"


def test_a_claim_without_a_rule_is_false(some: list[Trial]) -> None:
    """No rule made these rows, so that a claim about half of them is false, and silence is right."""
    hashed = next(each for each in some if each.case.name == "hashed_names")
    claim = Claim("lost", "quantity > 3", proved=False, share=0.5)
    assert scored(hashed, Answer(lost=len(hashed.truth.lost), claims=(claim,)), 1.0).false_claim
    assert not scored(hashed, Answer(claims=(replace(claim, share=0.4),)), 1.0).false_claim


def test_a_random_loss_is_random() -> None:
    """A loss keeps all other rows; an entry that claims a rule is counted, and one that raises claims none."""
    found = list(losses(8, QUICK_TABLES))
    assert {each.library for each in found} == {"pandas", "polars"}
    assert all(len(each.frame) - len(each.output) == each.lost for each in found)

    def liar(inputs: Mapping[str, Any], _: Any, source: Any) -> Answer:
        return Answer(claims=(Claim("lost", "value > 3", proved=True),))

    def broken(inputs: Mapping[str, Any], _: Any, source: Any) -> Answer:
        raise ValueError("no answer")

    assert all(judged(each, liar).false_claim for each in found)
    assert not any(judged(each, broken).false_claim for each in found)


def test_generated_tables_are_the_same_each_time() -> None:
    """A table is drawn from its seed alone."""
    for name in ("suppliers", "returns", "products"):
        assert GENERATED[name]().equals(GENERATED[name]())


@pytest.fixture(scope="module")
def some_faults() -> list[Fault]:
    """One fault of each kind that the shop has."""
    return list(islice(faults(("shop",)), len(KINDS)))


def test_every_fault_is_made_and_changes_its_run(some_faults: list[Fault]) -> None:
    """Each kind changes a table or the code of one step, and begins at a source or a step of its pipeline."""
    assert {each.kind for each in some_faults} == set(KINDS)
    for each in some_faults:
        clean = each.pipeline.batch(each.batch)
        changed = {name for name, made in each.tables.items() if not made.equals(clean[name])}
        assert changed | each.replaced.keys(), each.kind
        assert changed | each.replaced.keys() <= each.begins
        assert each.begins <= {*clean, *each.pipeline.steps}


def test_the_faults_are_240_of_12_kinds() -> None:
    """Twenty of each kind, half of them for development, in three pipelines."""
    numbers = range(COUNT)
    kinds = Counter((number % len(KINDS), number // len(KINDS) % 2) for number in numbers)
    assert (len(kinds), set(kinds.values())) == (24, {10})


def test_a_step_is_named_by_its_facts(some_faults: list[Fault]) -> None:
    """Row counts alone name the inverted filter; a run without a fault has no verdict but silence."""
    inverted = next(each for each in some_faults if each.kind == "inverted filter")
    found = named(inverted)
    assert verdict(inverted, Named(found)).is_right
    assert not verdict(inverted, Named(None)).is_right
    clean = next(controls(("shop",)))
    assert verdict(clean, Named(None)).is_right
    assert not verdict(clean, Named("paid")).is_right


@pytest.fixture(scope="module")
def missing(some_faults: list[Fault]) -> tuple[Fault, FaultRows]:
    """The fault of a table of which little is left, with its rows."""
    fault = next(each for each in some_faults if each.kind == "dimension missing")
    return fault, fault_rows(fault)


def effect_of(fault: Fault, truth: FaultRows, **changes: Any) -> Named:
    """Return the perfect answer about the rows of a join, with some parts changed."""
    shown = truth.shown
    assert shown is not None
    mine, theirs = KEYS[shown.step]
    other = fault.pipeline.inputs(shown.step)[1]
    rule, rows = Rule(((Test("not_in_input", mine, None, other, theirs),),)), int(shown.rows.sum())
    cause = Cause(shown.side, rows, rows, "the key", "exact", rule)
    parts: dict[str, Any] = {"step": shown.step, "rows": rows, "rule": "the key", "causes": (cause,)}
    return Named(shown.step, "input truncated", "", NamedRows(**{**parts, **changes}))


def test_the_rows_of_a_fault_are_those_that_it_adds(missing: tuple[Fault, FaultRows]) -> None:
    """A step has the rows that it loses with the fault, and of these the ones that it keeps without the fault."""
    shown = missing[1].shown
    assert shown is not None
    assert shown.step in missing[0].begins
    assert shown.new.any()
    assert not (shown.new & ~shown.rows).any()


def test_the_perfect_rule_of_a_fault_scores_all(missing: tuple[Fault, FaultRows]) -> None:
    """The key of the join selects its rows; a merge that gets the key finds the same."""
    found = score(*missing, effect_of(*missing))
    assert found is not None
    assert (found.predicate, found.rows, found.jaccard) == ("right", "right", 1.0)
    given = indicator_score(*missing)
    assert given is not None
    assert (given.predicate, given.rows) == ("right", "right")


def test_another_rule_or_number_of_a_fault_is_not_right(missing: tuple[Fault, FaultRows]) -> None:
    """Sabotage of the perfect answer: a rule of other rows, another number, another step, or no rule."""
    fault, truth = missing
    every = Cause("lost", 1, 1, "every row", "exact", Rule(((),)))
    shown = truth.shown
    assert shown is not None
    other = structs.replace(every, side=shown.side)
    assert not shown.rows.all()
    for answer, predicate in (
        (effect_of(fault, truth, causes=(other,)), "wrong"),
        (effect_of(fault, truth, rows=1), "wrong"),
        (effect_of(fault, truth, step="sales"), "wrong"),
        (effect_of(fault, truth, rule=""), "unknown"),
        (Named(None), "unknown"),
    ):
        found = score(fault, truth, answer)
        assert found is not None
        assert found.predicate == predicate


def test_the_class_of_a_cause_is_scored(some_faults: list[Fault]) -> None:
    """A class counts only with the right step."""
    fault = next(each for each in some_faults if each.kind == "null burst")
    step = next(iter(fault.begins))
    assert verdict(fault, Named(step, "missing values")).is_class_right
    assert not verdict(fault, Named(step, "volume")).is_class_right
    assert not verdict(fault, Named("sales", "missing values")).is_class_right


def test_the_interval_of_a_rate_has_the_rate() -> None:
    """Wilson's interval of 2 in 60, as statistics packages compute it."""
    low, high = interval(2, 60)
    assert (round(low, 2), round(high, 2)) == (0.92, 11.36)
