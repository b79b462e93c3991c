"""The lines of many segments become a table: each event is one row, with its values, whatever it is like."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core import Orchestrator, Step
from odibi_core.errors import StoreError
from odibi_core.store import log_table
from odibi_core.store.log_table import STANDARD_TYPES, LogTable, snake_case
from odibi_core.store.runs import RunStore
from odibi_core.store.sql import query_files
from odibi_core.store.sql_duckdb import Answer

Line = dict[str, Any] | bytes


def ask(folder: Path, query: str, *lines: Line) -> Answer:
    """The answer over one segment of these lines."""
    path = folder / "events.jsonl"
    path.write_bytes(
        b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    )
    return query_files(query, [path])


def count(folder: Path, *lines: Line) -> tuple[int, int, int]:
    """How many rows there are, and how many lines were torn and unreadable."""
    answer = ask(folder, "select count(*) as n from logs", *lines)
    return answer.rows[0]["n"], answer.read_errors.torn, answer.read_errors.unreadable


def test_many_kinds_with_fields_of_their_own_are_all_counted(tmp_path: Path) -> None:
    """DuckDB's guess of a schema took 200 lines of 40 kinds for a map, and gave no row and no error."""
    lines: list[Line] = [
        {"event_type": f"kind_{number % 40}", **{f"f{number % 40}_{place}": place for place in range(5)}}
        for number in range(200)
    ]
    answer = ask(tmp_path, "select count(*) as n, count(f7_3) as own, sum(f7_3) as total from logs", *lines)
    assert answer.rows == [{"n": 200, "own": 5, "total": 15}]


def _runs(folder: Path, number: int) -> tuple[list[Path], int]:
    """The segments of so many runs of a pipeline of four steps, and how many events each has."""
    steps = [Step(name=name, value=lambda: [{"a": 1}], outputs={"out": name}) for name in "abcd"]
    store = RunStore(folder / "one")
    Orchestrator(steps, pipeline_name="four", store=store.root).execute()
    (run_id,) = store.ids()
    (segment,) = store.segments(run_id)
    content, paths = segment.read_bytes(), []
    for place in range(number):
        path = folder / f"run-{place:05}.jsonl"
        path.write_bytes(content.replace(run_id.encode(), f"run-{place:05}".encode()))
        paths.append(path)
    return paths, content.count(b"\n")


