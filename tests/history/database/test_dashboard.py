"""The Grafana dashboard over the history in PostgreSQL: a real server answers each panel's query."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.architecture.plan import ROOT
from tests.dashboards import check_board
from tests.history.stores import START, events_of, write_run

from odibi_core.history.database.exporting import Export
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event

pytestmark = pytest.mark.xdist_group("postgresql")
FOLDER = ROOT / "grafana_templates"
BOARD: dict[str, Any] = json.loads((FOLDER / "odibi_history_dashboard.json").read_text("utf-8"))
PANELS = {panel["title"]: panel for panel in BOARD["panels"]}
SCHEMA = "dashboard"


def filled_in(query: str) -> str:
    """Return a query as Grafana sends it: its macros and the variables replaced."""
    last = (START + timedelta(days=30)).isoformat()
    query = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 BETWEEN '{START.isoformat()}' AND '{last}'", query)
    query = re.sub(r"\$__timeGroup\((\w+), \$__interval\)", r"floor(extract(epoch from \1)/3600)*3600", query)
    query = query.replace("${schema}", SCHEMA).replace("${pipeline:sqlstring}", "'daily','other'")
    assert "$" not in query, query
    return query


@pytest.fixture(scope="module")
def database(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database with the history of two pipelines."""
    root = tmp_path_factory.mktemp("dashboard") / "store"
    for pipeline in ("daily", "other"):
        for day in range(5):
            run_id = f"2026010{day + 1}T040000-{pipeline}-00000000"
            events = events_of(run_id, pipeline, day, "failed" if day == 4 else "success")
            write_run(root, run_id, [replace(each, layer="publish") if each.node_name else each for each in events])
            cost = an_event("cost", run_id=run_id, timestamp=START, operation="query", estimated_cost_usd=0.5)
            finding = an_event("anomaly", run_id=run_id, timestamp=START, alert_id=run_id, level="warning")
            write_run(root, run_id, [cost, finding])
    Export(RunStore(root), postgresql, SCHEMA).run()
    return postgresql


def answer(database: str, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    import psycopg

    with psycopg.connect(database) as connection:
        cursor = connection.execute(filled_in(query))
        return [column.name for column in cursor.description or ()], cursor.fetchall()


@pytest.mark.parametrize("title", PANELS)
def test_each_panels_query_returns_data(database: str, title: str) -> None:
    """A graph gets a time, a name and a number in each row; a number is one row with one value."""
    panel = PANELS[title]
    (target,) = panel["targets"]
    names, rows = answer(database, target["rawSql"])
    assert rows
    assert any(value not in (None, 0) for row in rows for value in row)
    if target["format"] == "time_series":
        assert names == ["time", "metric", "value"]
        assert all(isinstance(metric, str) and value is not None for _, metric, value in rows)
    elif panel["type"] in ("stat", "gauge"):
        assert (len(rows), len(names)) == (1, 1)


def test_the_figures_are_those_of_the_runs(database: str) -> None:
    """Of ten runs two failed; each has a finding and a cost."""
    wanted = {"Runs": 10, "Failed runs": 2, "Successful runs": 0.8, "Cost": 5.0, "Unacknowledged findings": 10}
    found = {title: float(answer(database, PANELS[title]["targets"][0]["rawSql"])[1][0][0]) for title in wanted}
    assert found == wanted


def test_a_misspelt_column_is_found(database: str) -> None:
    """Sabotage: the server refuses the query of a panel whose column is called otherwise."""
    import psycopg

    query = PANELS["Runs by status"]["targets"][0]["rawSql"].replace("status as", "state as")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        answer(database, query)


def test_the_pipelines_to_choose_from_are_there(database: str) -> None:
    """All are selected at first; the schema is that of the export unless the reader writes another."""
    _, schema, pipelines = BOARD["templating"]["list"]
    assert (schema["type"], schema["query"]) == ("textbox", "odibi")
    assert (pipelines["multi"], pipelines["includeAll"]) == (True, True)
    assert answer(database, pipelines["query"])[1] == [("daily",), ("other",)]


def test_the_dashboard_can_be_imported_and_each_panel_is_described() -> None:
    check_board(BOARD, "odibi-history", (FOLDER / "README.md").read_text("utf-8"))
