"""The API over a store, in this process: each route, its filters, its refusals; and the pages' headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.history.stores import START, events_of, write_run, write_runs
from tests.web.served import SAME, client

from odibi_core.history.noticing.notes import Notes
from odibi_core.testing import an_event

HARD = "a/b #?%2f é\u202e"
RUNS = 12


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with twelve runs of one pipeline, and one of a pipeline whose name no path could have."""
    root = tmp_path_factory.mktemp("served")
    write_runs(root, RUNS)
    name = "20260201T040000-hard-00000001"
    events = events_of(name, HARD, 31, "running", tags={"team": "sales"})
    note = {"node_name": "load", "level": "warning", "message": "Ünusual <b>words</b>"}
    write_run(root, name, [*events, an_event("log", run_id=name, timestamp=START, writer_id=name, seq=99, **note)])
    return root


@pytest.fixture(scope="module")
def asked(root: Path) -> TestClient:
    return client(root)


def got(asked: TestClient, path: str, **query: Any) -> Any:
    response = asked.get(path, params=query or None)
    assert response.status_code == 200, response.text
    return response.json()


def test_the_list_of_runs_is_paged_filtered_and_searched(asked: TestClient) -> None:
    """`total` counts all runs that pass the filter, whichever page is asked for."""
    page = got(asked, "/api/runs", pipeline="daily", limit=5, offset=10)
    assert (page["total"], len(page["runs"])) == (RUNS, 2)
    assert {run["state"] for run in got(asked, "/api/runs", status="failed")["runs"]} == {"failed"}
    assert got(asked, "/api/runs", search="DAILY-0000000B")["total"] == 1
    assert got(asked, "/api/runs", search=HARD)["runs"][0]["pipeline_name"] == HARD
    assert got(asked, "/api/runs", tag="team=sales")["total"] == 1
    assert got(asked, "/api/runs", since="2026-01-11T00:00:00Z", pipeline="daily")["total"] == 2
    assert got(asked, "/api/runs", offset=1000)["runs"] == []
    assert got(asked, "/api/runs", offset=1000)["total"] == RUNS + 1


def test_a_run_is_the_document_of_its_story_and_has_a_past(asked: TestClient) -> None:
    """A run is its story's document; at an earlier moment it is as it was then: a step was still running."""
    run_id = got(asked, "/api/runs", pipeline="daily")["runs"][0]["run_id"]
    document = got(asked, f"/api/runs/{run_id}")
    assert document["run"]["status"] == "success"
    begun = (START.replace(day=12)).isoformat(timespec="milliseconds").replace("+00:00", ".002Z").replace(".000.", ".")
    then = got(asked, f"/api/runs/{run_id}", at=begun)
    assert [step["state"] for step in then["steps"]] == ["running", "pending"]
    assert got(asked, "/api/runs/daily")["run"]["id"] == run_id  # as `odibi show daily`


def test_a_log_is_paged_and_filtered(asked: TestClient) -> None:
    """Pages follow one another without gap; the filters are those of `odibi logs`."""
    run_id = "20260201T040000-hard-00000001"
    lines, after, more = [], "", True
    while more:
        page = got(asked, f"/api/runs/{run_id}/log", limit=3, after=after)
        lines += page["lines"]
        after, more = page["next"], page["more"]
    assert len(lines) == 9
    assert got(asked, f"/api/runs/{run_id}/log", search="ünusual")["lines"][0]["message"] == "Ünusual <b>words</b>"
    assert got(asked, f"/api/runs/{run_id}/log", level="warning", newest=True, step="load")["lines"][0]["seq"] == 99
    assert got(asked, f"/api/runs/{run_id}/log", kind="node_start", step="clean")["lines"][0]["node_name"] == "clean"
    assert got(asked, f"/api/runs/{run_id}/log", after=after)["lines"] == []


def test_a_pipeline_whose_name_no_path_could_have_is_found(asked: TestClient) -> None:
    """A part of the path is a name as it is, percent-encoded once: a slash in it is a part of the name."""
    import urllib.parse

    name = urllib.parse.quote(HARD, safe="")
    assert got(asked, f"/api/pipelines/{name}/history")["pipeline"] == HARD
    assert got(asked, f"/api/pipelines/{name}/steps/load")["step"] == "load"
    assert asked.get(f"/api/pipelines/{name}/steps/laod").json()["error"].endswith("(did you mean 'load'?)")


def test_the_fleet_has_days_and_gaps(asked: TestClient) -> None:
    """A pipeline has a cell for each day with runs; a filter by state keeps the pipelines in trouble."""
    fleet = got(asked, "/api/pipelines", days=30)
    assert [each["name"] for each in fleet["pipelines"]] == [HARD, "daily"]
    assert fleet["total"] == 2
    assert got(asked, "/api/pipelines", search="DAI")["total"] == 1
    assert [each["name"] for each in got(asked, "/api/pipelines", only="running")["pipelines"]] == [HARD]


def test_the_history_of_a_step_has_the_usual_range(asked: TestClient) -> None:
    """Each value has the range that the values before it make usual; there is none while it is learned."""
    found = got(asked, "/api/pipelines/daily/steps/load")
    series = {each["name"]: each for each in found["series"]}
    assert series["rows out"]["values"] == [100.0] * RUNS
    assert series["duration"]["low"][0] is None
    assert series["duration"]["low"][-1] <= series["duration"]["values"][-1] <= series["duration"]["high"][-1]


