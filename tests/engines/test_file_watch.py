"""The watch over readers and writers of other libraries: what it sees, and that it changes nothing else."""

from __future__ import annotations

import ctypes
import pickle
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from odibi_core.engines import file_watch
from odibi_core.engines.file_readers import OPENERS, argument

Calls = list[tuple[str, Any]]


@pytest.fixture
def calls() -> Iterator[Calls]:
    """Every reported call: the opener and the path."""
    found: Calls = []

    def report(opener: Any, args: Any, kwargs: Any, result: Any) -> None:
        found.append((opener.name, argument(opener, args, kwargs)))

    pd.DataFrame({"n": [1, 2]}).to_csv("a.csv", index=False)
    pd.DataFrame({"n": [1, 2]}).to_parquet("a.parquet")
    file_watch.watch(report)
    yield found
    file_watch.unwatch(report)


def test_every_function_is_put_back_by_the_last_watch() -> None:
    """The same objects are in the same namespaces as before, also after two watches at once."""
    modules = {name: sys.modules[name] for name in OPENERS if name in sys.modules}
    owners = [*modules.values(), pd.DataFrame, pd.Series, pl.DataFrame, pl.LazyFrame, pq.ParquetFile]
    owners += [duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation]
    before = [dict(vars(owner)) for owner in owners]
    first, second = (lambda *_: None), (lambda *_: None)
    file_watch.watch(first)
    file_watch.watch(second)
    assert pd.read_csv is not before[owners.index(modules["pandas"])]["read_csv"]
    file_watch.unwatch(first)
    assert pd.read_csv is not before[owners.index(modules["pandas"])]["read_csv"]
    file_watch.unwatch(second)
    for owner, names in zip(owners, before, strict=True):
        changed = [name for name, value in names.items() if vars(owner).get(name) is not value]
        assert not changed, owner
        assert set(vars(owner)) == set(names)
    assert not any(type(finder).__module__ == file_watch.__name__ for finder in sys.meta_path)


def test_a_function_that_other_code_replaced_since_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a watch undoes no replacement but its own."""

    def own(*_: Any) -> str:
        return "own"

    report = lambda *_: None  # noqa: E731
    monkeypatch.setattr(pd, "read_csv", pd.read_csv)
    file_watch.watch(report)
    vars(pd)["read_csv"] = own
    file_watch.unwatch(report)
    assert vars(pd)["read_csv"] is own


def _instance_method(function: Any) -> Any:
    """Return what the methods of DuckDB 1.4 are: a callable of the C API whose hash is an error."""
    make = ctypes.pythonapi.PyInstanceMethod_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.py_object]
    return make(function)


class _NoHash:
    """A callable that compares by value, so that it has no hash."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _NoHash)


@pytest.mark.parametrize("make", [_instance_method, _NoHash])
def test_a_function_that_cannot_be_hashed_is_watched(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path and a SQL text are reported, by one replacement each, and the function is put back."""
    pd.DataFrame({"n": [1, 2]}).to_csv("a.csv", index=False)
    originals = {(pd, "read_csv"): make(pd.read_csv), (duckdb, "sql"): make(duckdb.sql)}
    for (module, name), function in originals.items():
        monkeypatch.setattr(module, name, function)
        with pytest.raises(TypeError, match="unhashable"):
            hash(function)
    found: Calls = []
    replacements: list[tuple[Any, Any]] = []

    def report(opener: Any, args: Any, kwargs: Any, result: Any) -> None:
        found.append((opener.name, argument(opener, args, kwargs)))

    for _ in range(2):
        try:
            file_watch.watch(report)
            assert len(pd.read_csv("a.csv")) == 2
            duckdb.sql("select 1")
            replacements.append((pd.read_csv, duckdb.sql))
        finally:
            file_watch.unwatch(report)
        assert all(getattr(module, name) is function for (module, name), function in originals.items())
    assert found == [("read_csv", "a.csv"), ("sql", "select 1")] * 2
    (first_read, first_sql), (second_read, second_sql) = replacements
    assert first_read is second_read
    assert first_sql is second_sql
    assert first_read is not first_sql


def test_two_equal_functions_have_replacements_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equality is not identity: the second function is called, not the first again."""
    answers = []

    def report(*_: Any) -> None:
        pass

    for answer in ("first", "second"):
        monkeypatch.setattr(pd, "read_csv", _NoHash(lambda *_, answer=answer: answer))
        try:
            file_watch.watch(report)
            answers.append(pd.read_csv("a.csv"))
        finally:
            file_watch.unwatch(report)
    assert answers == ["first", "second"]


def test_calls_of_each_library_are_reported_once(calls: Calls) -> None:
    """A call that a library makes inside of another is no access of its own."""
    pd.read_parquet("a.parquet")  # by pyarrow
    pl.read_csv("a.csv")
    pl.scan_parquet("a.parquet").collect().write_ndjson("b.jsonl")
    pq.ParquetFile("a.parquet").read()
    duckdb.sql("select * from 'a.csv'")
    with duckdb.connect() as connection:
        connection.execute("select * from 'a.parquet'").fetchall()
        connection.read_csv("a.csv").to_parquet("c.parquet")
    assert calls == [
        ("read_parquet", "a.parquet"),
        ("read_csv", "a.csv"),
        ("scan_parquet", "a.parquet"),
        ("DataFrame.write_ndjson", "b.jsonl"),
        ("ParquetFile.__init__", "a.parquet"),
        ("sql", "select * from 'a.csv'"),
        ("DuckDBPyConnection.execute", "select * from 'a.parquet'"),
        ("DuckDBPyConnection.read_csv", "a.csv"),
        ("DuckDBPyRelation.to_parquet", "c.parquet"),
    ]


def test_inside_unwatched_nothing_is_reported(calls: Calls) -> None:
    """The files of a step are reported by the step itself."""
    with file_watch.unwatched():
        assert len(pd.read_csv("a.csv")) == 2
    assert calls == []


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "inside"])
def test_duckdb_finds_the_frames_of_the_caller(calls: Calls, watched: bool) -> None:
    """A frame in a local variable is a table of SQL, as without the watch."""
    mine = pd.DataFrame({"x": [7]})
    with duckdb.connect() as connection:
        if watched:
            assert duckdb.execute("select x from mine").fetchall() == [(7,)]
            assert connection.execute("select x from mine").fetchall() == [(7,)]
        else:
            with file_watch.unwatched():
                assert connection.execute("select x from mine").fetchall() == [(7,)]
    assert mine["x"][0] == 7


