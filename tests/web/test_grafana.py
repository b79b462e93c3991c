"""The Grafana dashboard over the API: a server answers each panel's request, as the data source Infinity sends it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient
from tests.architecture.plan import ROOT
from tests.dashboards import check_board
from tests.history.stores import START, event_with_seq, events_of, write_run
from tests.web.served import client

from odibi_core.alerts import log
from odibi_core.events import Event, kinds
from odibi_core.testing import an_event

BOARD: dict[str, Any] = json.loads((ROOT / "grafana_templates" / "odibi_server_dashboard.json").read_text("utf-8"))
PANELS = {panel["title"]: panel for panel in BOARD["panels"]}
RUNS = 12
HARD = "a/b #?%2f é"
TYPES = {"string": str, "number": int | float, "timestamp": str}


def alert(run_id: str, day: int) -> Event:
    """Return an open alert of a rule."""
    about = {"rule": "rows", "rule_kind": "rows", "severity": "warning", "owner": "data", "message": "few rows"}
    at = START + timedelta(days=day)
    ids = {"run_id": run_id, "alert_id": run_id, "alert_key": run_id}
    return an_event(kinds.ALERT_RAISED, timestamp=at, pipeline_name="daily", **ids, **about)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with runs of two pipelines, with costs, files and alerts."""
    root = tmp_path_factory.mktemp("grafana")
    unusual = {"level": "warning", "family": "rows", "series": "rows", "message": "few rows"}
    for day in range(RUNS):
        run_id = f"{START + timedelta(days=day):%Y%m%dT%H%M%S}-daily-{day:08x}"
        events = events_of(run_id, "daily", day, "failed" if day % 5 == 4 else "success")
        layers = {"load": "ingest", "clean": "publish"}
        events = [replace(each, layer=layers.get(each.node_name or "")) for each in events]
        events[-1] = replace(events[-1], error="it failed" if day % 5 == 4 else None, fields={"unusual": 1})
        about = {"run_id": run_id, "timestamp": START + timedelta(days=day, milliseconds=4), "writer_id": run_id}
        file = {"dataset": "orders", "uri": "file:///data/orders.parquet", "format": "parquet", "row_count": 90}
        more = [
            an_event("cost", operation="query", estimated_cost_usd=0.5, pipeline_name="daily", **about),
            an_event(kinds.FILE_ACCESS, node_name="clean", access="write", **file, **about),
            an_event(kinds.FILE_ACCESS, node_name="load", access="read", **file, **about),
            an_event(kinds.ANOMALY, node_name="load", alert_id=f"a{day}", pipeline_name="daily", **unusual, **about),
        ]
        write_run(root, run_id, [event_with_seq(each, place) for place, each in enumerate([*events, *more])])
        log.write(root, [alert(run_id, day)])
    name = "20260112T050000-hard-00000001"
    write_run(root, name, events_of(name, HARD, 11, "running"))
    return root


