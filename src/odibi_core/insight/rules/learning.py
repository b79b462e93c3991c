"""The search for a rule: a list of tests, each pure for one side among the rows that those before it left.

The tests of a side that come first are joined by OR, those of the other side by AND, so that `(a or b) and c` is found
as the list `not c: kept; a: lost; b: lost; else kept`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import Budget, Rule, Test
from odibi_core.insight.predicates.features import OF_TABLE, ROWS
from odibi_core.insight.predicates.tests import VALUED, complement, evaluate, split_op
from odibi_core.insight.rules import chance, sampling, splits, stages
from odibi_core.insight.rules.parts import SHORT_LIST, Part, is_fragment, part_of
from odibi_core.insight.rules.probes import LONGEST_LIST, Candidate, Probe
from odibi_core.insight.rules.sampling import Sample
from odibi_core.insight.rules.settling import in_order, settled
from odibi_core.insight.rules.source import Hints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.frame import Frame

    Mask = NDArray[np.bool_]

LONGEST: Final = 4
"""Tests of a list."""
WIDTH: Final = 4
"""Lists that are kept after each step of the search."""
SIMPLE: Final = 2
"""Tests of a rule that is taken before the next stage is tried."""
_TESTS: Final = 6
"""Tests of a probe, on the average."""
_SPLITTING: Final = 0.4
"""Units of a row and probe for one split."""
READABLE: Final = 1.7
"""Bits: two values of three are preferred to all but the third."""
ROWS_A_TEST: Final = 2
"""Rows of the smaller side that a rule of several tests needs for each of them."""
MOST_AGAIN: Final = 80
"""Probes that are tried after the first test of a list."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """A list of tests: the first that a row passes decides its side, the rest is of the side `rest_lost`.

    Args:
        entries: The tests, each with its side (True: lost) and the rows that pass it.
        active: The rows of the sample that no test has decided.
        bits: The bits of the choice of the tests.
        surprise: The bits by which the decided rows exceed chance.
    """

    entries: tuple[tuple[Candidate, bool], ...]
    active: Mask
    bits: float = 0.0
    surprise: float = 0.0

    @property
    def merit(self) -> float:
        return self.surprise - self.bits


def learn(
    frame: Frame, rows: NDArray[np.int64], is_lost: Mask, hints: Hints, budget: Budget, others: Mapping[str, Frame]
) -> Rule | None:
    """Return a rule that selects the lost rows of a sample, or most of them and no other; None if there is none.

    Args:
        frame: The main input.
        rows: Row numbers of the sample.
        is_lost: For each of them, if it is lost.
        hints: Names and constants of the source of the step.
        budget: The work that may be spent; `refused` is set if it ended the search.
        others: The other inputs by their logical names.

    Returns:
        A rule that is no coincidence in the sample. It is not proved: evaluate it on all rows.
    """
    if not len(rows) or is_lost.all() or not is_lost.any():
        return None
    return _Search(Sample(frame, rows, is_lost, hints, others), budget).rule()


def alternatives(
    frame: Frame, rows: NDArray[np.int64], is_lost: Mask, hints: Hints, budget: Budget, others: Mapping[str, Frame]
) -> list[Rule]:
    """Return the rules of one test of a plain column that select exactly the lost rows of a sample.

    The arguments are those of `learn`.
    """
    if not len(rows) or is_lost.all() or not is_lost.any():
        return []
    return _Search(Sample(frame, rows, is_lost, hints, others), budget).single_rules()


class _Search:
    def __init__(self, sample: Sample, budget: Budget) -> None:
        self._sample = sample
        self._budget = budget
        self._lost = sample.lost
        self._count = len(sample.rows)
        self._tried = 0
        self._probes: list[Probe] = []
        self._first: list[Decisions] = []
        self._part: Part | None = None

    def rule(self) -> Rule | None:
        """Search the columns that the source names, then all; return the best rule, else one of a part of the rows."""
        named = self._sample.named
        best = self._of_stages(stages.of_named(self._sample, self._budget))
        if best is None and named and not self._has_enough():
            best = self._of_splits([probe for probe in self._probes if set(probe.columns) <= set(named)])
        if best is None and not self._has_enough():
            best = self._of_stages(stages.of_all(self._sample, self._budget))
        if best is None and not self._has_enough():
            best = self._of_splits(self._probes[:MOST_AGAIN])
        if best is not None and (not self._has_enough() or not self._has_fragments(best[1])):
            return best[1]
        return None if self._part is None else Rule(tuple((self._plain(test),) for test in self._part.tests))

    def _has_fragments(self, rule: Rule) -> bool:
        tests = [test for group in rule.any_of for test in group]
        unnamed = [test for test in tests if not set(test.columns) <= set(self._sample.named)]
        return any(is_fragment(test, ()) or split_op(test.op)[2] == "eq" for test in unnamed) and len(tests) > 1

    def _has_enough(self) -> bool:
        """Return whether a rule of a part explains nearly all, so that no longer rule is wanted."""
        return self._part is not None and self._part.is_nearly_all

    def _of_stages(self, found_stages: Iterator[stages.Stage]) -> tuple[float, Rule] | None:
        """Try stages in order; stop at the first that finds a short rule, else return the best."""
        best: tuple[float, Rule] | None = None
        for stage in found_stages:
            added = list(stage())
            self._probes += added
            self._tried += 2 * sum(probe.tried for probe in added)
            if not self._budget.take(self._count * _TESTS * len(added)):
                break
            found = self._search(added, LONGEST if best is None else max(sum(map(len, best[1].any_of)) - 1, 1))
            if found is not None and (best is None or found[0] > best[0]):
                best = found
            if self._has_enough() or (best is not None and _is_short(best[1])):
                break
        return best

    def _of_splits(self, probes: list[Probe]) -> tuple[float, Rule] | None:
        """Return a rule of tests that need not be pure."""
        if self._budget.refused or not self._budget.take(self._count * len(probes) * splits.MOST, _SPLITTING):
            return None
        chosen = splits.split_rows(probes, self._lost)
        if chosen is None:
            return None
        bits = splits.bits_of_splits(chosen, probes, self._count)
        merit = chance.bits_of_choice(self._count, int(self._lost.sum())) - bits
        if merit <= chance.NEEDED:
            return None
        groups = [
            [(each.test, each.mask) if side else (complement(each.test), ~each.mask) for each, side in group]
            for group in splits.joined(chosen, self._lost)
        ]
        rule = self._as_rule([[(self._plain(test), mask) for test, mask in group] for group in groups])
        return None if rule is None or not self._has_rows_for(rule) else (merit, rule)

    def single_rules(self) -> list[Rule]:
        """Return each rule of one test of the plain probes."""
        import numpy as np

        probes = list(sampling.plain(self._sample, list(self._sample.frame.names)))
        self._tried = sum(probe.tried for probe in probes)
        start = Decisions((), np.ones(self._count, np.bool_))
        rules = [found for each in self._extended(start, probes) if (found := self._as_claim(each)) is not None]
        return list({repr(rule): rule for _, rule in sorted(rules, key=lambda rule: -rule[0])}.values())

    def _search(self, added: list[Probe], longest: int) -> tuple[float, Rule] | None:
        """Search lists of up to so many tests, of which the added probes are new."""
        import numpy as np

        before = _widest(self._first)
        self._first += self._extended(Decisions((), np.ones(self._count, np.bool_)), added)
        longer = self._first
        lists = _widest(longer)
        again = self._probes[:MOST_AGAIN]
        is_new = len(self._probes) - len(added) < MOST_AGAIN or any(one not in before for one in lists)
        for depth in range(1, longest + 1):
            rules = [rule for each in longer if (rule := self._as_claim(each)) is not None]
            for each in longer:
                self._note_part(each)
            if rules or depth == longest or not is_new or (depth >= SIMPLE and self._has_enough()):
                return max(rules, key=lambda rule: rule[0], default=None)
            longer = [each for one in lists for each in self._extended(one, again)]
            lists = _widest(longer)
        return None

    def _extended(self, decisions: Decisions, probes: list[Probe]) -> Iterator[Decisions]:
        active, lost = decisions.active, self._lost
        count, of_lost = int(active.sum()), int((active & lost).sum())
        if not self._budget.take(self._count * len(probes)):
            return
        for side_lost in (True, False):
            side = active & (lost if side_lost else ~lost)
            rest = active & ~side
            of_side = of_lost if side_lost else count - of_lost
            for probe in probes:
                for candidate in probe.candidates(side, rest):
                    found = int((candidate.mask & side).sum())
                    surprise = chance.bits_of_rows(count, of_side, found)
                    bits = chance.bits_of_tests(self._tried) + candidate.bits - _readable(candidate.test, side_lost)
                    bits += chance.bits_of_tests(count) if _is_again(candidate, decisions) else 0.0
                    worth = surprise > bits - chance.SOURCE or found == of_side
                    if found and worth and not _repeats(candidate, decisions):
                        yield Decisions(
                            (*decisions.entries, (candidate, side_lost)),
                            active & ~candidate.mask,
                            decisions.bits + bits,
                            decisions.surprise + surprise,
                        )

    def _as_claim(self, decisions: Decisions) -> tuple[float, Rule] | None:
        """Return a complete list as a rule with its merit; None if it is not complete, or may be a coincidence."""
        if not _is_complete(decisions, self._lost):
            return None
        surprise = chance.bits_of_choice(self._count, int(self._lost.sum()))
        merit = surprise - decisions.bits + self._worth(decisions)
        if merit <= chance.NEEDED:
            return None
        rule = self._as_rule(self._groups(decisions))
        if rule is None or not self._has_rows_for(rule):
            return None
        return merit - sum(map(len, rule.any_of)), rule

    def _has_rows_for(self, rule: Rule) -> bool:
        """Return whether each test of several has rows enough: tests in turn could carve out any few rows."""
        tests, lost = sum(map(len, rule.any_of)), int(self._lost.sum())
        return tests == 1 or min(lost, self._count - lost) >= ROWS_A_TEST * tests

    def _worth(self, decisions: Decisions) -> float:
        named = set(self._sample.named)
        tests = [candidate.test for candidate, _ in decisions.entries]
        columns = {name for test in tests for name in test.columns}
        if not columns or not columns <= named:
            return 0.0
        return chance.SOURCE + chance.NAMED_VALUES * all(map(self._names_values, tests))

    def _names_values(self, test: Test) -> bool:
        """Return whether the source names each value that a test compares a column with."""
        _, feature, comparison = split_op(test.op)
        values = test.value if comparison == "in" else [test.value]
        is_of_values = not feature and comparison in ("eq", "in") and len(test.columns) == 1
        return is_of_values and all(value in self._sample.hints.constants for value in values)

    def _note_part(self, decisions: Decisions) -> None:
        """Keep a list of tests of lost rows only, if it explains more than the one before."""
        entries = [candidate for candidate, side_lost in decisions.entries if side_lost]
        if len(entries) < len(decisions.entries) or len(entries) > SIMPLE:
            return
        if decisions.merit + self._worth(decisions) <= chance.NEEDED:
            return
        part = part_of([(each.test, each.mask) for each in entries], self._lost, self._sample.named)
        if part is not None and (self._part is None or part.rank > self._part.rank):
            self._part = part

    def _as_rule(self, groups: list[list[tuple[Test, Mask]]]) -> Rule | None:
        """Return groups of tests as a rule that selects exactly the lost rows of the sample."""
        for tests in (settled(groups, self._sample), [[test for test, _ in group] for group in groups]):
            rule = in_order(tests, self._sample.frame.names)
            selected = evaluate(rule, self._sample_frame(rule), self._sample.others)
            if (selected[self._places(rule)] == self._lost).all():
                return rule
        return None

    def _sample_frame(self, rule: Rule) -> Frame:
        return self._sample.frame if self._needs_all(rule) else self._sample.inner

    def _places(self, rule: Rule) -> Any:
        return self._sample.rows if self._needs_all(rule) else slice(None)

    def _needs_all(self, rule: Rule) -> bool:
        return any(split_op(test.op)[1] in OF_TABLE for group in rule.any_of for test in group)

    def _groups(self, decisions: Decisions) -> list[list[tuple[Test, Mask]]]:
        """Return the list as groups of tests: OR of ANDs, without tests that change nothing in the sample."""
        lost_rest = bool((decisions.active & self._lost).any())
        kept: list[tuple[Test, Mask]] = []
        groups: list[list[tuple[Test, Mask]]] = []
        for candidate, side_lost in decisions.entries:
            if side_lost:
                groups.append([(self._plain(candidate.test), candidate.mask), *kept])
            else:
                kept.append((self._plain(complement(candidate.test)), ~candidate.mask))
        if lost_rest:
            groups.append(list(kept))
        pruned = [self._without_useless(group) for group in groups]
        return _distinct(pruned, self._lost)

    def _without_useless(self, group: list[tuple[Test, Mask]]) -> list[tuple[Test, Mask]]:
        """Leave out tests without which the group still selects lost rows only."""
        import numpy as np

        for each in list(reversed(group)):
            rest = [other for other in group if other is not each]
            if rest and not (np.logical_and.reduce([mask for _, mask in rest]) & ~self._lost).any():
                group = rest
        return group

    def _plain(self, test: Test) -> Test:
        """Return a complement in the plain form if no row is null: `ge` for `not_lt`."""
        negation, feature, comparison = split_op(test.op)
        if not negation or comparison in ("null", "nan", "in_input") or self._may_be_invalid(test):
            return test
        if feature == "ratio" or (feature in OF_TABLE and feature not in ROWS):
            return test
        plain = _PLAIN.get(comparison, f"{VALUED}{comparison}")
        prefix = f"{feature}." if feature else ""
        if plain.startswith(VALUED):
            return Test(f"{VALUED}{prefix}{comparison}", test.columns, test.value)
        return Test(prefix + plain, test.columns, test.value)

    def _may_be_invalid(self, test: Test) -> bool:
        return split_op(test.op)[1] != "null_count" and any(map(self._may_be_null, test.columns))

    def _may_be_null(self, name: str) -> bool:
        column = self._sample.frame.column(name)
        return column.has_nulls or (column.kind in ("number", "duration") and not bool(column.valid.all()))


_PLAIN: Final = {
    "lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq", "between": "outside", "outside": "between",
}  # fmt: skip


def _is_complete(decisions: Decisions, lost: Mask) -> bool:
    left = lost[decisions.active]
    return bool(left.all() or not left.any())


def _is_short(rule: Rule) -> bool:
    """Return whether a rule has few tests, and its lists few values."""
    tests = [test for group in rule.any_of for test in group]
    values = sum(len(test.value) for test in tests if isinstance(test.value, list))
    return len(tests) <= SIMPLE and values <= LONGEST_LIST


def _widest(lists: list[Decisions]) -> list[Decisions]:
    """Return the best lists, one of those that leave the same rows."""
    kept: dict[bytes, Decisions] = {}
    for each in sorted(lists, key=lambda each: -each.merit):
        kept.setdefault(each.active.tobytes(), each)
        if len(kept) == WIDTH:
            break
    return list(kept.values())


def _distinct(groups: list[list[tuple[Test, Mask]]], lost: Mask) -> list[list[tuple[Test, Mask]]]:
    """Leave out groups whose rows the others select too."""
    import numpy as np

    masks = [np.logical_and.reduce([mask for _, mask in group]) for group in groups]
    kept = list(range(len(groups)))
    for at in reversed(range(len(groups))):
        rest = [each for each in kept if each != at]
        if rest and (np.logical_or.reduce([masks[each] for each in rest]) | ~lost).all():
            kept = rest
    return [groups[at] for at in kept]


def _readable(test: Test, side_lost: bool) -> float:
    """Return the bits that a short list of lost values is worth: `origin in {JFK, LGA}` instead of `origin != EWR`."""
    is_list = side_lost and split_op(test.op) == ("", "", "in")
    return READABLE if is_list and len(test.value) <= SHORT_LIST else 0.0


def _is_again(candidate: Candidate, decisions: Decisions) -> bool:
    """Return whether a test reads the columns of one before: its constants can be chosen around single rows then."""
    return any(set(each.test.columns) & set(candidate.test.columns) for each, _ in decisions.entries)


def _repeats(candidate: Candidate, decisions: Decisions) -> bool:
    """Return whether a list of values of the same columns came before: both together are too long a list."""
    test = candidate.test
    if split_op(test.op)[2] not in ("in", "between"):
        return False
    return any((each.test.op, each.test.columns) == (test.op, test.columns) for each, _ in decisions.entries)
