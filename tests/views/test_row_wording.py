"""The words about the rows of a step."""

from odibi_core.views.row_changes import RowCause
from odibi_core.views.row_wording import cause_line, cause_words


def test_a_cause_without_a_rule_has_no_share_of_one() -> None:
    """All its rows have no rule; a rule of a part has its share."""
    none = RowCause(side="lost", rows=0, of=3, text="no simple rule", level="no_rule")
    part = RowCause(side="lost", rows=2, of=3, text="amount <= 10", level="part")
    assert (cause_words(none), cause_line(none)) == ("no simple rule", "3 rows lost: no simple rule")
    assert cause_words(part) == "66.7 % of them by amount <= 10"