def values(pipeline: str = "daily") -> dict[str, str]:
    """Return what Grafana puts in the places of the variables."""
    moments = {"from": START - timedelta(days=1), "to": START + timedelta(days=30)}
    times = {f"${{__{name}:date:iso}}": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z" for name, moment in moments.items()}
    encoded = {"${pipeline:percentencode}": quote(pipeline, safe=""), "${step:percentencode}": "clean"}
    return {**times, **encoded, "${pipeline}": pipeline}


def filled_in(text: str, pipeline: str) -> str:
    for variable, value in values(pipeline).items():
        text = text.replace(variable, value)
    assert "$" not in text, text
    return text


def rows_of(asked: TestClient, target: dict[str, Any], pipeline: str = "daily") -> list[Any]:
    """Return the rows that the data source finds in the answer: it appends the parameters, and follows the selector."""
    assert (target["type"], target["source"], target["parser"], target["format"]) == ("json", "url", "backend", "table")
    given = [(each["key"], filled_in(each["value"], pipeline)) for each in target["url_options"]["params"]]
    response = asked.get(
        f"{filled_in(target['url'], pipeline)}?{urlencode(given)}", headers={"authorization": "Bearer read-it"}
    )
    assert response.status_code == 200, response.text
    rows = found(response.json(), target["root_selector"])
    return rows if isinstance(rows, list) else [rows]


def found(value: Any, selector: str) -> Any:
    """Return the value at a place; a place that is not there is a failure, and not null."""
    for name in selector.split(".") if selector else ():
        value = value[name]
    return value


@pytest.fixture(scope="module")
def asked(root: Path) -> TestClient:
    """Return a client of a server that needs a token, and gives one that may only read."""
    return client(root, token="write-it", read_token="read-it")


@pytest.mark.parametrize("title", PANELS)
def test_each_panels_request_has_its_columns(asked: TestClient, title: str) -> None:
    """Each row has each column, with a value of its type or null, and no column is null in all rows."""
    (target,) = PANELS[title]["targets"]
    rows = rows_of(asked, target)
    assert rows
    for column in target["columns"]:
        cells = [found(row, column["selector"]) for row in rows]
        known = [cell for cell in cells if cell is not None]
        assert all(isinstance(cell, TYPES[column["type"]]) and not isinstance(cell, bool) for cell in known), column
        if column["type"] == "timestamp":
            assert all(datetime.fromisoformat(cell) for cell in known)
        assert known or column["text"] in ("Next due", "Late since"), column


def test_the_figures_are_those_of_the_runs(asked: TestClient) -> None:
    """The numbers of the panels are those of the store: of 13 runs two failed, one goes on, each of 12 has a cost."""
    wanted = {"Runs": RUNS + 1, "Failed runs": 2, "Lost runs": 0, "Running": 1, "Known cost": RUNS / 2}
    numbers = {}
    for title in wanted:
        (target,) = PANELS[title]["targets"]
        (row,) = rows_of(asked, target)
        numbers[title] = found(row, target["columns"][0]["selector"])
    assert numbers == wanted
    points = rows_of(asked, PANELS["Rows of the step"]["targets"][0])
    assert [row["rows_out"] for row in points][:5] == [100, 99, 98, 97, None]
    assert [row["run_started"] for row in points] == sorted(row["run_started"] for row in points)
    last = points[-1]
    assert last["rows_out_low"] <= last["rows_out"] <= last["rows_out_high"]


def test_a_time_range_is_the_range_of_the_points(asked: TestClient) -> None:
    """Rows are those of runs of the time, ranges are learned from the runs before it; the oldest are left out."""
    path = "/api/pipelines/daily/steps/load/points"
    since, until = (START + timedelta(days=days) for days in (8, 10))
    query: dict[str, Any] = {"since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    headers = {"authorization": "Bearer read-it"}
    answer = asked.get(path, params=query, headers=headers).json()
    assert [point["duration_ms"] for point in answer["points"]] == [18.0, 19.0]
    assert all(point["duration_ms_low"] is not None for point in answer["points"])
    assert answer["more"] is False
    answer = asked.get(path, params={**query, "limit": 1}, headers=headers).json()
    assert ([point["duration_ms"] for point in answer["points"]], answer["more"]) == ([19.0], True)
    assert asked.get(path, params={"until": "0001-01-01T00:00:00Z"}, headers=headers).json()["points"] == []


def test_the_pipelines_and_steps_to_choose_from_are_there(asked: TestClient) -> None:
    """The variables list names; one that no path could have is encoded, and its panels are answered."""
    source, pipeline, step = BOARD["templating"]["list"]
    assert source["query"] == pipeline["datasource"]["type"] == "yesoreyeram-infinity-datasource"
    assert [row["name"] for row in rows_of(asked, pipeline["query"]["infinityQuery"])] == [HARD, "daily"]
    names = [row["name"] for row in rows_of(asked, step["query"]["infinityQuery"])]
    assert (sorted(names), step["regex"]) == (["all steps", "clean", "load"], "/^(?!all steps$).+$/")
    assert rows_of(asked, PANELS["Duration of the step"]["targets"][0], HARD)
    assert rows_of(asked, PANELS["Runs of the pipeline"]["targets"][0], HARD)


def test_a_server_without_the_token_refuses(root: Path) -> None:
    """The data source has the token as a header; without it each request is 401, and no empty panel."""
    asked = client(root, token="write-it", read_token="other")
    with pytest.raises(AssertionError, match="token"):
        rows_of(asked, PANELS["Runs"]["targets"][0])


def test_a_misspelt_column_is_found(asked: TestClient) -> None:
    """Sabotage: a column of another name is missing, and not null."""
    (target,) = PANELS["Errors by cause"]["targets"]
    (row, *_) = rows_of(asked, target)
    with pytest.raises(KeyError):
        found(row, "last_saw")


def test_the_dashboard_can_be_imported_and_each_panel_is_described() -> None:
    check_board(BOARD, "odibi-server", (ROOT / "grafana_templates" / "README.md").read_text("utf-8"))
