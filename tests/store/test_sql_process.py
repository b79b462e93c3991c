"""A query in a process of its own: the same answer, and whatever it asks for, an end within its limits."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path

import pytest
from tests.cli.conftest import environment

from odibi_core.errors import QueryError
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.store import sql_child, sql_process, sql_start
from odibi_core.store.segments import ReadErrors
from odibi_core.store.sql import query_files
from odibi_core.store.sql_process import isolated
from odibi_core.store.sql_start import start
from odibi_core.testing import FakeClock

COUNTRY = "select count(*) as n from logs"


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """One segment of three events, an unreadable and a torn line, at a path that is text to nothing but the kernel."""
    folder = tmp_path / "s*[a]? '\"\n数"
    folder.mkdir()
    path = Path(os.fsdecode(os.fsencode(folder) + b"/\xff.jsonl"))
    path.write_bytes(b"".join(b'{"event_type":"a","n":%d}\n' % n for n in range(3)) + b'no json\n{"half')
    return [path]


@pytest.mark.parametrize("apart", [False, True])
def test_the_log_is_read_whatever_its_path_is_like(paths: list[Path], apart: bool) -> None:
    """No character of a path is a pattern, a quote or a sign of an encoding; read errors are counted in both ways."""
    neighbour = paths[0].parent.parent / "sX[a]? '\"\n数"
    neighbour.mkdir()
    (neighbour / "other.jsonl").write_bytes(b'{"event_type":"not asked"}\n')
    answer = query_files("select event_type, n from logs order by n", paths, isolated=apart)
    assert answer.rows == [{"event_type": "a", "n": n} for n in range(3)]
    assert answer.read_errors == ReadErrors(torn=1, unreadable=1)


VALUES = """
    select 1 as i, 2::tinyint as t, 3.5 as d, 1.5::decimal(10, 2) as "decimal", 'x' as s, null as nothing,
    true as b, 'a'::blob as blob, interval '1 day 2 seconds 3 microseconds' as took, date '2020-01-01' as day,
    time '01:02:03.000004' as at, timetz '01:02:03+01' as at_zone, timestamp '2020-01-01 01:02:03.000004' as moment,
    '2020-01-01'::timestamp_ns as ns, date '290000-01-01' as late, uuid '00000000-0000-0000-0000-000000000001' as id,
    170141183460469231731687303715884105727::hugeint as huge, -170141183460469231731687303715884105727 as low,
    18446744073709551615::ubigint as big, 'inf'::double as inf, [1, null] as list, array_value(1, 2) as pair,
    {'day': date '2020-01-01', 'list': [uuid '00000000-0000-0000-0000-000000000001']} as struct,
    map {date '2020-01-01': 1.5::decimal(3, 1)} as map, 'a'::enum('a', 'b') as enum, 1 as i, '\0' || chr(27) as control
