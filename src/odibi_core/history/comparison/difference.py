"""The answer of a comparison: differences between two runs, changes around them, and causes."""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct, to_builtins

from odibi_core.views.cards import Card, Carded

Family = Literal["failure", "schema", "rows", "join", "check", "values", "duration", "cost"]
ChangeKind = Literal["code", "parameter", "version", "file", "environment", "plan", "data"]

FAMILIES: Final[tuple[Family, ...]] = (
    "failure", "schema", "rows", "join", "check", "values", "duration", "cost",
)  # fmt: skip
"""The order of differences: a result that is missing matters more than one that looks different, and that more than a
result that comes late or costs more."""

WHY: Final[dict[Family, str]] = {
    "failure": "a result is missing",
    "schema": "what reads the data by its columns breaks or misses them",
    "rows": "rows are missing or doubled in every result from here on",
    "join": "rows lose the values of the other table, or are dropped",
    "check": "the data breaks a rule that it kept before",
    "values": "results computed from these values shift",
    "duration": "the run is later than usual by more than its noise",
    "cost": "the same result has another price",
}
"""The reason why a difference of a family is thought to matter."""


class Change(Struct, kw_only=True, frozen=True):
    """Something around the data that is not the same in both runs: a cause, if an effect begins where it is used."""

    kind: ChangeKind
    subject: str
    """The step, parameter, package, file or variable."""
    message: str
    node: str | None = None
    """The step that it concerns; None for the run as a whole."""
    before: Any = None
    after: Any = None
    detail: str | None = None
    """More text: the unified diff of a source, the subjects of commits."""
    is_usual: bool = False
    """True if earlier runs changed in the same way, as the file of a daily load does."""


class Cause(Struct, kw_only=True, frozen=True):
    """A probable cause of a difference."""

    kind: ChangeKind
    subject: str
    message: str
    reason: str
    """Why it is thought to be the cause."""
    score: float
    """Its weight against the other causes, from 0 to 10."""


class Difference(Struct, kw_only=True):
    """A difference in what a run made."""

    family: Family
    kind: str
    message: str
    node: str | None = None
    dataset: str | None = None
    column: str | None = None
    before: Any = None
    after: Any = None
    is_notable: bool = True
    """False for one within the noise that is known or assumed."""
    magnitude: float = 0.0
    """Its size within the family, from 0 to 1."""
    why: str = ""
    follows_from: str | None = None
    """The step upstream at which it begins."""
    alert_id: str | None = None
    """The unusual finding of the run that this difference is; None if it is none."""
    cause: Cause | None = None


class Comparison(Carded, Struct, kw_only=True):
    """The comparison of two runs; `differences` and `changes` have the most important first."""

    before: dict[str, Any]
    after: dict[str, Any]
    differences: list[Difference]
    changes: list[Change]
    cause: Cause | None
    """The probable cause of the most important difference; without one, the change of most weight at the steps whose
    values were not compared."""
    not_compared: list[str]
    """One sentence for each part that could not be compared."""
    compared_runs: int
    """Earlier runs from which the noise of rows, durations and files is known."""

    @property
    def notable(self) -> list[Difference]:
        """The differences beyond the noise."""
        return [difference for difference in self.differences if difference.is_notable]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        plain: dict[str, Any] = to_builtins(self)
        return plain

    def to_markdown(self) -> str:
        """Return the comparison for a pull request."""
        from odibi_core.history.comparison.markdown import markdown

        return markdown(self)

    def to_html(self) -> str:
        """Return the comparison as one HTML file, which loads nothing."""
        from odibi_core.history.comparison.page import page

        return page(self)

    def _card(self) -> Card:
        from odibi_core.history.comparison.outline import card

        return card(self)

    def __str__(self) -> str:
        from odibi_core.history.comparison.lines import lines

        return "\n".join(lines(self))
