"""The files that dbt leaves in its folder `target`: the results of an invocation, and the nodes of the project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core.errors import ConfigurationError
from odibi_core.events.clock import read_iso

__all__ = ["Invocation", "Result", "read_invocation"]

VERSIONS: Final = {"run-results": ("v5", "v6"), "sources": ("v3",), "manifest": ("v11", "v12")}
"""The versions of the schemas that are read."""


class Result(NamedTuple):
    """The result of a node of dbt: a model, a seed, a snapshot, a test or a source."""

    unique_id: str
    status: str
    began: datetime | None
    ended: datetime | None
    worker: str | None
    message: str | None
    fields: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Return `model`, `test` and so on."""
        return self.unique_id.partition(".")[0]

    @property
    def rows(self) -> int | None:
        """Return the rows that the database reports; None for a view, and if it does not count."""
        rows = (self.fields.get("adapter_response") or {}).get("rows_affected")
        return rows if isinstance(rows, int) and rows >= 0 else None


class Invocation(NamedTuple):
    """One invocation of dbt."""

    id: str
    version: str
    command: str
    project: str
    began: datetime
    ended: datetime
    args: Mapping[str, Any]
    results: list[Result]
    nodes: Mapping[str, Mapping[str, Any]]
    """The nodes and sources of the manifest, by unique id."""


def read_invocation(target: Path, after: datetime | None = None) -> Invocation | None:
    """Return the latest invocation with results in a folder `target`; None if it ended before a time, or none did.

    Raises:
        ConfigurationError: A file cannot be read, or has a schema that is not known.
    """
    found = [each for name in ("run_results", "sources") if (each := _read(target / f"{name}.json")) is not None]
    latest = max(found, key=lambda each: str(each["metadata"].get("generated_at")), default=None)
    ended = None if latest is None else read_iso(latest["metadata"].get("generated_at"))
    if latest is None or ended is None or (after is not None and ended < after):
        return None
    manifest = _read(target / "manifest.json")
    if manifest is None:
        raise ConfigurationError(f"{target} has no manifest.json; run dbt with its artifacts (write_json) on")
    about = latest["metadata"]
    results = list(_results(latest))
    begins = [result.began for result in results if result.began is not None]
    began = read_iso(about.get("invocation_started_at")) or min(begins, default=ended)
    args = latest.get("args") or {}
    command = str(args.get("which") or "build")
    if "/sources/" in about["dbt_schema_version"]:
        command = "source freshness"
    return Invocation(
        str(about.get("invocation_id") or about.get("generated_at")),
        str(about.get("dbt_version")),
        command,
        str(manifest["metadata"].get("project_name") or target.resolve().parent.name),
        began,
        ended,
        args,
        results,
        {**manifest.get("sources", {}), **manifest.get("nodes", {})},
    )


def _read(file: Path) -> dict[str, Any] | None:
    """Return a file of dbt; None if there is none."""
    try:
        found = json.loads(file.read_bytes())
        name, version = found["metadata"]["dbt_schema_version"].removesuffix(".json").split("/")[-2:]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file} is no file of dbt that can be read: {error!r:.200}") from None
    if version not in VERSIONS.get(name, ()):
        known = "; ".join(f"{each} {', '.join(versions)}" for each, versions in VERSIONS.items())
        raise ConfigurationError(f"{file} has the schema {name} {version}; odibi-core reads {known}")
    return dict(found)


def _results(found: Mapping[str, Any]) -> Iterator[Result]:
    for each in found.get("results") or ():
        timing = {part.get("name"): part for part in each.get("timing") or ()}
        first, last = timing.get("compile") or {}, timing.get("execute") or {}
        began = read_iso(first.get("started_at")) or read_iso(last.get("started_at"))
        ended = read_iso(last.get("completed_at")) or read_iso(first.get("completed_at"))
        if began is not None and ended is None:
            ended = began + timedelta(seconds=float(each.get("execution_time") or 0.0))
        message = each.get("message") or each.get("error")
        yield Result(
            str(each.get("unique_id")), str(each.get("status")), began, ended, each.get("thread_id"),
            None if message is None else str(message).strip(), each,
        )  # fmt: skip
