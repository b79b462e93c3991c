"""`odibi sql`: exact formats for programs, a readable table, and limits for both."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
from multiprocessing.connection import wait
from pathlib import Path

import pyarrow.ipc
import pyarrow.parquet
import pytest
from tests.cli.conftest import Here, command, environment
from tests.cli.test_output import Terminal
from typer.testing import CliRunner

from odibi_core.cli import output
from odibi_core.cli.sql_table import _MOST_PIPED_ROWS
from odibi_core.history.schema import TABLES
from odibi_core.history.sql.macros import MACROS
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event

HOSTILE = "a\x1b[31mred\x9b0m\u202eevil\r\n\x00end"


@pytest.fixture(
    params=["plain", "s*", "s[a-z]", "s?", 'it\'s "s"', " s ", "数", "two\nlines", "{a,b}", "$HOME", "~s"]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of one run beside another that its name would match as a pattern."""
    for name in (request.param, "sx"):
        kept = RunStore(tmp_path / name)
        run_id = kept.new_run_id(name)
        journal = kept.open(run_id)
        journal(an_event("a", run_id=run_id, text=f"of {name}"))
        journal.close()
    return str(tmp_path / request.param)


def test_the_name_of_a_store_is_a_name(here: Here, store: str) -> None:
    """No character of it is a pattern or a quote: one run is there, and it is the one that was asked for."""
    done = here("sql", "select text from logs", "--store", store, "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [{"text": f"of {Path(store).name}"}])


QUERY = (
    "select 'a' || chr(27) || '[31m' || chr(155) || 'x' || chr(8238) || chr(13) || chr(10) as s, '=1+1' as f"
)
VALUE = "a\x1b[31m\x9bx\u202e\r\n"


def test_in_a_pipe_json_is_exact_and_csv_is_but_for_formulas(here: Here) -> None:
    """Programs get the text that was logged; a spreadsheet gets no formula."""
    assert json.loads(here("sql", QUERY, "--format", "json").stdout) == [{"s": VALUE, "f": "=1+1"}]
    written = here("sql", QUERY, "--format", "csv").stdout_bytes.decode()
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert rows == [["s", "f"], [VALUE, "'=1+1"]]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_on_a_terminal_nothing_is_obeyed(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output for a terminal has no control character, and JSON is still the same document."""
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    from odibi_core.cli import app

    app(["sql", QUERY, "--format", form], standalone_mode=False)
    seen = screen.getvalue()
    assert all(line.isprintable() for line in seen.split("\n"))
    if form == "json":
        assert json.loads(seen)[0]["s"] == VALUE
    else:
        assert "\\u001b[31m\\u009bx\\u202e" in seen


def test_json_lines_and_documents_of_every_command_are_safe_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same escapes, also for characters beyond 16 bits."""
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    hostile = {"a\x9b": HOSTILE, "b": "\U000e0001 数"}
    output.write_json(hostile)
    output.write_json_lines([hostile])
    seen = screen.getvalue()
    assert all(line.isprintable() for line in seen.split("\n"))
    document, _, line = seen.rpartition("}\n{")
    assert json.loads(document + "}") == json.loads("{" + line) == hostile


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        ("-5", "-5"),
        ("+4.5e3", "+4.5e3"),
        ("-1,234.5", "-1,234.5"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_a_text_is_no_formula_of_a_spreadsheet(text: str, cell: str, here: Here) -> None:
    """A quote stands before it; a text that is just a number is left as it is."""
    query = f"select '{text.replace(chr(39), chr(39) * 2)}' as x"
    (_, row) = csv.reader(io.StringIO(here("sql", query, "--format", "csv").stdout, newline=""))
    assert row == [cell]


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_an_answer_without_rows_is_one(form: str, here: Here) -> None:
    """A program can read it."""
    done = here("sql", "select 1 as a where false", "--format", form)
    assert done.stdout == {"json": "[]\n", "jsonl": "", "csv": "a\n"}[form]


def test_json_lines_have_a_document_a_line(here: Here) -> None:
    """With the exact values."""
    done = here("sql", "select range as n, timestamp '2026-01-01 00:00:00' as t from range(3)", "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == [{"n": n, "t": "2026-01-01T00:00:00Z"} for n in range(3)]


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_parquet_and_arrow_have_the_types_of_the_query(form: str, here: Here, tmp_path: Path) -> None:
    """In a file and on stdout, also for many rows and for none."""
    query = "select range as n, range * 1.5::double as x, 'a' as s, [range] as l, now()::timestamp as t"
    query += " from range(120000)"
    path = tmp_path / "answer"
    assert here("sql", query, "--format", form, "-o", str(path)).exit_code == 0
    piped = here("sql", f"{query} limit 2", "--format", form).stdout_bytes
    empty = here("sql", f"{query} where false", "--format", form).stdout_bytes
    read = pyarrow.parquet.read_table if form == "parquet" else lambda file: pyarrow.ipc.open_stream(file).read_all()
    tables = [read(io.BytesIO(content)) for content in (path.read_bytes(), piped, empty)]
    assert [table.num_rows for table in tables] == [120_000, 2, 0]
    for table in tables:
        types = [str(field.type) for field in table.schema]
        assert types == ["int64", "double", "string", "list<element: int64>", "timestamp[us, tz=UTC]"] or types == [
            "int64", "double", "string", "list<item: int64>", "timestamp[us, tz=UTC]",
        ]  # fmt: skip
    assert tables[0]["n"].to_pylist() == list(range(120_000))


def test_a_query_comes_from_a_file_or_standard_input(here: Here, tmp_path: Path) -> None:
    """Or as the argument; two of them are an error."""
    path = tmp_path / "query.sql"
    path.write_text("select 'of a file' as x;")
    assert here("sql", "-f", str(path)).stdout.split("\n")[1] == "of a file"
    from odibi_core.cli import app

    for arguments in (["sql"], ["sql", "-"], ["sql", "-f", "-"]):
        done = CliRunner().invoke(app, arguments, input="select 'of stdin' as x")
        assert done.stdout.split("\n")[1] == "of stdin"
    done = here("sql", "select 1", "-f", str(path))
    assert (done.exit_code, "given twice" in done.stderr) == (2, True)
    path.write_bytes(b"select '\xff'")
    assert "must be UTF-8" in here("sql", "-f", str(path)).stderr
    assert here("sql", "-f", str(tmp_path / "none.sql")).exit_code == 4


def test_what_cannot_be_written_is_refused_before_the_query(
    monkeypatch: pytest.MonkeyPatch, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    """A binary form on a terminal, a table in a file."""
    assert "-o needs --format" in here("sql", "select 1", "-o", "x").stderr
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    from odibi_core.cli import app

    app(["sql", "select 1", "--format", "arrow"], standalone_mode=False)
    assert "is not written to a terminal; name a file with -o" in capsys.readouterr().err


def test_the_schema_and_the_macros_are_listed(here: Here) -> None:
    """As tables and as JSON; a wrong table names the nearest."""
    assert "params" in here("sql", "--schema").stdout
    columns = json.loads(here("sql", "--schema", "nodes", "--format", "json").stdout)
    assert [each["column"] for each in columns] == list(TABLES["nodes"].names)
    assert "did you mean 'nodes'" in here("sql", "--schema", "node").stderr
    assert len(here("sql", "--macros", "--format", "jsonl").stdout.splitlines()) == len(MACROS)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select unnest(range(1000000000))", "memory"),
        ("select printf('%2000000000d', 1)", "memory"),
        ("select levenshtein(repeat('a', 300000), repeat('b', 300000))", "longer than 1 s"),
        ("update extensions", "SELECT only; given was UPDATE"),
        ("select * from duckdb_settings()", "duckdb_settings"),
    ],
)
def test_a_question_beyond_the_limits_is_exit_code_2_and_a_sentence(
    query: str, said: str, here: Here
) -> None:
    """For any query and any format."""
    for form in ("table", "csv"):
        done = here("sql", query, "--timeout", "1", "--format", form)
        assert done.exit_code == 2
        assert done.stderr.startswith("error: ")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_long_table_is_cut_and_the_rest_is_counted(here: Here) -> None:
    """A table is held whole, so it has an end; csv and json are written as the rows come, to the last."""
    query = "select range as n from range(25000)"
    done = here("sql", query)
    assert done.stdout.split() == ["n", *map(str, range(_MOST_PIPED_ROWS))]
    assert "15,000 rows more; --format csv and --format json write all rows" in done.stderr
    assert here("sql", query, "--format", "csv").stdout.split() == ["n", *map(str, range(25_000))]
    assert json.loads(here("sql", query, "--format", "json").stdout) == [{"n": n} for n in range(25_000)]


@pytest.mark.parametrize("width", [80, 200])
def test_texts_are_there_at_any_width_and_what_is_hidden_is_named(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Texts are cut with an ellipsis, numbers are not, and hidden columns are reported."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    from odibi_core.cli import app

    query = "select 'event' as event_type, repeat('long text ', 30) as message, 12345678.5 as took, null as nothing"
    others = ", ".join(f"'value {n}' as column_{n}" for n in range(12))
    app(["sql", f"{query}, {others}"], standalone_mode=False)
    head, row = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
    assert max(map(len, (head, row))) <= width
    assert row.startswith("event ")
    assert "long text" in row
    assert "…" in row
    assert "12345678.5" in row
    said = capsys.readouterr().err
    hidden = [name for name in ("nothing", *(f"column_{n}" for n in range(12))) if name not in head]
    told = f"{len(hidden)} columns hidden ({', '.join(hidden)})"
    assert ("nothing" in hidden, told in " ".join(said.split())) == (
        (True, True) if width == 80 else (False, False)
    )


def test_damage_of_the_log_is_told_with_the_answer(here: Here, tmp_path: Path) -> None:
    """On stderr; the answer has all the lines that could be read."""
    kept = RunStore(tmp_path)
    journal = kept.open(kept.new_run_id("x"))
    journal(an_event("a"))
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'no json\n{"half')
    done = here("sql", "select count(*) as n from logs", "--store", str(tmp_path))
    assert done.stdout.split() == ["n", "1"]
    assert "the log: skipped 1 torn and 1 unreadable lines" in done.stderr


def test_a_query_that_is_no_text_is_refused(here: Here) -> None:
    """The bytes of an argument need not be UTF-8."""
    done = here("sql", "select '\udcff'")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "must be UTF-8" in done.stderr


ENDLESS = ["sql", "select * from range(1000000000)", "--format", "csv"]


def _started() -> subprocess.Popen[bytes]:
    """An endless answer of which the first line was read, in a process group of its own."""
    process = subprocess.Popen(
        command(*ENDLESS), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"range\n"
    return process


def _children(process: subprocess.Popen[bytes]) -> list[int]:
    """Descriptors that become readable when a child of the process ends."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [os.pidfd_open(int(pid)) for pid in pids]


@pytest.mark.parametrize("ended_by", ["reader", "ctrl-c"])
def test_an_answer_that_nobody_waits_for_ends(ended_by: str) -> None:
    """The reader closes the pipe, or Ctrl-C reaches both processes: the exit code differs, and no process is left."""
    process = _started()
    children = _children(process)
    assert children
    assert process.stdout is not None
    if ended_by == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
    else:  # not after Ctrl-C as well: a write into the closed pipe may come before the signal is handled
        process.stdout.close()
        process.stdout = None
    _, said = process.communicate(timeout=60)
    assert process.returncode == (130 if ended_by == "ctrl-c" else 141)
    assert b"Traceback" not in said
    for child in children:
        assert wait([child], 30)
        os.close(child)


def test_no_room_for_the_temporary_file_is_exit_code_4(tmp_path: Path) -> None:
    """A sentence that names what can be done; it is no fault of the query."""
    kept = RunStore(tmp_path)
    journal = kept.open(kept.new_run_id("x"))
    for _ in range(100):
        journal(an_event("a", text="x" * 1000))
    journal.close()
    asked = shlex.join(command("sql", "select count(*) from logs", "--store", str(tmp_path)))
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 8; exec {asked}"], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "could not be copied to a temporary file: File too large; make room, or set TMPDIR" in done.stderr
