"""The table `logs`: whatever the lines are like, it can be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from odibi_core.errors import QueryError
from odibi_core.store.log_table import STANDARD_TYPES
from odibi_core.store.sql import query_events, query_files
from odibi_core.testing import an_event


def ask(folder: Path, query: str, *lines: dict[str, Any] | bytes) -> list[dict[str, Any]]:
    path = folder / "events.jsonl"
    path.write_bytes(
        b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    )
    return query_files(query, [path]).rows


A, B = {"event_type": "a", "x": 1}, {"event_type": "b", "x": 2}


@pytest.mark.parametrize(
    "bad",
    [
        b'{"event_type":"half',
        b'{"event_type":"half\n',
        b"5\n",
        b"[1]\n",
        b"null\n",
        b'"s"\n',
        b"\xff\xfe\n",
        b"\x00\n",
        b"{}\n",
        b"\n\n",
        b'{"": 1}\n',
        b'{"event_type":"\x00"}\n',
        b'{"event_type":"c"} {"event_type":"d"}\n',
    ],
    ids=repr,
)
def test_a_line_that_is_no_event_spoils_nothing_and_is_no_row(bad: bytes, tmp_path: Path) -> None:
    """Torn, not JSON, not an object: the others are there, each once, with their columns."""
    lines = (A, bad, B) if bad.endswith(b"\n") else (A, B, bad)
    rows = ask(tmp_path, "select event_type, x from logs order by x", *lines)
    assert [row for row in rows if row["x"] is not None] == [A, B]
    assert [row for row in rows if row["event_type"] == "half"] == []
    assert len(rows) <= 3


def test_every_truncation_of_a_file_can_be_asked(tmp_path: Path) -> None:
    """A live file may end anywhere."""
    content = b"".join(json.dumps(line).encode() + b"\n" for line in (A, B))
    for length in range(0, len(content), 3):
        rows = ask(tmp_path, "select count(*) as n from logs", content[:length])
        assert rows[0]["n"] in (content[:length].count(b"\n"), content[:length].count(b"}"))


def test_an_empty_log_and_no_log_have_the_standard_columns(tmp_path: Path) -> None:
    """Zero rows, no error."""
    for paths in ([], [tmp_path / "gone.jsonl"]):
        answer = query_files("select * from logs", paths)
        assert (answer.columns, answer.rows) == (list(STANDARD_TYPES), [])
    assert ask(tmp_path, "select count(*) as n from logs") == [{"n": 0}]
    assert query_events("select count(*) as n from logs", []).rows == [{"n": 0}]


def test_columns_of_one_name_are_all_given(tmp_path: Path) -> None:
    """A dict can hold only one of a name, so the others are numbered."""
    assert ask(tmp_path, "select 1 as a, 2 as a, x as a from logs", A) == [{"a": 1, "a_2": 2, "a_3": 1}]


def test_values_of_several_types_are_text(tmp_path: Path) -> None:
    """A field that is once a number and once a text compares as text, without JSON's quotes."""
    lines = [{"event_type": "a", "v": value} for value in (1, "s", {"k": 1}, [1], None)]
    assert [row["v"] for row in ask(tmp_path, "select v from logs", *lines)] == [
        "1",
        "s",
        '{"k":1}',
        "[1]",
        None,
    ]
    assert ask(tmp_path, "select count(*) as n from logs where v = 's'", *lines) == [{"n": 1}]


def test_two_spellings_in_one_log_are_one_column(tmp_path: Path) -> None:
    """Also where one has numbers and the other texts."""
    lines = [{"event_type": "a", "recordsIn": 1}, {"event_type": "a", "records_in": 2}]
    assert [row["n"] for row in ask(tmp_path, "select recordsIn as n from logs order by n", *lines)] == [1, 2]
    lines[1]["records_in"] = "two"
    assert [row["n"] for row in ask(tmp_path, "select records_in as n from logs order by n", *lines)] == [
        "1",
        "two",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "",
        'q"x',
        "select",
        "a b",
        "ü",
        "x.y",
        "nothing",
        "raw",
        "logs",
        "json",
        "EVENT",
        "Level",
        "'",
        "x" * 300,
        "\n",
        "filename",
    ],
)
def test_a_field_of_any_name_spoils_nothing(name: str, tmp_path: Path) -> None:
    """Names may be anything."""
    assert ask(tmp_path, "select event_type from logs", {"event_type": "a", name: 1}) == [{"event_type": "a"}]
    assert ask(tmp_path, "select event_type, x from logs", A, {"event_type": "a", "m": {name: 1}})[0] == A


def test_standard_columns_have_their_type_whatever_was_logged(tmp_path: Path) -> None:
    """A duration that is a text is null, and sums work."""
    lines: list[dict[str, Any] | bytes] = [
        {"event_type": "a", "duration_ms": 1.5, "row_count": 2},
        {"event_type": "a", "duration_ms": "long", "row_count": "many"},
    ]
    assert ask(tmp_path, "select sum(duration_ms) as d, sum(row_count) as r from logs", *lines) == [
        {"d": 1.5, "r": 2}
    ]


def test_a_question_without_end_is_stopped() -> None:
    """After its time, with a word on what to do."""
    query = "select count(*) from range(10000000000) a, range(10000000000) b where a.range * b.range % 7 = 3"
    with pytest.raises(QueryError, match="took longer than"):
        query_events(query, [an_event("a")], timeout_s=0.2)


@pytest.mark.parametrize("apart", [False, True])
def test_a_query_that_does_not_fit_into_memory_writes_no_file(apart: bool) -> None:
    """DuckDB would spill into a folder of the working directory."""
    query = "select * from range(300000000) order by hash(range) limit 1 offset 250000000"
    with pytest.raises(QueryError, match="needs more memory"):
        query_events(query, [an_event("a")], timeout_s=60, isolated=apart)
    assert list(Path().iterdir()) == []
