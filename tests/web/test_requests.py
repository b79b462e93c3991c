"""Many requests, right and wrong: none is an error of the server, and none leads out of the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.many_requests import SECRET, TRAVERSALS, problems, stored
from tests.web.served import client

COUNT = 250
"""`python -m tests.web.many_requests 20000 1` sends more, by the same rules."""


def test_no_request_is_an_error_of_the_server(tmp_path: Path) -> None:
    """Requests of the OpenAPI document are answered, or refused by a status that it describes."""
    names = stored(tmp_path)
    found, statuses = problems(client(tmp_path / "store"), names, COUNT)
    assert found == []
    assert min(statuses[200], statuses[400], statuses[404]) > COUNT / 20


def test_an_error_of_the_server_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a route that fails is among the problems."""
    names = stored(tmp_path)
    monkeypatch.setattr("odibi_core.web.app._asked", lambda query, kind: 1 / 0)
    found, _ = problems(client(tmp_path / "store"), names, 20)
    assert found


def test_no_id_becomes_a_path(tmp_path: Path) -> None:
    """Three hundred traversal strings as an id: nothing is read beyond the store, and nothing is written."""
    stored(tmp_path)
    asked = client(tmp_path / "store")
    asked.get("/api/runs")
    before = {path: path.stat().st_size for path in tmp_path.rglob("*") if "index" not in path.name}
    assert len(TRAVERSALS) >= 300
    for number, text in enumerate(TRAVERSALS):
        more = () if number % 8 else ("/api/runs/{}", "/api/pipelines/{}/history", "/assets/views/{}", "/api/errors/{}")
        for path in ("/api/runs/{}/log", "/assets/{}", *more):
            response = asked.get(path.format(text))
            assert response.status_code in (400, 404), (path, text)
            assert SECRET not in response.text
    assert {path: path.stat().st_size for path in tmp_path.rglob("*") if "index" not in path.name} == before
