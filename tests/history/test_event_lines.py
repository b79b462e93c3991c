"""The columns of a batch: how many there are, their names and types, and the order of the rows."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from odibi_core.events import COLUMNS, encode, from_dict
from odibi_core.history import event_fields, event_lines, kind_lines
from odibi_core.history.commit import begun, commit
from odibi_core.history.event_lines import EventLines
from odibi_core.store.cold import ColdStore
from odibi_core.store.segments import ReadErrors


def fields_of(*records: dict[str, Any]) -> dict[str, tuple[str, str, int]]:
    """The column, type and count of each field."""
    lines = EventLines(io.BytesIO())
    lines.add("run", [from_dict(record) for record in records])
    lines.close()
    return {entry.name: (entry.column, entry.type, entry.count) for entry in lines.fields()}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "bigint"),
        ([1, None], "bigint"),
        ([2**63 - 1, -(2**63)], "bigint"),
        ([2**63], "text"),
        ([1, 1.5], "double"),
        ([2**53, 1.5], "double"),
        ([2**53 + 1, 1.5], "text"),
        ([True], "boolean"),
        ([True, 1], "text"),
        (["a"], "text"),
        (["a", 1], "text"),
        ([{}, []], "json"),
        ([{}, "a"], "text"),
        ([None], "text"),
    ],
)
def test_a_column_has_the_type_that_holds_all_values(values: list[Any], kind: str) -> None:
    """Exactly: what a type cannot hold makes the column a text."""
    (entry,) = fields_of(*({"x": value} for value in values)).values()
    assert entry == ("" if values == [None] else "x", kind, sum(value is not None for value in values))


def test_names_of_columns_are_plain_and_differ_whatever_the_case() -> None:
    """DuckDB takes two names of one spelling in different case for the same column."""
    names = ["recordsIn", "RecordsIn", "recordsin", "_run", "_shape", "a.b", "a b", "", "ü", "x" * 300, "rest", "date"]
    columns = [column for column, _, _ in fields_of(dict.fromkeys(names, 1)).values()]
    lower = {column.lower() for column in columns}
    assert len(lower) == len(names)
    assert not lower & {*COLUMNS, "_run", "_place", "_shape", "_rest"}
    assert all(column.replace("_", "").isascii() and len(column) < 80 for column in columns)
    assert {"recordsIn", "rest", "date"} <= set(columns)


def stored(root: Path, records: list[dict[str, Any]]) -> tuple[list[bytes], list[bytes], ColdStore]:
    """The events as lines before and after a batch."""
    events = [from_dict(record) for record in records]
    with begun(root) as batch:
        batch.add("run", events, ReadErrors())
        commit(batch, [])
    cold = ColdStore(root)
    return list(map(encode, events)), list(map(encode, cold.events("run"))), cold


def test_fields_beyond_the_columns_are_kept_in_one_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limits lowered: they are listed without a column, or counted, and come back in their order."""
    monkeypatch.setattr(event_fields, "MAX_COLUMNS", 2)
    monkeypatch.setattr(event_fields, "MAX_LISTED", 4)
    records: list[dict[str, Any]] = [{"z": 1, "a": "t", "m": [1], "k": None, "b": {"c": 2**70}, "y": 1.5}, {"y": 2}]
    before, after, cold = stored(tmp_path, records)
    assert after == before
    (manifest,) = cold.manifests()
    assert [(each.name, each.column) for each in manifest.fields] == [("a", "a"), ("k", ""), ("m", ""), ("z", "z")]
    assert manifest.unlisted_fields == 2


def test_any_number_of_shapes_is_written_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plans of shapes are dropped and made again; the counts of values stay right."""
    monkeypatch.setattr(event_lines, "_MAX_SHAPES", 3)
    records = [{"event_type": "a", f"f{number % 7}": number, "x": "t"} for number in range(50)]
    before, after, cold = stored(tmp_path, records)
    assert after == before
    counts = {each.name: each.count for each in cold.manifests()[0].fields}
    assert (counts.pop("x"), sum(counts.values())) == (50, 50)


def test_rows_are_grouped_by_kind_also_if_they_do_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the memory lowered: those of one kind in their order, and the run in its own order again."""
    import duckdb

    monkeypatch.setattr(kind_lines, "MEMORY", 500)
    monkeypatch.setattr(kind_lines, "_MAX_FILES", 2)
    records = [{"event_type": f"kind {number % 5}", "writer_id": "w", "seq": number} for number in range(200)]
    before, after, cold = stored(tmp_path, records)
    assert after == before
    (path,) = cold.paths("logs")
    found = duckdb.read_parquet(str(path)).project("event_type, seq").fetchall()
    first = [seq for kind, seq in found if kind == "kind 0"]
    assert first == list(range(0, 200, 5))
    assert [kind for kind, _ in found[-40:]] == ["kind 1"] * 40


def test_a_line_has_no_null(tmp_path: Path) -> None:
    """Absent values take no room in the temporary files."""
    file = io.BytesIO()
    lines = EventLines(file)
    lines.add("run", [from_dict({"event_type": "a", "seq": 5, "writer_id": "w", "x": None})])
    lines.close()
    line = json.loads(file.getvalue())
    assert line == {
        "_run": "run", "_place": -5, "_shape": '["nx"]', "timestamp": 0, "level": "info", "event_type": "a",
        "writer_id": "w", "seq": 5,
    }  # fmt: skip