def test_sql_is_one_select_in_its_own_process(asked: TestClient) -> None:
    """An answer has columns, types and rows; a statement that is no SELECT is refused with the reason."""
    found = got(asked, "/api/sql", query="select status, count(*) as n from runs group by 1 order by 1", limit=2)
    assert (found["columns"], found["rows"], found["more"]) == (["status", "n"], [["failed", 2], ["running", 1]], True)
    refused = asked.get("/api/sql", params={"query": "copy runs to '/tmp/x'"})
    assert (refused.status_code, "SELECT" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "has"),
    [
        ("/api/compare?run=daily", "comparison"),
        ("/api/datasets", "datasets"),
        ("/api/questions", "questions"),
        ("/api/metrics?run=daily", "by_node"),
        ("/api/errors", "errors"),
        ("/api/costs?by=day", "rows"),
        ("/api/usage?since=2026-01-01T00:00:00Z", "data_quality"),
        ("/api/health?since=2026-01-01T00:00:00Z", "checks"),
        ("/api/alerts?since=2026-01-01T00:00:00Z&all=true", "findings"),
    ],
)
def test_a_report_has_its_parts(asked: TestClient, path: str, has: str) -> None:
    """Each report answers, with the part that its page draws."""
    assert has in got(asked, path)


def test_an_error_is_shown_with_its_newest_failure(asked: TestClient) -> None:
    """The list has fingerprints; one of them has the example of the newest run."""
    (first, *_) = got(asked, "/api/errors")["errors"]
    assert got(asked, f"/api/errors/{first['fingerprint']}")["example"]["run_id"] == first["runs"][-1]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/runs?limit=0", 400, "limit"),
        ("/api/runs?limti=1", 400, "limti"),
        ("/api/runs?status=a&status=b", 400, "once"),
        ("/api/runs?since=yesterday", 400, "since"),
        ("/api/runs?since=2026-01-01T00:00:00", 400, "since"),
        ("/api/runs?tag=x", 400, "name=value"),
        ("/api/runs/nope", 404, "nope"),
        ("/api/pipelines/dayly/history", 404, "daily"),
        ("/api/runs/daily/log?after=AAAA", 400, "after"),
        ("/api/sql", 400, "query"),
        ("/api/nothing", 404, "openapi"),
    ],
)
def test_a_wrong_request_is_refused_by_name(asked: TestClient, path: str, status: int, words: str) -> None:
    """The message names what was given and is wrong."""
    response = asked.get(path)
    assert (response.status_code, words in response.json()["error"]) == (status, True), response.text


def test_an_alert_is_acknowledged_and_a_pipeline_muted(tmp_path: Path) -> None:
    """A change is a note of the store, as the commands write it; it is refused without the origin of a page."""
    write_runs(tmp_path, 5)
    asked = client(tmp_path)
    (finding,) = got(asked, "/api/alerts", since="2026-01-01T00:00:00Z")["findings"]
    path = f"/api/alerts/{finding['alert_id']}/acknowledge"
    assert asked.post(path, json={"note": "known"}).status_code == 403
    assert Notes.read(tmp_path).acknowledged == {}
    assert asked.post(path, json={"note": "known"}, headers=SAME).status_code == 200
    assert Notes.read(tmp_path).acknowledged[finding["alert_id"]].note == "known"
    assert got(asked, "/api/alerts", since="2026-01-01T00:00:00Z")["findings"] == []
    muted = {"pipeline": "daily", "family": "status"}
    assert asked.post("/api/mutes", json=muted, headers=SAME).json()["message"].endswith("is muted")
    assert got(asked, "/api/alerts")["mutes"][0]["family"] == "status"
    assert asked.post("/api/mutes", json={**muted, "lift": True}, headers=SAME).status_code == 200
    assert asked.post("/api/mutes", json={**muted, "lift": True}, headers=SAME).status_code == 404
    assert asked.post("/api/mutes", json={"pipeline": "dail"}, headers=SAME).status_code == 404
    assert asked.post("/api/mutes", content="pipeline=daily", headers=SAME).status_code == 400


def test_a_browser_signs_in_by_the_form(root: Path) -> None:
    """The form sets a cookie that no script reads and no other site sends; the next request has its role."""
    asked = client(root, token="long", read_token="short")
    page = asked.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert asked.get("/api/runs").status_code == 401
    assert "Token" in asked.get("/login").text
    assert asked.post("/login", data={"token": "short"}).status_code == 403
    assert asked.post("/login", data={"token": "wrong"}, headers=SAME).status_code == 401
    answer = asked.post("/login", data={"token": "short"}, headers=SAME)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert got(asked, "/api/runs")["total"] == RUNS + 1
    assert asked.post("/api/mutes", json={"pipeline": "daily"}, headers=SAME).status_code == 403
    assert asked.post("/logout", headers=SAME).status_code == 303
    assert asked.get("/api/runs").status_code == 401


def test_every_answer_forbids_scripts_of_others(asked: TestClient) -> None:
    """Pages, refusals and data have the policy: scripts of this server alone, in no frame of another."""
    for path in ("/", "/api/runs", "/nothing", "/login"):
        headers = asked.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert "unsafe-inline" not in asked.get("/").headers["content-security-policy"]


def test_figures_for_prometheus(asked: TestClient) -> None:
    """The text is read by Prometheus' own parser; a name is a label as it is."""
    from prometheus_client.parser import text_string_to_metric_families

    families = {each.name: each for each in text_string_to_metric_families(asked.get("/metrics").text)}
    runs = {sample.labels["pipeline"]: sample.value for sample in families["odibi_pipeline_runs"].samples}
    assert runs == {"daily": RUNS, HARD: 1}