"""


def test_values_are_of_the_same_type_in_both_ways(paths: list[Path]) -> None:
    """Every value that DuckDB returns, nested too, arrives unchanged from the other process."""
    (inside,), (apart,) = (query_files(VALUES, paths, isolated=each).rows for each in (False, True))
    assert inside == apart
    assert repr(inside) == repr(apart)


def test_a_time_with_a_zone_is_the_time_in_utc(paths: list[Path]) -> None:
    """As every time of the record; DuckDB alone would need another library for it."""
    query = "select timestamptz '2020-01-01 02:00:00+02' as x, 1 as x;"
    for apart in (False, True):
        (row,) = query_files(query, paths, isolated=apart).rows
        assert (str(row["x"]), row["x_2"]) == ("2020-01-01 00:00:00", 1)


@pytest.mark.parametrize(
    "query",
    [
        "selec",
        "update extensions",
        "select nosuch from logs",
        "select * from range(5",
        "select [now()]",
        "select interval 1000000000 days",
        "select [interval 1000000000 days]",
        "select '\udcff'",
        "drop table x",
    ],
)
def test_an_error_is_the_same_sentence_in_both_ways(query: str, paths: list[Path]) -> None:
    """Of the same type, too."""
    said = []
    for apart in (False, True):
        with pytest.raises(QueryError) as error:
            query_files(query, paths, isolated=apart)
        said.append(str(error.value))
    assert said[0] == said[1]


TOO_LARGE = [
    "select unnest(range(1000000000))",
    "select printf('%2000000000d', 1)",
    "select length(printf('%2000000000d', 1))",
    "select repeat('a', 4000000000)",
    "select list_sort(range(1000000000))",
]
TOO_SLOW = [
    "select levenshtein(repeat('a', 300000), repeat('b', 300000))",
    "select count(*) from range(10000000000) a, range(10000000000) b where a.range * b.range % 7 = 3",
    "with recursive t as (select 1 as a union all select a + 1 from t) select count(*) from t",
]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        *((query, "needs more memory|took longer") for query in TOO_LARGE),
        *((query, "took longer than 1 s|needs more memory") for query in TOO_SLOW),
        (" union all ".join(["select 1"] * 20_000), "at most 100,000 characters"),
        ("select " + "(" * 5_000 + "1" + ")" * 5_000, "expression depth"),
    ],
    ids=lambda value: value[:40],
)
def test_a_query_that_asks_for_too_much_ends_in_one_sentence(
    query: str, said: str, paths: list[Path]
) -> None:
    """Where DuckDB looks at its limits, and where it does not; the parent's own memory is bounded as well."""
    with pytest.raises(QueryError, match=said) as error:
        query_files(query, paths, timeout_s=1, isolated=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select repeat('a', 100000000)", "a row of the answer is larger than 64 MB"),
        ("select repeat('a', 10000) from range(40000)", "the answer is larger than 256 MB"),
    ],
)
def test_an_answer_that_the_parent_could_not_hold_is_refused(
    query: str, said: str, paths: list[Path]
) -> None:
    """Row by row as well as whole."""
    with pytest.raises(QueryError, match=said):
        query_files(query, paths, isolated=True)


def test_no_child_outgrows_its_address_space(paths: list[Path]) -> None:
    """The kernel keeps the limit. In a program of its own, whose only children they are."""
    program = """
import json, resource, sys
from pathlib import Path
from odibi_core.errors import QueryError
from odibi_core.store.sql import query_files
paths, queries = json.loads(sys.argv[1])
for query in queries:
    try:
        query_files(query, map(Path, paths), timeout_s=1, isolated=True)
    except QueryError:
        continue
    sys.exit("answered: " + query)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
    given = json.dumps([[str(path) for path in paths], TOO_LARGE])
    done = subprocess.run(
        [sys.executable, "-c", program, given], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < sql_child.ADDRESS_SPACE


def test_the_caller_may_take_its_time(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only waiting for the query counts: a pager that stands still for longer than the timeout loses nothing."""
    clock = FakeClock()
    monkeypatch.setattr(sql_process, "monotonic", clock.monotonic)
    rows = 0
    with isolated("select * from range(300000)", paths, timeout_s=30) as cursor:
        for batch in cursor.batches:
            rows += len(batch)
            clock.advance(1_000)
    assert rows == 300_000


