"""The OpenAPI document: valid, complete, and true of the answers."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from tests.history.stores import write_runs
from tests.web.served import client

from odibi_core.web.openapi import document
from odibi_core.web.routes import ROUTES

PATHS = {
    "/api/runs": "/api/runs",
    "/api/runs/{run}/log": "/api/runs/daily/log",
    "/api/pipelines": "/api/pipelines",
    "/api/compare": "/api/compare?run=daily",
    "/api/pipelines/{name}/steps/{step}": "/api/pipelines/daily/steps/clean",
    "/api/pipelines/{name}/steps/{step}/points": "/api/pipelines/daily/steps/clean/points?since=2026-01-01T00:00:00Z",
    "/api/datasets": "/api/datasets",
    "/api/questions": "/api/questions",
    "/api/errors": "/api/errors",
    "/api/costs": "/api/costs",
    "/api/alerts": "/api/alerts?all=true&since=2026-01-01T00:00:00Z",
}


def test_answers_are_as_the_document_describes_them(tmp_path: Path) -> None:
    """Each answer is valid against the schema of its route, which has no member that the schema does not have."""
    write_runs(tmp_path, 7)
    asked = client(tmp_path)
    described = asked.get("/api/openapi.json").json()
    registry = Registry().with_resource("urn:api", DRAFT202012.create_resource(described))
    for path, url in PATHS.items():
        content = described["paths"][path]["get"]["responses"]["200"]["content"]
        reference = content["application/json"]["schema"]["$ref"].removeprefix("#")
        schema = {"$ref": f"urn:api#{reference}"}
        answer = asked.get(url)
        assert answer.status_code == 200, answer.text
        Draft202012Validator(schema, registry=registry).validate(answer.json())
        name = reference.rpartition("/")[2]
        assert set(answer.json()) == set(described["components"]["schemas"][name]["properties"]), url


def test_every_route_is_described() -> None:
    """The document is made of the routes: their parameters with types and bounds, bodies, refusals."""
    described = document(ROUTES, "1.2")
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == {
        (route.path, route.method.lower()) for route in ROUTES
    }
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names)
    (limit,) = [each for each in described["paths"]["/api/runs"]["get"]["parameters"] if each["name"] == "limit"]
    assert {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}.items() <= limit["schema"].items()
    body = described["paths"]["/api/mutes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Mute"}
    assert "#/$defs" not in json.dumps(described)
