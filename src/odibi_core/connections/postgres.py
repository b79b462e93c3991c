"""The connection to a PostgreSQL database that has the tables of the history."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from odibi_core.connections.base import Proof, Question, Values, Written
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.history.database.base import Database
from odibi_core.history.database.opening import open_database
from odibi_core.settings import ObservabilityConfig, environment_value
from odibi_core.store.sql_text import quoted

_PASSWORD: Final = "PGPASSWORD"


class _Undone(Exception):
    """Ends the transaction of the test."""


class PostgresConnection(SettingsConnection):
    """The tables of the history in PostgreSQL."""

    title = "the tables of the history to PostgreSQL (odibi store export)"
    questions = (
        Question(
            "url", "postgresql://user@host:5432/name, best without the password (PGPASSWORD)", "store_export_to",
            is_required=True,
        ),
    )  # fmt: skip

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether there is a database."""
        return bool(config.store_export_to)

    def write(self, values: Values, *, with_secrets: bool) -> Written:
        """Write the URL, without its password unless that is asked for."""
        scheme, sign, rest = values["url"].partition("://")
        login, at, place = rest.rpartition("@")
        user, colon, _ = login.partition(":")
        if not colon or with_secrets:
            return super().write(values, with_secrets=with_secrets)
        done = super().write({"url": f"{scheme}{sign}{user}{at}{place}"}, with_secrets=False)
        if not environment_value(_PASSWORD):
            done.variables[_PASSWORD] = "the password, which the file has not"
        return done

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Create the schema and a table, and undo both."""
        database = open_database(config.store_export_to)
        assert database is not None
        with closing(database):
            try:
                with database.transaction(), database.failing("may not be written"):
                    _write(database)
                    raise _Undone
            except _Undone:
                pass
        where = f"schema {database.schema} of {database.shown}" if database.schema else database.shown
        return Proof("arrived", f"a test table was written and undone in {where}")


def _write(database: Database) -> None:
    database.create_schema()
    table = f"{quoted(database.schema)}.odibi_connect" if database.schema else "odibi_connect"
    database.execute(f"create table {table} (n bigint)")
    database.execute(f"insert into {table} values (1)")