@pytest.mark.parametrize("runs", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_runs_by_the_thousand_are_counted_exactly(runs: int, tmp_path: Path) -> None:
    """Each file had a buffer of 32 MB. (Slow: writing 10,000 files of a real run and reading all of them.)"""
    paths, events = _runs(tmp_path, runs)
    query = """
        select count(*) as n, count(distinct run_id) as runs,
               count(*) filter (event = 'node_complete') as done, max(run_id) as last from logs"""
    (row,) = query_files(query, paths).rows
    assert row == {"n": runs * events, "runs": runs, "done": runs * 4, "last": f"run-{runs - 1:05}"}


def test_a_reader_that_loses_or_doubles_lines_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sabotage: what came out is compared with what went in, and a difference is an error that has both numbers."""
    write = LogTable._write

    def doubled(table: LogTable, block: list[bytes]) -> None:
        table.file.writelines(line + b"\n" for line in block)
        write(table, block)

    monkeypatch.setattr(LogTable, "_write", doubled)
    with pytest.raises(StoreError, match="of 2 events 4 came back"):
        count(tmp_path, {"event_type": "a"}, {"event_type": "b"})


def test_a_line_of_50_mb_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    """One line without end made the whole store unreadable."""
    huge = b'{"event_type":"huge","text":"' + b"x" * 50_000_000 + b'"}\n'
    assert count(tmp_path, {"event_type": "a"}, huge, {"event_type": "b"}) == (2, 0, 1)


@pytest.mark.parametrize(
    ("line", "torn", "unreadable"),
    [
        (b'{"event_type":"half', 1, 0),
        (b'{"event_type":"half\n', 0, 1),
        (b"5\n", 0, 1),
        (b"[]\n", 0, 1),
        (b"null\n", 0, 1),
        (b"{}\n", 0, 1),
        (b'{"event_type":null}\n', 0, 1),
        (b"\xff\n", 0, 1),
        (b'\xef\xbb\xbf{"event_type":"a"}\n', 0, 1),
        (b'{"event_type":"\xff"}\n', 0, 1),
        (b'{"event_type":"a"} {}\n', 0, 1),
        (b'{"event_type":"\\ud800"}\n', 0, 1),
        (b'{"event_type":"a","x":1e999}\n', 0, 1),
        (b'{"event_type":"a","x":' + b"9" * 6000 + b"}\n", 0, 1),
        (b'{"event_type":"a","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n", 0, 1),
        (b"\n\n\n", 0, 0),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_damaged_line_is_counted_and_is_no_row(
    line: bytes, torn: int, unreadable: int, tmp_path: Path
) -> None:
    """The same lines that the other readers pass over; what is around them is there."""
    around: list[Line] = [{"event_type": "a"}, {"event": "b"}]
    lines = [*around, line] if torn else [around[0], line, around[1]]
    assert count(tmp_path, *lines) == (2, torn, unreadable)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'{"event_type":"a","x":1,"x":2}', "2"),
        (b'{"event_type":"a","x" : 1 , "x" : 2 }', "2"),
        (b'{"event_type":"a","x" :1,"x":2}', "2"),
        (b'{"event_type":"a","x"\t:1,"x":2}', "2"),
        (b'{"event_type":"a","\\u0078":1,"x":2}', "2"),
        (b'{"event_type":"a","\\u0078":2}', "2"),
        (b'{"event_type":"a","x":"a\\":b"}', 'a":b'),
        (b'{"event_type":"a","x":{"a":1,"a":2}}', '{"a":2}'),
        (b'{"event_type":"a","x":' + b"[" * 300 + b"]" * 300 + b"}", "[" * 300 + "]" * 300),
        (b'{"event_type":"a","x":123456789012345678901234567890}', "123456789012345678901234567890"),
        (b'{"event_type":"a","x":"\\u0000"}', "\0"),
        (b'{"event_type":"a","x":"\\u2028\\u009b"}', "\u2028\x9b"),
        (b'{"event_type":"a","x":"2026-01-31T04:00:00+02:00"}', "2026-01-31T04:00:00+02:00"),
        (b'{"event_type":"a","x":"01234"}', "01234"),
        (b'{"event_type":"a","x":"1.10"}', "1.10"),
        (b'  {"event_type":"a","x":true}  ', "True"),
        (b'{"event_type":"a","x":"a"}\r', "a"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_value_comes_back_as_it_was_logged(line: bytes, value: str, tmp_path: Path) -> None:
    """Nothing is taken for a date or a number that is a text; a key that is there twice has its last value."""
    (row,) = ask(tmp_path, "select x from logs", line + b"\n").rows
    assert str(row["x"]) == value


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2**53 + 1], [1, 2**53 + 1]),
        ([1, 2**63], [1, 2**63]),
        ([-(2**63), 2**126], [-(2**63), 2**126]),
        ([1, 2**127], ["1", str(2**127)]),
        ([1, 2.5], [1.0, 2.5]),
        ([2**53, 2.5], [float(2**53), 2.5]),
        ([2**53 + 1, 2.5], [str(2**53 + 1), "2.5"]),
        ([True, None], [True, None]),
        ([True, 1], ["true", "1"]),
        ([None, None], [None, None]),
        (["a", 1], ["a", "1"]),
        ([[1], {"b": None}], ["[1]", '{"b":null}']),
    ],
    ids=repr,
)
def test_a_column_has_the_one_type_that_holds_all_its_values(
    values: list[Any], expected: list[Any], tmp_path: Path
) -> None:
    """Exactly: where no number type does, it is text, and never a rounded number."""
    rows = ask(tmp_path, "select x from logs", *({"event_type": "a", "x": value} for value in values)).rows
    assert [(type(row["x"]), row["x"]) for row in rows] == [(type(value), value) for value in expected]


def test_a_column_without_a_value_is_text(tmp_path: Path) -> None:
    """A text function of a query works on it, as on any other field."""
    rows = ask(tmp_path, "select typeof(x) as type from logs", {"event_type": "a", "x": None}).rows
    assert rows == [{"type": "VARCHAR"}]


_NAMES = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    [
        "a",
        "A",
        "aB",
        "a_b",
        "ab",
        "AB",
        "event",
        "Event",
        "recordsIn",
        "records_in",
        "",
        "\0",
        '"',
        "'",
        "x" * 1200,
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=25)  # each opens a database
@given(st.lists(st.dictionaries(_NAMES, _VALUES, max_size=8), min_size=1, max_size=12))
def test_every_event_is_a_row_whatever_its_fields_are(records: list[dict[str, Any]]) -> None:
    """Any names, any values, any spellings that are equal in SQL: as many rows as lines, each readable."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        lines = [
            msgspec.json.encode({"event_type": f"n{place}", **record}) + b"\n"
            for place, record in enumerate(records)
        ]
        path.write_bytes(b"".join(lines))
        rows = query_files("select * from logs", [path]).rows
    assert len(rows) == len(records)


