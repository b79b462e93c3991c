"""`odibi serve` on a shared store: runs of other hosts, what is not here yet, and notes that reach the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.history.remote.hosts import ship_all
from tests.history.stores import events_of, write_run
from tests.services.s3_server import Proxy
from tests.web.served import ADDRESS, SAME

from odibi_core.history.noticing.notes import Notes
from odibi_core.history.remote import read_address, sync
from odibi_core.history.remote.opening import open_copy, refresh_copy
from odibi_core.settings import read_settings
from odibi_core.settings.sections import Store
from odibi_core.settings.serve_section import Serve
from odibi_core.web.access import AccessRules
from odibi_core.web.app import application
from odibi_core.web.source import Source


@pytest.fixture
def hosts(tmp_path: Path, bucket: str) -> Callable[..., str]:
    """Return a function that records runs of a host, ships them, and returns the id of the last."""

    def record(host: str, *days: int, status: str = "success") -> str:
        run_id = ""
        for day in days:
            run_id = f"2026010{day + 1}T040000-of-{host}-{day:08x}"
            write_run(tmp_path / host, run_id, events_of(run_id, f"of-{host}", day, status, host=host))
        ship_all(tmp_path / host, bucket)
        return run_id

    return record


@pytest.fixture
def asked(tmp_path: Path, bucket: str, proxy: Proxy, hosts: Callable[..., str]) -> Iterator[TestClient]:
    """Return a client of a server on a third machine, whose copy is brought up to date all the time."""
    hosts("a", 0, 1)
    hosts("b", 0, 1, status="failed")
    settings = read_settings(store={"dir": str(tmp_path / "local"), "url": bucket})
    source = Source(open_copy(settings, print), lambda report: refresh_copy(settings, report), every_s=0.05)
    yield TestClient(application(source, AccessRules(Serve()), "0"), base_url=ADDRESS, client=("127.0.0.1", 50_000))
    source.close()


def soon(found: Callable[[], Any]) -> Any:
    """Return the value of a call once it is true."""
    deadline = monotonic() + 60
    while not (value := found()):
        assert monotonic() < deadline, "it never became true"
        sleep(0.1)
    return value


def test_the_pages_have_the_runs_of_every_host(asked: TestClient, hosts: Callable[..., str]) -> None:
    """Runs, logs, histories and steps of two hosts, and a run that one of them ships while the server goes on."""
    page = asked.get("/api/runs").json()
    assert ({run["host"] for run in page["runs"]}, page["total"], page["problems"]) == ({"a", "b"}, 4, [])
    assert [each["name"] for each in asked.get("/api/pipelines").json()["pipelines"]] == ["of-a", "of-b"]
    for host in "ab":
        assert asked.get(f"/api/runs/of-{host}").json()["run"]["pipeline"] == f"of-{host}"
        assert len(asked.get(f"/api/runs/of-{host}/log").json()["lines"]) == 9
        assert len(asked.get(f"/api/pipelines/of-{host}/history").json()["runs"]) == 2
        assert len(asked.get(f"/api/pipelines/of-{host}/steps/load").json()["runs"]) == 2
    late = hosts("b", 4, status="running")
    found = soon(lambda: [run for run in asked.get("/api/runs").json()["runs"] if run["run_id"] == late])
    assert (found[0]["status"], asked.get(f"/api/runs/{late}").json()["run"]["status"]) == ("running", "running")


def test_an_outage_is_stated_and_an_acknowledgement_reaches_the_others(
    asked: TestClient, bucket: str, proxy: Proxy
) -> None:
    """Without a connection the pages have the copy and state it; a note is shipped once the store is there again."""
    proxy.stop()
    problem = soon(lambda: asked.get("/api/runs").json()["problems"])[0]
    assert "there is no connection" in problem
    assert "the answer is that of" in problem
    assert asked.get("/api/pipelines").json()["total"] == 2
    (finding, *_) = asked.get("/api/alerts", params={"since": "2026-01-01T00:00:00Z"}).json()["findings"]
    path = f"/api/alerts/{finding['alert_id']}/acknowledge"
    assert asked.post(path, json={"note": "known"}, headers=SAME).status_code == 200
    proxy.start()
    soon(lambda: asked.get("/api/runs").json()["problems"] == [])
    other = Store(cache_dir=str(Path("other-cache").absolute()))
    address = read_address(bucket)
    soon(lambda: finding["alert_id"] in Notes.read(sync(address, other).root).acknowledged)
