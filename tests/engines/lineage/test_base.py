"""The findings of column lineage in the form of the record, and the declared ones."""

from odibi_core.engines.lineage.base import CHANGED, MAX_CHARS, FrameColumns, Origin, Source, unknown_columns
from odibi_core.engines.lineage.overlay import with_declared


def test_a_record_has_known_columns_and_the_others_by_their_reason() -> None:
    """A column without sources is known; an unknown one is in no list of sources."""
    found = FrameColumns(
        [Origin("a", (Source("k", "x"),), "sql", 1.0), Origin("one", (), "sql", 1.0), Origin("b", None)]
    )
    record = found.record()
    assert [(each["column"], len(each["sources"])) for each in record["columns"]] == [("a", 1), ("one", 0)]
    assert record["unknown"] == [{"reason": "unknown", "columns": ["b"]}]
    assert record["indirect"] is None


def test_a_record_is_bounded_and_counts_what_it_leaves_out() -> None:
    """So that the event has room for all of its fields."""
    wide = FrameColumns(
        [Origin(f"column {place}", (Source("k", "x" * 100),), "sql", 1.0) for place in range(1_000)], ()
    )
    record = wide.record()
    assert len(str(record["columns"])) <= MAX_CHARS + 2 * len(record["columns"])
    assert len(record["columns"]) + record["left_out"] == 1_000


def test_a_declaration_goes_before_what_was_found_unless_its_column_is_not_there() -> None:
    """A wrong declaration is unknown, not passed on."""
    found = unknown_columns(["total", "other", "wrong"], "no method")
    declared = {"total": [("orders", "amount")], "wrong": [("orders", "missing")]}
    total, other, wrong = with_declared(found, declared, {"orders": ["amount"]}).origins
    assert (total.method, total.sources) == ("declared", (Source("orders", "amount", (CHANGED,)),))
    assert other.unknown == "no method"
    assert wrong.unknown == "it is declared to come from orders.missing, which is not there"
