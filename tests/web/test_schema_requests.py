"""schemathesis over the OpenAPI document: each answer is one that the document describes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.many_requests import stored
from tests.web.schema_requests import problems
from tests.web.served import client


def test_answers_are_those_that_the_document_describes(tmp_path: Path) -> None:
    """A few requests to each route; `python -m tests.web.schema_requests 500` sends 20,000."""
    stored(tmp_path)
    found, statuses = problems(client(tmp_path / "store"), 4)
    assert found == set()
    assert min(statuses[200], statuses[400], statuses[404]) > 4


def test_an_answer_that_the_document_does_not_describe_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sabotage: a member of another type, and a status that is not described, are among the problems."""
    stored(tmp_path)
    monkeypatch.setattr("odibi_core.web.runs.listed", lambda row: "no document")
    monkeypatch.setattr("odibi_core.web.app._STATUS", ())
    found, _ = problems(client(tmp_path / "store"), 2)
    assert any("/api/runs: 200 JsonSchemaError" in each for each in found), found
    assert any("ServerError" in each for each in found), found
