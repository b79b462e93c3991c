"""Columns of tables of `schema.py`: those of `row_changes`, and of `runs` those about other runs and systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from odibi_core.history.schema import Type

ROW_CHANGES: Final[tuple[tuple[str, Type, str], ...]] = (
    ("node_name", "text", "The step."),
    ("timestamp", "timestamp", "The time of the comparison."),
    ("dataset", "text", "The key of the dataset that the step made."),
    ("main_dataset", "text", "The key of the input that its rows come from."),
    ("kind", "text", "The kind of the step: filter, dropna, dedup, inner join, aggregate, … or unknown."),
    ("rows_in", "bigint", "Rows of that input."),
    ("rows_out", "bigint", "Rows of the dataset."),
    ("lost", "bigint", "Rows of the input without a row in the dataset; null if unknown."),
    ("gained", "bigint", "Rows of the dataset beyond one for each row of the input; null if unknown."),
    ("unmatched", "bigint", "Rows of the input without a match in another input; null if unknown."),
    ("unmatched_by", "json", "The same for each other input, an object."),
    ("side", "text", "The rows that `rule` is about: lost, gained or unmatched."),
    ("rule", "text", "The rule that selects most of them, as text; constants may be hidden."),
    ("level", "text", "How far the rule is proved: exact, replayed, part, no_rule or unknown."),
    ("share", "double", "The share of the rows of its side that the rule selects."),
    ("how", "text", "The way in which rows were identified: object, index, place, fingerprint, key or count."),
    ("reason", "text", "The reason for an unknown part."),
    ("asked", "text", "The reason for an explanation: first, unusual, unconfirmed, changed or all; off without one."),
    ("unusual", "boolean", "True if the shares differ from those of the last good run; null without one."),
    ("usual_run", "text", "The last good run."),
    ("usual_rows_in", "bigint", "Rows of the input in that run."),
    ("usual_rows_out", "bigint", "Rows of the dataset in that run."),
    ("new_since", "text", "That run, if it had no such rule; null for a rule as before, or if unknown."),
    ("units", "bigint", "The work of the explanation, counted in units of about 0.1 microseconds."),
    ("explain_ms", "double", "Its time in milliseconds."),
    ("causes", "json", "All causes, a list of objects."),
    (
        "stages",
        "json",
        "Rows after each operator of a SQL step or a plan, if its engine reports them: a list of objects.",
    ),
    (
        "usual_rule",
        "text",
        "The rule of the last good run, as text; `confirmed` states whether it was tried on the rows of this run.",
    ),
    ("stages_reason", "text", "The reason why the rows after each operator of a plan are unknown; null without one."),
    (
        "confirmed",
        "boolean",
        "True if the rule of the last good run selects the lost rows of this run, false if not; null if not tried.",
    ),
)

OUTER: Final[tuple[tuple[str, Type, str], ...]] = (
    ("parent_run_id", "text", "The run in which this one began; null if it began in none."),
    ("parent_node", "text", "The step of that run; null if it began in none."),
    ("integration", "text", "The system that drove the run, such as `airflow`; null if odibi or the program did."),
    ("integration_version", "text", "The version of that system."),
    ("external_run_id", "text", "The id of the run in that system."),
    ("external_url", "text", "The page of the run in that system."),
)
"""The columns of `runs` about the run around it, and about the system that drove it."""
