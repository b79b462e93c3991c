"""The published JSON Schemas of OpenLineage, if they are on this machine; the project has no copy of them."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("OPENLINEAGE_SPEC") or ROOT.parent / "shared" / "openlineage")


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """The schemas by the name of their file; none if there is no folder of them."""
    files = [FOLDER / "OpenLineage.json", *sorted((FOLDER / "facets").glob("*.json"))]
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files if path.exists()}


@cache
def _validator(file: str, definition: str) -> Draft202012Validator:
    registry = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in schemas().values())
    schema = {"$ref": f"{schemas()[file]['$id']}#/$defs/{definition}"}
    return Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())


def _facets(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    parts = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    for part in parts:
        for name in ("facets", "inputFacets", "outputFacets"):
            yield from part.get(name, {}).values()


def errors_of(event: dict[str, Any]) -> list[str]:
    """Return the faults of an event and its facets by the published schemas."""
    if not schemas():
        return []
    found = list(_validator("OpenLineage", "RunEvent").iter_errors(event))
    for facet in _facets(event):
        name = facet["_schemaURL"].rpartition("/")[2]
        if name in schemas():
            found += _validator(name, name).iter_errors(facet)
    return [f"{error.json_path}: {error.message}" for error in found]