def test_a_question_that_is_given_up_leaves_no_process(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child ends with the block, though most of its rows were never read."""
    child = start()
    monkeypatch.setattr(sql_process, "start", lambda program: child)
    with isolated("select * from range(1000000000)", paths) as cursor:
        assert next(cursor.batches)[0] == (0,)
    assert child.returncode is not None


@pytest.mark.parametrize(
    ("killed_by", "said"),
    [(signal.SIGSEGV, "SIGSEGV.*nested too deeply"), (signal.SIGXCPU, "took longer than")],
)
def test_a_child_that_dies_is_told_in_one_sentence(
    killed_by: signal.Signals, said: str, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash of DuckDB is an error, which names the likely cause."""
    start = f"import os, signal; os.kill(os.getpid(), {int(killed_by)})"
    monkeypatch.setattr(sql_start, "_START", start)
    with pytest.raises(QueryError, match=said):
        query_files(COUNTRY, paths, isolated=True)


def test_the_limit_of_cpu_time_warns_before_it_kills() -> None:
    """A second before the kernel sends SIGKILL, it sends SIGXCPU, by which the parent knows the cause."""
    program = "import resource; from odibi_core.store import sql_child as s; s._limit_cpu(5); "
    program += "print(*resource.getrlimit(resource.RLIMIT_CPU))"
    soft, hard = map(int, subprocess.check_output([sys.executable, "-c", program], env=environment()).split())
    assert hard == soft + 1
    assert soft >= 5


def test_a_child_that_ended_before_the_request_is_an_error(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the exit code of the process, not the error of its pipe."""
    monkeypatch.setattr(sql_start, "_START", "raise SystemExit(3)")
    child = start()
    child.wait()
    monkeypatch.setattr(sql_process, "start", lambda program: child)
    with pytest.raises(RuntimeError, match="ended with exit code 3"):
        query_files(COUNTRY, paths, isolated=True)


@pytest.mark.parametrize("query", ["select * from range(1000000000)", TOO_SLOW[0]], ids=["writes", "computes"])
def test_a_child_ends_with_its_parent(query: str) -> None:
    """The parent is killed while the query runs: the pipe that the child holds ends, and so does the child."""
    program = """
import sys
from odibi_core.store import sql_process
from odibi_core.store.sql_start import start
child = start()
reader = sql_process._Reader(child, 600, None)
reader.send(sql_process.Request(sys.argv[1], [], 600))
reader.expect(sql_process.Table, is_timed=False)
print(child.pid, flush=True)
sys.stdin.read()
"""
    source = Path(sql_process.__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", program, query],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    try:
        assert wait([child], 30)
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(child, signal.SIGKILL)
        os.close(child)
        parent.stdin.close()
        parent.stdout.close()


def test_a_process_with_a_thousand_open_files_can_ask(paths: list[Path]) -> None:
    """`select.select` refuses a descriptor from 1024 on; a service has that many."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    held = [os.dup(0) for _ in range(1100)]
    try:
        assert query_files(COUNTRY, paths, isolated=True).rows == [{"n": 3}]
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_logger_asks_in_a_process_of_its_own_when_told(tmp_path: Path) -> None:
    """`isolated=True`, of a logger in a file and of one in memory."""
    for logger in (StructuredLogger("x", log_dir=tmp_path), StructuredLogger("x", stream=io.StringIO())):
        logger.info("a", n=1)
        assert logger.sql("select n from logs where event = 'a'", isolated=True) == [{"n": 1}]
        with pytest.raises(QueryError, match="needs more memory"):
            logger.sql("select printf('%2000000000d', 1)", isolated=True)


@pytest.mark.parametrize("apart", [False, True])
def test_a_logger_tells_what_it_could_not_read(
    apart: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer over a damaged file is not taken for the whole."""
    logger = StructuredLogger("x", log_dir=tmp_path)
    logger.info("a")
    assert not caplog.records
    assert logger.log_file is not None
    with logger.log_file.open("ab") as file:
        file.write(b'no json\n{"half')
    assert logger.sql("select count(*) as n from logs", isolated=apart) == [{"n": 1}]
    assert "of the log x, 1 half and 1 unreadable lines were passed over" in caplog.text


def test_a_limit_that_the_system_refuses_is_a_notice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, paths: list[Path]
) -> None:
    """macOS sets no limit of memory: the query is answered, and the answer states what does not limit it."""

    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    request = sql_child.Request(COUNTRY, [os.fsencode(path) for path in paths], 10.0)
    out = io.BytesIO()
    sql_child._answer(request, out, sql_child.open_segments)
    size = int.from_bytes(out.getvalue()[:4], "big")
    table = sql_child.decode(out.getvalue()[4 : 4 + size])
    assert isinstance(table, sql_child.Table)
    assert "does not limit the memory" in table.notices[0]
