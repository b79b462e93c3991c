"""The facets of runs and of jobs: of a pipeline, and of its steps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec

from odibi_core.events import Event
from odibi_core.openlineage.facets import Facet, Facets, cut
from odibi_core.openlineage.step import OpenStep
from odibi_core.views.source_texts import SourceOf
from odibi_core.views.values import count, number, passed_of, record, text

Found = dict[str, Facet | None]

_LANGUAGE: Final = "PYTHON"
_UNKNOWN: Final = "unknown"
_STATUSES: Final = {True: "pass", False: "fail", None: "skip"}
_DIALECTS: Final = {"spark": "spark"}
_PACKAGES: Final = {"spark": "pyspark", "polars-lazy": "polars"}
_COUNTS: Final = ("success_count", "failed_count", "skipped_count", "checks_passed", "checks_failed", "unusual")
_MOST_NAMES: Final = 1_000


def of_run(make: Facets, opening: Event | None, closing: Event | None, not_run: dict[str, list[str]]) -> Found:
    """Return the facets of the run of a pipeline."""
    about = {} if opening is None else opening.fields
    run_id = None if opening is None else opening.run_id
    found: Found = {
        "processing_engine": make.standard(
            "ProcessingEngineRunFacet", name="odibi-core", version=_own_version(about) or _UNKNOWN,
            openlineageAdapterVersion=_own_version(about),
        ),
        "nominalTime": _nominal_time(make, text(about.get("partition"))),
        "environmentVariables": _pairs(
            make, "EnvironmentVariablesRunFacet", "environmentVariables", about.get("environment"), "name"
        ),
        "executionParameters": _pairs(make, "ExecutionParametersRunFacet", "parameters", about.get("params"), "key"),
        "tags": _pairs(make, "TagsRunFacet", "tags", about.get("tags"), "key", source="USER"),
        "odibi_run": make.own("run", **_about_run(about, run_id)),
    }  # fmt: skip
    if closing is not None:
        found["odibi_outcome"] = make.own("run", **_outcome(closing, not_run))
        found["errorMessage"] = _error(make, closing)
    return found


def _about_run(about: dict[str, Any], run_id: str | None) -> dict[str, Any]:
    texts = ("partition", "command", "python", "system", "host")
    return {
        "run_id": run_id,
        "steps": count(about.get("steps")),
        **{name: text(about.get(name)) for name in texts},
        "git": {name: value for name, value in record(about.get("git")).items() if value is not None} or None,
        "packages": record(about.get("packages")) or None,
        "resumed_from": text(about.get("resumed_from")),
    }


def _outcome(closing: Event, not_run: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "status": text(closing.status) or closing.event_type,
        "duration_ms": number(closing.duration_ms),
        **{name: count(closing.fields.get(name)) for name in _COUNTS},
        **{f"{why}_steps": names[:_MOST_NAMES] or None for why, names in not_run.items()},
        **{f"more_{why}_steps": len(names) - _MOST_NAMES for why, names in not_run.items() if len(names) > _MOST_NAMES},
    }


def of_step(
    make: Facets, opening: Event | None, step: OpenStep, parent: dict[str, Any], upstream: list[dict[str, Any]]
) -> Found:
    """Return the facets of the run of a step."""
    engine = step.engine or "python"
    about = {} if opening is None else opening.fields
    ended = {} if step.end is None else step.end.fields
    return {
        "parent": make.standard("ParentRunFacet", **parent, root=parent),
        "processing_engine": make.standard(
            "ProcessingEngineRunFacet", name=engine, version=_engine_version(about, engine),
            openlineageAdapterVersion=_own_version(about),
        ),
        "jobDependencies": make.standard("JobDependenciesRunFacet", upstream=upstream, downstream=[])
        if upstream
        else None,
        "test": _tests(make, step.checks),
        "errorMessage": None if step.end is None else _error(make, step.end),
        "odibi_step": make.own(
            "run", run_id=step.start.run_id, step=step.name, layer=text(step.start.layer),
            call=count(step.start.fields.get("call")), worker=text(step.start.fields.get("worker")),
            attempts=count(ended.get("attempts")) or (step.retries + 1 if step.end is not None else None),
            cache_hit=None if step.end is None else step.end.cache_hit,
            duration_ms=None if step.end is None else number(step.end.duration_ms),
            rows=step.rows, memory_mb=None if step.end is None else number(step.end.memory_mb),
            left_out=step.left_out or None,
        ),
    }  # fmt: skip


def _engine_version(about: dict[str, Any], engine: str) -> str:
    found = _version_of(about, _PACKAGES.get(engine, engine))
    return found or (text(about.get("python")) if engine == "python" else None) or _UNKNOWN


def _own_version(about: dict[str, Any]) -> str | None:
    return _version_of(about, "odibi_core")


def _version_of(about: dict[str, Any], package: str) -> str | None:
    return text(record(about.get("packages")).get(package))


def of_pipeline(make: Facets) -> Found:
    """Return the facets of the job of a pipeline."""
    return {"jobType": _job_type(make, "PIPELINE")}


def of_job(make: Facets, step: OpenStep, source_of: SourceOf) -> Found:
    """Return the facets of the job of a step: its type, and its source if that is stored."""
    source_hash = text(step.plan.get("source_hash"))
    source = None if source_hash is None else cut(source_of(source_hash))
    found: Found = {"jobType": _job_type(make, "STEP")}
    if source is None:
        pass
    elif step.plan.get("type") == "sql":
        dialect = _DIALECTS.get(step.engine or "", "duckdb")
        found["sql"] = make.standard("SQLJobFacet", query=source, dialect=dialect)
    else:
        found["sourceCode"] = make.standard("SourceCodeJobFacet", language=_LANGUAGE, sourceCode=source)
    names = ("source_hash", "source_file", "source_line", "source_missing", "function", "code_hash")
    found["odibi_source"] = make.own("job", **{name: step.plan.get(name) for name in names})
    return found


def _job_type(make: Facets, kind: str) -> Facet:
    pattern = {"eventTrigger": "EVENT_BASED", "eventContentMode": "ACCUMULATIVE"}
    return make.standard(
        "JobTypeJobFacet", processingType="BATCH", integration="ODIBI", jobType=kind, emissionPattern=pattern
    )


def _nominal_time(make: Facets, partition: str | None) -> Facet | None:
    """Return the logical date of a run; None if its partition is no day."""
    try:
        day = date.fromisoformat(partition or "")
    except ValueError:
        return None
    return make.standard("NominalTimeRunFacet", nominalStartTime=f"{day.isoformat()}T00:00:00Z")


def _pairs(make: Facets, facet: str, field: str, given: object, key: str, **also: str) -> Facet | None:
    pairs = [{key: name, "value": _written(value), **also} for name, value in record(given).items()]
    return make.standard(facet, **{field: pairs}) if pairs else None


def _written(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _error(make: Facets, event: Event) -> Facet | None:
    message = text(event.error) or text(event.fields.get("error_message"))
    if message is None:
        return None
    trace = cut(text(event.fields.get("traceback")))
    return make.standard("ErrorMessageRunFacet", message=cut(message), programmingLanguage=_LANGUAGE, stackTrace=trace)


def _tests(make: Facets, checks: Iterable[Event]) -> Facet | None:
    found = [_test(event) for event in checks]
    return make.standard("TestRunFacet", tests=found) if found else None


def _test(event: Event) -> dict[str, Any]:
    fields = event.fields
    column = text(fields.get("column"))
    check = text(fields.get("check")) or "check"
    found = {
        "name": check if column is None else f"{check}({column})",
        "status": _STATUSES[passed_of(event)],
        "severity": text(fields.get("severity")),
        "type": check,
        "description": text(event.message),
        "params": {name: fields[name] for name in ("condition", "mostly") if fields.get(name) is not None},
    }
    return {name: value for name, value in found.items() if value is not None}
