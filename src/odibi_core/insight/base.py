"""The contract of the package: how the rows of an output follow from those of the inputs, as records."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

from msgspec import Struct, field

Side = Literal["lost", "gained", "unmatched"]
"""`lost`: rows of the main input without a row in the output. `gained`: rows beyond one for each of these.
`unmatched`: rows of the main input whose key is not in another input, lost or not."""

Level = Literal["exact", "replayed", "part", "no_rule", "unknown"]
"""`exact`: the rule selects the rows themselves, compared one by one. `replayed`: the rows that it keeps are the
output, in order. `part`: it selects only a share of them, and no other row beyond `wrong`. `no_rule`: the tests were
tried within the budget, and none explains the rows. `unknown`: the rows, or the rule, could not be determined."""

PROVED: Final = frozenset({"exact", "replayed"})

DEFAULT_UNITS: Final = 40_000_000

NUMBER_UNITS: Final = 0.1
"""Units for one number of a row: to read, compare or add it."""
TEXT_UNITS: Final = 0.3
"""Units for one text of a row."""
SORTED_UNITS: Final = 1.5
"""Units for one row that is put in an order, or found in a group or another input."""


class Test(Struct, frozen=True, omit_defaults=True):
    """One test that each row passes or fails.

    Args:
        op: The name of the test: null, lt, in, contains, month, not_in_input, … `rule_tests.py` has their form.
        columns: The columns of the main input that it reads, in order.
        value: The constant that it compares with, as plain JSON; None without one.
        other: The input that it looks in, with `keys`; empty without one.
        keys: The columns of that input.
    """

    __test__: ClassVar[bool] = False  # pytest would collect the class by its name

    op: str
    columns: tuple[str, ...]
    value: Any = None
    other: str = ""
    keys: tuple[str, ...] = ()


class Rule(Struct, frozen=True, omit_defaults=True):
    """A choice of rows: the rows that pass all tests of at least one of the groups."""

    any_of: tuple[tuple[Test, ...], ...]


class Cause(Struct, frozen=True, omit_defaults=True):
    """The reason for some of the rows that a step lost, gained or left unmatched.

    Args:
        side: The rows that it is about.
        rows: Rows of that side that the rule selects.
        of: All rows of that side.
        text: The rule as a person reads it, such as `dep_delay IS NULL`; names and constants are not redacted yet. It
            has no values of keys: `keys` has them.
        level: How far it is proved.
        rule: The rule, to be confirmed on other rows; None if there is none.
        same_rows_as: Other rules that select the same rows, as texts.
        wrong: Rows that the rule selects and that are not of that side.
        examples: Up to five row numbers of the main input.
        same_rules: The rules of `same_rows_as`, in the same order, from which redaction writes the texts again. Without
            them, the texts are left out of the record.
        keys: Up to five keys that the rows have, such as the most frequent unmatched ones: values by column.
    """

    side: Side
    rows: int
    of: int
    text: str = ""
    level: Level = "unknown"
    rule: Rule | None = None
    same_rows_as: tuple[str, ...] = ()
    wrong: int = 0
    examples: tuple[int, ...] = ()
    same_rules: tuple[Rule, ...] = ()
    keys: tuple[dict[str, Any], ...] = ()


class RowChange(Struct, frozen=True, omit_defaults=True):
    """How the rows of one output of a step follow from those of its inputs. None: unknown.

    Args:
        kind: same, filter, dropna, dedup, head, sample, sort, columns, values, inner join, left join, fan-out,
            semi join, anti join, outer join, union, aggregate, explode, split, made, empty or unknown.
        main: The logical name of the input that the rows come from; empty if there is none.
        rows_in: Rows of the main input.
        rows_out: Rows of the output.
        lost: Rows of the main input without a row in the output.
        gained: Rows of the output beyond one for each row of the main input.
        unmatched: Rows of the main input without a partner, by the logical name of the other input.
        causes: The reasons, the one of most rows first.
        how: The way in which rows were identified: object, index, place, fingerprint, key, count.
        reason: The reason for an unknown part; empty if all is known.
        units: Work that it took, as `Budget` counts it.
        stages: Rows after each operator, if an engine reports them: each a dict of operator, detail, rows.
        stages_reason: The reason why those of a plan are unknown.
    """

    kind: str = "unknown"
    main: str = ""
    rows_in: int | None = None
    rows_out: int | None = None
    lost: int | None = None
    gained: int | None = None
    unmatched: dict[str, int] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    how: str = ""
    reason: str = ""
    units: int = 0
    stages: tuple[dict[str, Any], ...] = ()
    stages_reason: str = ""


class Budget:
    """The work that an explanation may take, counted and not measured, so that the result does not depend on load.

    One unit is about 0.1 microseconds of one core: a million of them bounds an explanation to a tenth of a second.

    Args:
        units: The work; 0 allows none.

    `refused` is True after work was left undone for lack of units.
    """

    def __init__(self, units: int = DEFAULT_UNITS) -> None:
        self.units = units
        self.spent = 0
        self.refused = False

    def take(self, rows: int, each: float = 1.0) -> bool:
        """Spend the units of some rows and return True; return False and spend nothing if they exceed the rest.

        Args:
            rows: The rows that are read, times the columns or tests.
            each: The units of each of them.
        """
        units = round(rows * each)
        if self.spent + units > self.units:
            self.refused = True
            return False
        self.spent += units
        return True
