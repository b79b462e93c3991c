"""The OpenAPI document of the API, made of its routes and of the types of their parameters and answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.web.answers import Problem

if TYPE_CHECKING:
    from odibi_core.web.routes import Route

_REFERENCE: Final = "#/components/schemas/{name}"
_PART: Final = re.compile(r"\{(\w+)\}")
_REFUSED: Final = {
    "400": "A parameter is wrong.", "401": "A token is needed.", "403": "The request may not do this.",
    "404": "There is no such thing.", "429": "Too many queries are running.",
}  # fmt: skip


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Return the document, in OpenAPI 3.1."""
    types = [route.asked for route in routes] + [route.answer for route in routes] + [Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    paths: dict[str, Any] = {}
    for place, route in enumerate(routes):
        operation = _operation(route, components, schemas[len(routes) + place])
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    asked = {route.asked.__name__ for route in routes if route.method == "GET"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "odibi-core", "version": version,
            "description": "The history of a store: every run, as JSON. Times are ISO 8601 in UTC.",
        },
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in asked},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }  # fmt: skip


def _operation(route: Route, components: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    media = "application/json" if route.call is not None else "text/event-stream"
    problem = {"application/json": {"schema": {"$ref": _REFERENCE.format(name=Problem.__name__)}}}
    refused = {status: {"description": text, "content": problem} for status, text in _REFUSED.items()}
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [_in_path(name) for name in _PART.findall(route.path)],
        "responses": {"200": {"description": "The answer.", "content": {media: {"schema": answer}}}, **refused},
    }
    schema = components[route.asked.__name__]
    if route.method == "GET":
        found["parameters"] += _in_query(schema)
    else:
        body = {"schema": {"$ref": _REFERENCE.format(name=route.asked.__name__)}}
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
    return found


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _in_query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    found = []
    for name, own in schema["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in required, "schema": _without_null(own)}
        if "description" in own:
            parameter["description"] = own["description"]
        found.append(parameter)
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: one that is left out is null, and null has no form in a query."""
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    found = choices[0] if len(choices) == 1 else schema
    return {name: value for name, value in found.items() if not (name == "default" and value is None)}
