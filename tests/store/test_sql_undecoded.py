"""Lines that DuckDB reads as they are give the answer of the decoder, or are decoded."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.errors import QueryError
from odibi_core.select_only import Asked
from odibi_core.store import hot_lines, sql_duckdb, sql_undecoded
from odibi_core.store.lines import ReadErrors
from odibi_core.store.sql import query_files
from odibi_core.store.sql_duckdb import Answer, connected
from odibi_core.store.sql_logs import Part, hot_parts
from odibi_core.store.sql_undecoded import undecoded_part

QUERY = "select event_type, level, node_name, duration_ms, x, recordsIn, typeof(x) as type from logs"
COLUMNS = frozenset({"event_type", "node_name", "duration_ms", "x", "recordsIn"})
ASKED = Asked(frozenset({"logs"}), frozenset(), COLUMNS, False)


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every segment had many lines."""
    monkeypatch.setattr(sql_undecoded, "FEW", -1)


def both(path: Path, query: str = QUERY) -> tuple[Answer, Answer]:
    """The answer as it is, and that of the decoder alone."""
    fast = query_files(query, [path])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_undecoded, "undecoded_part", lambda *_: None)
        return fast, query_files(query, [path])


def in_order(answer: Answer) -> list[str]:
    return sorted(map(repr, answer.rows))


def undecoded(path: Path, asked: Asked = ASKED) -> Part | None:
    with connected() as connection, ExitStack() as stack:
        return undecoded_part(connection, [path], asked, stack)


def written(folder: Path, *lines: dict[str, Any] | bytes) -> Path:
    path = folder / "events.jsonl"
    every = (line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in (FIRST, *lines))
    path.write_bytes(b"".join(every))
    return path


def event(**fields: Any) -> dict[str, Any]:
    return {"event_type": "a", "level": "info", **fields}


FIRST: dict[str, Any] = {"event_type": "first", "x": None, "recordsIn": 1}