def test_the_exception_is_that_of_the_library(calls: Calls) -> None:
    """A missing file raises as before, and the reader works afterwards."""
    with pytest.raises(FileNotFoundError):
        pd.read_csv("missing.csv")
    with pytest.raises(duckdb.Error):
        duckdb.sql("select * from nosuch")
    assert len(pd.read_csv("a.csv")) == 2
    assert [path for _, path in calls] == ["missing.csv", "select * from nosuch", "a.csv"]


def test_a_warning_of_a_library_names_the_line_of_the_caller(calls: Calls) -> None:
    """The default filter shows a DeprecationWarning for the file that caused it."""
    Path("odd.csv").write_text("a,b\n1,2,3\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pd.read_csv("odd.csv", engine="python", index_col=False, on_bad_lines="warn")
    assert caught
    assert {Path(warning.filename).name for warning in caught} == {Path(__file__).name}


def test_a_report_that_fails_is_no_error() -> None:
    """The reader returns its frame."""

    def report(*_: Any) -> None:
        raise ValueError("broken")

    Path("a.csv").write_text("n\n1\n")
    file_watch.watch(report)
    try:
        assert len(pd.read_csv("a.csv")) == 1
    finally:
        file_watch.unwatch(report)


def test_a_replaced_function_can_be_pickled(calls: Calls) -> None:
    """Pools of processes send functions by their names."""
    for function in (pd.read_csv, pl.read_csv, pd.DataFrame.to_csv):
        assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301 (made in this line)


def test_threads_report_their_own_calls(calls: Calls) -> None:
    """A call in one thread hides no call in another."""
    barrier = threading.Barrier(4)

    def read() -> None:
        barrier.wait()
        for _ in range(5):
            pd.read_csv("a.csv")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [("read_csv", "a.csv")] * 20


def test_a_name_that_a_module_imported_is_included() -> None:
    """`from pandas import read_csv` before the watch; the name is put back with the others."""
    Path("a.csv").write_text("n\n1\n")
    Path("steps_by_name.py").write_text("from pandas import read_csv\ndef step():\n    return read_csv('a.csv')\n")
    code = """
        import sys; sys.path.insert(0, ".")
        import pandas, steps_by_name
        from odibi_core.engines import file_watch
        original, seen = steps_by_name.read_csv, []
        report = lambda opener, args, kwargs, result: seen.append(args[0])
        file_watch.watch(report)
        steps_by_name.step()
        file_watch.include(steps_by_name.step)
        steps_by_name.step()
        file_watch.unwatch(report)
        assert seen == ["a.csv"], seen
        assert steps_by_name.read_csv is original
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_library_that_is_imported_later_is_included() -> None:
    """Nothing is imported for the watch; a reader of a library that a step imports is seen from its first call."""
    code = """
        import sys
        from odibi_core.engines import file_watch
        seen = []
        report = lambda opener, args, kwargs, result: seen.append((opener.name, args[0]))
        file_watch.watch(report)
        assert not {"pandas", "polars", "duckdb", "pyarrow"} & set(sys.modules)
        import polars
        loader = polars.__spec__.loader
        open("a.csv", "w").write("n\\n1\\n")
        polars.read_csv("a.csv")
        import pyarrow.csv
        pyarrow.csv.read_csv("a.csv")
        assert seen == [("read_csv", "a.csv")] * 2, seen
        file_watch.unwatch(report)
        assert "exec_module" not in vars(loader)
        assert polars.read_csv.__module__.startswith("polars.")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
