"""The tables of a history in SQLite, DuckDB and PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.history.stores import START, events_of, write_run, write_runs

from odibi_core.errors import ConfigurationError, StoreError
from odibi_core.history.compaction import Options, compact
from odibi_core.history.database import exporting, tables
from odibi_core.history.database.base import Database
from odibi_core.history.database.exporting import Export, Exported
from odibi_core.history.database.opening import open_database
from odibi_core.history.database.stored_runs import StoredRuns
from odibi_core.history.history import History
from odibi_core.history.index.filters import RunFilter
from odibi_core.history.noticing import notes
from odibi_core.history.schema import TABLES, Table
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event

KINDS = ["sqlite", "duckdb", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
STRANGE = "a\0b 'c' \"d\" \\ \t\n é ␟ 100% \\u0000"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables of the history."""
    if request.param != "postgresql":
        return f"{request.param}:///{tmp_path}/history.{request.param}"
    import psycopg

    found = str(request.getfixturevalue("postgresql"))
    with psycopg.connect(found) as connection:
        connection.execute("DROP SCHEMA IF EXISTS odibi CASCADE")
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def exported(root: Path, url: str, **about: Any) -> Exported:
    return Export(RunStore(root), url, **about).run()


def select(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query with `{table}` for a table; times as texts, values of JSON decoded."""
    database = open_database(url)
    assert database is not None
    with closing(database):
        named = {name: database.named(name) for name in (*TABLES, "odibi_exports")}
        return database.execute(query.format(**named))


COUNTS = " union all ".join(f"select '{name}' as name, count(*) as number from {{{name}}}" for name in TABLES)


def counts(url: str) -> dict[str, int]:
    return dict(select(url, COUNTS))


def wanted_counts(root: Path) -> dict[str, int]:
    answer = History(root).sql(COUNTS.format(**{name: name for name in TABLES}))
    return {row["name"]: row["number"] for row in answer.rows}


def test_every_table_has_the_rows_of_the_store_and_a_second_export_changes_nothing(url: str, root: Path) -> None:
    """And a run that grew replaces its rows; the others are not written again."""
    write_runs(root, 7)
    write_run(root, "20260201T040000-live-00000001", events_of("20260201T040000-live-00000001", "live", 31, "running"))
    first = exported(root, url)
    assert (first.new, first.changed, first.unchanged) == (8, 0, 0)
    assert counts(url) == wanted_counts(root) == {**dict.fromkeys(TABLES, 0), **first.rows}
    again = exported(root, url)
    assert (again.new, again.changed, again.unchanged, again.rows) == (0, 0, 8, {})
    assert counts(url) == wanted_counts(root)
    end = events_of("20260201T040000-live-00000001", "live", 31)[-1:]
    write_run(root, "20260201T040000-live-00000001", end)
    grown = exported(root, url)
    assert (grown.new, grown.changed, grown.unchanged, grown.rows["runs"]) == (0, 1, 7, 1)
    assert counts(url) == wanted_counts(root)
    assert select(url, "select status from {runs} where pipeline_name = 'live'") == [("success",)]


def test_the_rows_of_a_compacted_run_are_those_of_its_journal(tmp_path: Path, root: Path) -> None:
    """A run that moved to Parquet has not changed; in a new database it has the same rows."""
    write_runs(root, 3)
    hot, cold = (f"sqlite:///{tmp_path}/{name}.db" for name in ("hot", "cold"))
    exported(root, hot)
    compact(RunStore(root), Options(grace_s=0))
    assert exported(root, hot).unchanged == 3
    exported(root, cold)
    for name in TABLES:
        order = ", ".join(str(place + 1) for place in range(len(TABLES[name].columns)))
        query = f"select * from {{{name}}} order by {order}"
        assert select(cold, query) == select(hot, query), name


def test_values_keep_their_types(url: str, root: Path) -> None:
    """Times are moments in UTC, JSON can be asked by its members, and texts are what they were.

    PostgreSQL has no place for the character NUL, which becomes U+FFFD there.
    """
    run_id = "20260101T040000-daily-00000000"
    about: dict[str, Any] = {"params": {"limit": 2**53 + 1, STRANGE: STRANGE}, "git": {"dirty": False}}
    more = an_event("note", message=STRANGE, run_id=run_id, timestamp=START, row_count=2**62, extra={"x": STRANGE})
    write_run(root, run_id, [*events_of(run_id, **about), more])
    exported(root, url)
    text = STRANGE.replace("\0", "�") if url.startswith("postgresql") else STRANGE
    ((started, dirty, params),) = select(url, "select started, git_dirty, params from {runs}")
    ((message, rows, fields),) = select(url, "select message, row_count, fields from {logs} where event_type = 'note'")
    params, fields = (each if isinstance(each, dict) else json.loads(each) for each in (params, fields))
    moment = datetime.fromisoformat(started) if isinstance(started, str) else started
    assert (moment.replace(tzinfo=moment.tzinfo or UTC), bool(dirty), rows) == (START, False, 2**62)
    assert (message, params["limit"], params[text], fields["extra"]["x"]) == (text, 2**53 + 1, text, text)
    if url.startswith("postgresql"):
        assert select(url, "select (params->>'limit')::bigint, pg_typeof(started)::text from {runs}") == [
            (2**53 + 1, "timestamp with time zone")
        ]


@pytest.mark.parametrize("sabotaged", [False, True])
@pytest.mark.parametrize("kind", KINDS[::2])
def test_a_killed_export_leaves_whole_runs(
    kind: str, sabotaged: bool, request: pytest.FixtureRequest, root: Path, tmp_path: Path
) -> None:
    """SIGKILL while the second part of the runs is written; the next export completes it.

    Sabotage: without transactions, there are runs without all of their rows.
    """
    url = request.getfixturevalue("postgresql") if kind == "postgresql" else f"sqlite:///{tmp_path}/x.db"
    schema = f"killed_{sabotaged}".lower() if kind == "postgresql" else ""
    write_runs(root, 6)
    exported_by_killed_child(Export(RunStore(root), url, schema), sabotaged=sabotaged)
    database = open_database(url, schema)
    assert database is not None
    with closing(database):
        nodes = dict(database.execute(f"select run_id, count(*) from {database.named('nodes')} group by run_id"))
        logs = dict(database.execute(f"select run_id, count(*) from {database.named('logs')} group by run_id"))
        noted = {run_id for (run_id,) in database.execute(f"select run_id from {database.named('odibi_exports')}")}
    is_whole = nodes.keys() == logs.keys() == noted
    assert is_whole is not sabotaged
    assert len(noted) == 2
    if not sabotaged:
        assert Export(RunStore(root), url, schema).run().new == 4


def exported_by_killed_child(export: Export, *, sabotaged: bool) -> None:
    """Export two runs at a time in a forked child, which is killed while it writes the second part."""
    child = os.fork()
    if not child:
        try:
            StoredRuns.chunks = lambda self, runs: iter([[*runs[:2]], [*runs[2:]]])  # type: ignore[method-assign]

            def opened(*about: Any, **more: Any) -> Database:
                database = open_database(*about, **more)
                assert database is not None
                insert, calls = database.insert, 0

                def killing(table: Any, rows: Any) -> int:
                    nonlocal calls
                    calls += table.name == "checks"
                    if calls == 2:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return insert(table, rows)

                database.insert = killing  # type: ignore[method-assign]
                if sabotaged:
                    database.transaction = nullcontext  # type: ignore[method-assign]
                return database

            exporting.open_database = opened  # type: ignore[attr-defined]
            export.run()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.xdist_group("postgresql")
def test_many_hosts_export_into_one_database_at_once(postgresql: str, tmp_path: Path) -> None:
    """Two stores with runs of their own and one that both have; the tables are created at the same time."""
    roots = [tmp_path / name for name in "ab"]
    for number, root in enumerate(roots):
        write_runs(root, 10, f"pipeline{number}")
        write_runs(root, 5, "common")
    work = [
        threading.Thread(target=Export(RunStore(root), postgresql, "at_once").run)
        for root in roots * 2
    ]  # fmt: skip
    for each in work:
        each.start()
    for each in work:
        each.join()
    database = open_database(postgresql, "at_once")
    assert database is not None
    with closing(database):
        runs = database.execute("select run_id, count(*) from at_once.runs group by run_id")
        nodes = database.execute("select count(*), count(distinct run_id || node_name) from at_once.nodes")
    assert (len(runs), {number for _, number in runs}) == (25, {1})
    assert nodes == [(50, 50)]


def test_a_column_that_was_added_later_is_added_there(
    url: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And every run is exported again, once; an older version on another host leaves the rows as they are."""
    write_runs(root, 2)
    last = TABLES["runs"].names[-1]
    with monkeypatch.context() as older:
        short = dict(tables.EXPORTED)
        short["runs"] = Table("runs", "run", TABLES["runs"].columns[:-1])
        for module in (tables, exporting):
            older.setattr(module, "EXPORTED", short)
        older.setattr(exporting, "VERSION", tables.VERSION - 1)
        older.setattr(StoredRuns, "rows", short_runs(StoredRuns.rows))
        assert exported(root, url).new == 2
        with pytest.raises(Exception, match=last):
            select(url, f"select {last} from {{runs}}")
    assert exported(root, url).changed == 2
    assert len(select(url, f"select {last} from {{runs}}")) == 2
    monkeypatch.setattr(exporting, "VERSION", tables.VERSION - 1)
    assert exported(root, url).unchanged == 2


def short_runs(rows: Any) -> Any:
    """Return `StoredRuns.rows` of a version that has a column less."""

    def shorter(*about: Any) -> Any:
        return {
            run_id: {**found, "runs": [row[:-1] for row in found["runs"]]} for run_id, found in rows(*about).items()
        }

    return shorter


def test_a_newer_record_of_another_host_is_not_replaced(tmp_path: Path) -> None:
    """As by a host whose copy of a shared store is behind."""
    url = f"sqlite:///{tmp_path}/x.db"
    name = write_runs(tmp_path / "ahead", 1)[0]
    write_run(tmp_path / "behind", name, events_of(name)[:-2])
    exported(tmp_path / "ahead", url)
    behind = exported(tmp_path / "behind", url)
    assert (behind.newer, behind.changed, behind.rows) == (1, 0, {})
    assert select(url, "select status from {runs}") == [("success",)]


def test_notes_reach_the_alerts_and_so_do_runs_that_did_not_come(url: str, root: Path) -> None:
    """`odibi ack` and `odibi mute` change a run's alerts alone, once."""
    run_id = write_runs(root, 2)[0]
    finding = {"alert_id": "a1", "family": "rows", "pipeline_name": "daily"}
    write_run(root, run_id, [an_event("anomaly", run_id=run_id, timestamp=START, level="warning", **finding)])
    exported(root, url)
    query = "select acknowledged is not null, muted from {alerts} where alert_id = 'a1'"
    assert [tuple(map(bool, row)) for row in select(url, query)] == [(False, False)]
    notes.write(root, notes.ACKNOWLEDGED, "seen", {"alert_id": "a1"})
    notes.write(root, notes.MUTED, "muted", {"pipeline_name": "daily", "family": "rows"})
    notes.write(root, notes.MISSED, "late", {"alert_id": "m1", "pipeline_name": "daily", "due": "2026-01-05T04:00:00Z"})
    done = exported(root, url)
    assert (done.changed, done.unchanged, done.missed, done.rows["runs"]) == (1, 1, 1, 1)
    assert [tuple(map(bool, row)) for row in select(url, query)] == [(True, True)]
    assert counts(url)["alerts"] == wanted_counts(root)["alerts"] == 2
    again = exported(root, url)
    assert (again.changed, again.missed) == (0, 0)


def test_some_tables_and_some_runs(tmp_path: Path, root: Path) -> None:
    """An export of further tables has the runs again; so has one of tables with old rows of a run that grew."""
    url = f"sqlite:///{tmp_path}/x.db"
    names = write_runs(root, 3)
    assert exported(root, url, tables=["runs"]).rows == {"runs": 3}
    assert exported(root, url, tables=["runs"]).unchanged == 3
    assert exported(root, url, tables=["nodes"]).rows == {"nodes": 6}
    assert exported(root, url, tables=["nodes", "runs"]).unchanged == 3
    write_run(root, names[0], [an_event("note", run_id=names[0], timestamp=START, writer_id="late")])
    assert exported(root, url, tables=["runs"]).changed == 1
    assert exported(root, url, tables=["nodes"]).changed == 1
    late = RunFilter(since=START + timedelta(days=1))
    assert Export(RunStore(root), f"sqlite:///{tmp_path}/y.db").run(late).new == 2
    assert Export(RunStore(root), f"sqlite:///{tmp_path}/z.db").run(RunFilter(pipeline_name="no")).new == 0
    with pytest.raises(ConfigurationError, match=r"got 'node' \(did you mean 'nodes'\?\)"):
        exported(root, url, tables=["node"])


def test_a_dry_run_creates_and_changes_nothing(url: str, root: Path, tmp_path: Path) -> None:
    """It counts as the export would."""
    write_runs(root, 2)
    plan = Export(RunStore(root), url).plan()
    assert (plan.new, plan.rows, plan.is_dry_run) == (2, {}, True)
    assert not list(tmp_path.glob("history.*"))
    assert exported(root, url).new == 2
    write_runs(root, 3)  # the first two have each event twice now
    plan = Export(RunStore(root), url).plan()
    assert (plan.new, plan.changed) == (1, 2)
    assert counts(url)["runs"] == 2


def test_a_table_of_another_program_is_left_alone(url: str, root: Path) -> None:
    """It is refused before anything is written; a file of the export can be read by its owner alone."""
    write_runs(root, 1)
    database = open_database(url)
    assert database is not None
    with closing(database):
        database.create_schema()
        database.execute(f"create table {database.named('runs')} (id bigint)")
    with pytest.raises(ConfigurationError, match="has a table 'runs' that no export made"):
        exported(root, url)
    with pytest.raises(Exception, match="nodes"):
        select(url, "select * from {nodes}")
    if not url.startswith("postgresql"):
        assert Path(url.partition("///")[2]).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("mysql://me:hush@db/x", "must be postgresql://user@host:port/name, sqlite:///file or duckdb:///file"),
        ("sqlite://file.db", "must be sqlite:///file"),
        ("duckdb:///", "must be duckdb:///file"),
        ("postgresql://me:hush@db:port/x?what=no", "must be postgresql://user@host:port/name, got 'postgresql://db:port"),
        ("history", "must be postgresql://"),
    ],
)
def test_a_wrong_url_is_an_error_without_its_password(bad: str, words: str, root: Path) -> None:
    """Named with the forms that would be right, before the store is read."""
    with pytest.raises(ConfigurationError) as caught:
        exported(root, bad)
    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.xdist_group("postgresql")
def test_the_password_comes_from_the_environment_and_is_in_no_message(
    postgresql: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PGPASSWORD`, as for every program of PostgreSQL; a wrong one is refused by the server."""
    from tests.services.postgres import PASSWORD

    write_runs(root, 1)
    bare = postgresql.replace(f":{PASSWORD}", "")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert Export(RunStore(root), bare, "by_environment").run().new == 1
    wrong = postgresql.replace(PASSWORD, "wrong-canary")
    with pytest.raises(StoreError, match=r"cannot be reached: .*password authentication failed") as caught:
        exported(root, wrong)
    assert "wrong-canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(StoreError, match=r"cannot be reached: .*refused"):
        exported(root, f"postgresql://me:{PASSWORD}@127.0.0.1:1/x")


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path, root: Path) -> None:
    """With the name of the file, for both kinds of files."""
    (tmp_path / "x.db").write_text("this is a text, and much longer than any header" * 5)
    for kind in ("sqlite", "duckdb"):
        with pytest.raises(StoreError, match=f"{kind}:///.*x.db cannot be"):
            exported(root, f"{kind}:///{tmp_path}/x.db")