VALUES: dict[str, list[Any]] = {
    "BIGINT": [1, -5, 2**62],
    "BOOLEAN": [True, False],
    "DOUBLE": [1, 2.5, -0.0, 1e9],
    "VARCHAR": ["a", 1, 2.5, True, {"k": [1, None]}, [], "01", "1.10", "\u2028\x9b\0"],
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_have_the_type_that_the_decoder_finds(kind: str, tmp_path: Path) -> None:
    """No line was decoded for it."""
    path = written(tmp_path, *(event(x=value) for value in VALUES[kind]), event(x=None), event())
    part = undecoded(path)
    assert part is not None
    assert part.columns["x"].type == kind
    fast, slow = both(path)
    assert in_order(fast) == in_order(slow)


@pytest.mark.parametrize(
    "lines",
    [
        [{"recordsIn": 1}, {"records_in": 2}, {"records_in": 3, "recordsIn": None}],
        [{"recordsIn": 1}, {"records_in": "two"}],
        [{"nodeName": "n"}, {"node_name": "m"}],
        [{"durationMs": 5}, {"duration_ms": 2.5}],
    ],
)
def test_both_spellings_of_a_field_are_one_column(lines: list[dict[str, Any]], tmp_path: Path) -> None:
    """Also of a standard column."""
    path = written(tmp_path, *(event(**line) for line in lines))
    assert undecoded(path) is not None
    fast, slow = both(path)
    assert in_order(fast) == in_order(slow)


DAMAGED = [
    b'{"event_type":"half\n',
    b"5\n",
    b"[]\n",
    b"null\n",
    b"{}\n",
    b'{"event_type":null}\n',
    b'{"event":"b"}\n',
    b"\xff\n",
    b"\x00\n",
    b'\xef\xbb\xbf{"event_type":"a"}\n',
    b'{"event_type":"a","y":"\xff"}\n',
    b'{"event_type":"a"} {}\n',
    b'{"event_type":"a","y":"\\ud800"}\n',
    b'{"event_type":"a","x":1e999}\n',
    b'{"event_type":"a","x":' + b"9" * 6000 + b"}\n",
    b'{"event_type":"a","x":1,"x":2}\n',
    b'{"event_type":"a","x":{"a":1,"a":2}}\n',
    b'{"event_type":"a","x":9223372036854775808}\n',
    b'{"event_type":"a","x":-9223372036854775809}\n',
    b'{"event_type":"a","x":1e300}\n',
    b'{"event_type":"a","duration_ms":"long"}\n',
    b'{"event_type":"huge","text":"' + b"x" * 40_000_000 + b'"}\n',
]


@pytest.mark.parametrize("line", DAMAGED, ids=lambda line: repr(line)[:40])
def test_a_line_that_duckdb_could_take_for_another_is_decoded(line: bytes, tmp_path: Path) -> None:
    """The same rows, the same counts of lines that could not be read."""
    path = written(tmp_path, event(x=1), line, event(x=2))
    assert undecoded(path) is None
    fast, slow = both(path)
    assert in_order(fast) == in_order(slow)
    assert fast.read_errors == slow.read_errors


def test_a_half_line_at_the_end_is_counted_without_decoding(tmp_path: Path) -> None:
    """The tail of a killed writer is ordinary."""
    path = written(tmp_path, event(x=1), b'{"event_type":"half')
    part = undecoded(path)
    assert part is not None
    assert part.read_errors == ReadErrors(torn=1)
    fast, slow = both(path)
    assert (in_order(fast), fast.read_errors) == (in_order(slow), slow.read_errors)


@pytest.mark.parametrize("ends_whole", [True, False])
def test_a_large_segment_is_read_where_it_is(
    ends_whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless its last line is a half one: then its whole lines are copied."""
    monkeypatch.setattr(hot_lines, "_LARGE", 10)
    path = written(tmp_path, event(x=1), *([] if ends_whole else [b'{"event_type":"half']))
    with ExitStack() as stack:
        assert len(hot_lines.collect([path], stack).files) == (2 if ends_whole else 1)
    fast, slow = both(path)
    assert (in_order(fast), fast.read_errors) == (in_order(slow), slow.read_errors)


def test_a_field_that_is_only_ever_null_or_rare_is_found(tmp_path: Path) -> None:
    """A query that the columns found so far cannot answer has the lines decoded."""
    path = written(tmp_path, event(nothing=None), event(RARE_one=1))
    assert query_files("select nothing from logs", [path]).rows == [{"nothing": None}] * 3
    assert query_files("select sum(rare_one) as n from logs", [path]).rows == [{"n": 1}]
    with pytest.raises(QueryError, match=r"no field 'nothin' \(did you mean 'nothing'\?\)"):
        query_files("select nothin from logs", [path])


def test_an_alias_is_no_field(tmp_path: Path) -> None:
    """DuckDB would prefer a column of that name to the alias."""
    path = written(tmp_path, event(node_name="a"), event(node_name="a"))
    rows = query_files("select node_name as n, count(*) as c from logs group by n order by n", [path]).rows
    assert rows == [{"n": "a", "c": 2}, {"n": None, "c": 1}]


def test_a_query_that_computes_without_end_is_not_computed_to_find_its_columns(tmp_path: Path) -> None:
    """Only its names are resolved before the timeout counts."""
    path = written(tmp_path, event(x=1))
    query = "select count(x) from logs, range(10000000000) a, range(10000000000) b where a.range * b.range % 7 = 3"
    with pytest.raises(QueryError, match="took longer than"):
        query_files(query, [path], timeout_s=0.2)


def test_a_reader_that_loses_lines_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: one line less than was collected is a doubt, and the decoder answers."""
    path = written(tmp_path, event(x=1), event(x=2))
    copy = hot_lines._copy

    def lossy(file: Any, found: hot_lines.HotLines) -> None:
        copy(file, found)
        found.lines += 1

    monkeypatch.setattr(hot_lines, "_copy", lossy)
    assert undecoded(path) is None
    assert len(query_files(QUERY, [path]).rows) == 3


_SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=4) | st.sampled_from([0.5, 1e9])
_FIELDS = st.dictionaries(
    st.sampled_from(["x", "recordsIn", "records_in", "node_name", "nodeName", "duration_ms", "level", "y"]),
    _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(st.sampled_from("ab"), _SCALARS, max_size=2),
    max_size=5,
)


@settings(max_examples=25)  # each opens two databases
@given(st.lists(_FIELDS, min_size=1, max_size=8))
def test_any_events_give_the_same_answer(records: list[dict[str, Any]]) -> None:
    """For any fields and any values; two spellings of a field in one line have one type, if it matters."""
    for each in records:
        if "recordsIn" in each:
            each.pop("records_in", None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        events = [{"event_type": f"n{place}", **each} for place, each in enumerate([FIRST, *records])]
        lines = map(msgspec.json.encode, events)
        path.write_bytes(b"\n".join(lines) + b"\n")
        fast, slow = both(path)
    assert in_order(fast) == in_order(slow)


def test_the_comparison_compares_two_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a fast way that loses a line is seen."""
    path = written(tmp_path, event(x=1), event(x=2))

    def lossy(*arguments: Any, fast: bool = True, **more: Any) -> list[Part]:
        parts = hot_parts(*arguments, fast=fast, **more)
        if not parts[0].has_every_field:
            parts[0].relation = f"(from {parts[0].relation} limit 1)"
        return parts

    monkeypatch.setattr(sql_duckdb, "hot_parts", lossy)
    fast, slow = both(path)
    assert in_order(fast) != in_order(slow)