def test_spellings_that_sql_cannot_tell_apart_are_one_column(tmp_path: Path) -> None:
    """Names of DuckDB ignore case; the column is called as it was logged first, and has the values of all."""
    lines = [
        {"event_type": "a", name: place}
        for place, name in enumerate(["recordsIn", "RecordsIn", "records_in", "RECORDSIN", "RECORDS_IN"])
    ]
    answer = ask(tmp_path, "select recordsIn, records_in as same from logs order by 1", *lines)
    assert [tuple(row.values()) for row in answer.rows] == [(place, place) for place in range(5)]
    assert [
        name for name in ask(tmp_path, "select * from logs", *lines).columns if name not in STANDARD_TYPES
    ] == ["recordsIn"]


def test_of_two_spellings_in_one_line_the_columns_own_wins(tmp_path: Path) -> None:
    """And a null does not hide a value."""
    lines: list[Line] = [
        {"event": "b", "event_type": "a", "xY": None, "x_y": 1},
        {"event": "b", "event_type": None, "x_y": 2, "xY": 3},
    ]
    rows = ask(tmp_path, "select event_type, xY from logs", *lines).rows
    assert [tuple(row.values()) for row in rows] == [("a", 1), ("b", 3)]


def test_a_log_of_very_many_fields_is_read_and_each_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`*` has the first of them, and the answer has the number of the others; a field that is named is there."""
    monkeypatch.setattr(log_table, "MAX_FIELDS", 100)
    lines = [{"event_type": "a", f"field{place}": place} for place in range(300)]
    assert len(ask(tmp_path, "select * from logs", *lines).columns) == 100
    for query in (
        'select "field299" as x from logs where field299 > 0',
        "select field299 as x from logs where field299 > 0",
        'select "field299" as x from logs where "field299" > 0',
    ):
        assert ask(tmp_path, query, *lines).rows == [{"x": 299}]
    with tempfile.TemporaryFile() as file:
        table = LogTable(file)
        table.add([tmp_path / "events.jsonl"])
    assert (table.rows, table.left_out, len(table.columns)) == (300, 300 - 79, 100)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("recordsIn", "records_in"),
        ("records_in", "records_in"),
        ("elapsedMs", "elapsed_ms"),
        ("X", "x"),
        ("HTTPStatus", "httpstatus"),
        ("p95Ms", "p95_ms"),
    ],
)
def test_one_spelling_for_both(name: str, expected: str) -> None:
    """As columns are distinguished."""
    assert snake_case(name) == expected
