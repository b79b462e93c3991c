"""A program that passes two hundred secrets to every input of the package. It runs in an empty folder of its own."""

from __future__ import annotations

import json
import logging
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
from tests.reliability.canaries import Canary, canaries

from odibi_core import observability as odibi
from odibi_core.exporters import BUILTIN as EXPORTERS
from odibi_core.runtime import program as program_observer

OUT = Path("out")
CARRIED = 10
"""Canaries of one breadcrumb trail, pipeline or chain of errors."""


@dataclass
class Login:
    """An object that holds secrets."""

    user: str
    password: str
    note: str


def chunks() -> Iterator[tuple[Canary, ...]]:
    """Yield the canaries, a few at a time."""
    every = canaries()
    return (every[at : at + CARRIED] for at in range(0, len(every), CARRIED))


def fail(canary: Canary) -> None:
    """Raise an exception with a secret in its message, its arguments, its notes and its cause."""
    error = ValueError(canary.text, {canary.name: canary.value})
    error.add_note(canary.text)
    try:
        raise KeyError(canary.text)
    except KeyError as cause:
        raise error from cause


def log_lines(canary: Canary) -> None:
    """Log lines: event, fields in every nesting, context, exceptions, groups."""
    log = odibi.get_logger("etl")
    fields = {canary.name: canary.value}
    with odibi.LogContext(operation=canary.text, user=canary.text, correlation_id=canary.text, **fields):
        log.info(canary.text)
        log.warning("seen", about=canary.text, deep={"a": [fields, {canary.text: canary.text}]}, **fields)
        log.error(
            "strange",
            raw=canary.text.encode(),
            of={canary.text},
            held=Login(canary.text, canary.value, canary.text),
            failure=RuntimeError(canary.text),
            encoded=json.dumps({"deep": json.dumps({canary.name: canary.value, "of": canary.text})}),
            metadata={"tags": [canary.text], "pair": {"name": canary.name, "value": canary.value}},
        )
        try:
            fail(canary)
        except ValueError as error:
            log.exception("failed")
            group = ExceptionGroup(canary.text, [error, OSError(canary.text)])
            log.error("failures", of=group)
    odibi.get_logger(canary.text).info("named")
    logging.getLogger("third.party").warning(
        "it says %s", canary.text, extra={f"x_{canary.name}": canary.value}
    )


def log_structured(canary: Canary) -> None:
    """Use the structured log and its own calls, also one with the secret as name."""
    log = odibi.StructuredLogger(canary.text, "logs", user=canary.text)
    fields = {canary.name: canary.value, "about": canary.text}
    log.log_pipeline_start(canary.text, fields)
    log.log_node_start(canary.text, canary.text, canary.text, fields)
    log.log_node_failed(canary.text, canary.text, 1.0, canary.text, fields)
    log.log_cache_hit(canary.text, canary.text)
    log.log_error(canary.text, canary.text, canary.text, fields)
    log.info(canary.text, **fields)


def measure(canary: Canary) -> None:
    """Record metrics with any name and label, timings, costs, queries."""
    labels = {canary.name: canary.value, "about": canary.text}
    metrics = odibi.get_metrics()
    metrics.increment(canary.text, canary.text, 1, labels)
    metrics.set_gauge("level", canary.text, 2, {canary.text: canary.text})
    metrics.record_node_execution(canary.text, 1.5, success=False, engine=canary.text, rows=3)
    with suppress(ValueError), odibi.track_performance(canary.text, tags=labels):
        fail(canary)
    odibi.track_cost(canary.text, 10**12, 500.0, tags=labels)
    odibi.track_query_performance(canary.text, 0.5, 10, 100, tags=labels)


def use(canary: Canary) -> None:
    """Use analytics, health checks, stages, breakers."""
    analytics = odibi.get_analytics()
    fields = {canary.name: canary.value, "about": canary.text}
    execution = analytics.start_command(canary.text, fields, canary.text)
    analytics.track_command_argument("load", canary.name, canary.value)
    analytics.track_command_argument("load", "about", canary.text)
    analytics.end_command(execution, False, canary.text)
    analytics.track_feature_usage(canary.text, fields)
    analytics.track_bigquery_operation(canary.text, canary.text, canary.text, 5, 5)
    analytics.track_data_quality_check(canary.text, False, 0.1, fields)
    with suppress(ValueError), odibi.track_cli_command(canary.text, ["--api-key", canary.value, canary.text]):
        fail(canary)

    def ailing() -> odibi.HealthCheckResult:
        return odibi.HealthCheckResult(canary.text, odibi.HealthStatus.UNHEALTHY, canary.text, details=fields)

    def failing() -> None:
        fail(canary)

    odibi.register_health_check(ailing, canary.text)
    odibi.register_health_check(failing, f"failing {canary.text}")

    breaker = odibi.CircuitBreaker(canary.text, fail_max=1)
    with suppress(Exception):
        breaker.call(failing)

    class Stage:
        def process(self, records: list[Any]) -> list[Any]:
            fail(canary)
            return records

    with suppress(ValueError):
        odibi.InstrumentedStage(Stage(), name=canary.text).process([canary.text])
    dashboard = odibi.PipelineHealthDashboard()
    dashboard.recordBatch({canary.text: 5.0}, {canary.text: "open"}, {canary.text: 0.5}, [canary.text])
    dashboard.healthReport()


def report_errors(some: tuple[Canary, ...]) -> None:
    """Leave breadcrumbs, contexts and errors, as for debugging."""
    for canary in some:
        odibi.add_breadcrumb(canary.text, canary.text, data={canary.name: canary.value, "about": canary.text})
        odibi.set_context(f"of {canary.text}", {canary.name: canary.value})
        odibi.set_user_context(canary.text, **{canary.name: canary.value})
        odibi.capture_message(canary.text, "warning", {canary.name: canary.value})
    try:
        fail(some[0])
    except ValueError as error:
        odibi.capture_exception(error, {some[0].name: some[0].value, "about": [some[0].text]})


def run_pipeline(some: tuple[Canary, ...]) -> None:
    """Run pipelines with names, frames, SQL, parameters, checks and failures, and with every hook."""
    from odibi_core.checks import accepted_values

    first = some[0]
    rows = {
        "email": [canary.text for canary in some],
        "password": [canary.core for canary in some],
        "about": [canary.text for canary in some],
        **{canary.name: [canary.value] * len(some) for canary in some if canary.name != "note"},
        first.text: list(range(len(some))),
    }

    def read(about: str) -> pandas.DataFrame:
        return pandas.DataFrame(rows)

    def broken(table: pandas.DataFrame) -> pandas.DataFrame:
        fail(first)
        return table

    steps = [
        odibi.Step(name="read", layer="ingest", value=read, outputs={"out": "table"}, params={"about": first.text},
                   metadata={first.name: first.value, "about": first.text}),
        odibi.Step(name=f"count {first.text}", type="sql", value=f"SELECT count(*) AS n FROM t -- {first.text}",
                   inputs={"t": "table"}, outputs={"out": f"counted {first.text}"}),
        odibi.Step(name="checked", value=lambda table: table, inputs={"table": "table"}, outputs={"out": "checked"},
                   checks=[accepted_values("about", [first.text], severity="warn", on="table")]),
        odibi.Step(name="broken", value=broken, inputs={"table": "table"}, outputs={"out": "broken"}),
    ]  # fmt: skip
    bus = odibi.EventBus()
    bus.register_hook("*", receive)
    for kind in ("pipeline_complete", "pipeline_error"):
        bus.register_hook(kind, odibi.create_summary_hook())
        bus.register_hook(kind, odibi.create_alert_hook())
        bus.register_hook(kind, odibi.create_cache_stats_hook())
        bus.register_hook(
            kind, odibi.create_metrics_export_hook("exported", ["json", "prometheus", "parquet"])
        )
        bus.register_hook(kind, odibi.create_story_hook("stories"))
    plan = odibi.Orchestrator(
        steps, event_bus=bus, pipeline_name=first.text, raise_on_error=False, snapshot_level="stats"
    )
    result = plan.execute()
    print(result, repr(result), result._repr_html_(), plan.metrics, plan.metrics._repr_html_())
    if plan.tracker is not None:
        plan.tracker.export_lineage(OUT / f"lineage_{id(plan)}.json")
        print(plan.tracker.get_summary())


def lose_rows(some: tuple[Canary, ...]) -> None:
    """Lose the rows of one secret, so that a rule, keys and a good run name it; its next run looks for it again."""
    first = some[0]

    def people() -> pandas.DataFrame:
        texts = [canary.text for canary in some] * 8
        return pandas.DataFrame({"about": texts, first.name: [*[first.value] * 8, *["plain"] * (len(texts) - 8)]})

    def others(people: pandas.DataFrame) -> pandas.DataFrame:
        return people[people["about"] != first.text]

    def unnamed(people: pandas.DataFrame) -> pandas.DataFrame:
        return people[people[first.name] != first.value]

    for _ in range(2):
        plan = odibi.Orchestrator([people, others, unnamed], pipeline_name="rows")
        plan.execute()


def receive(event: dict[str, Any]) -> None:
    """Keep the events of hooks, without the live objects, which are the program's own."""
    keep("hooks.jsonl", json.dumps(event, default=lambda value: f"<{type(value).__name__}>"))


def keep(name: str, content: str | bytes) -> None:
    """Write the text to a file for the check."""
    with (OUT / name).open("ab") as file:
        file.write(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))


def export_everything() -> None:
    """Run each exporter of the family over all metrics; then request the endpoint."""
    metrics = odibi.get_metrics()
    metrics.flush()
    for name in EXPORTERS:
        exported = metrics.export(name)
        if hasattr(exported, "to_csv"):
            exported = exported.to_csv()
        (OUT / f"exporter_{name}").write_bytes(exported if isinstance(exported, bytes) else exported.encode())


def request_endpoint(port: int) -> None:
    """Request the endpoint as a scraper and as a browser."""
    for path, accept in (
        ("/metrics", "text/plain"),
        ("/metrics", "application/openmetrics-text"),
        ("/health", "*/*"),
    ):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                keep("endpoint.txt", answer.read())
        except urllib.error.HTTPError as refused:
            keep("endpoint.txt", refused.read())


def main() -> None:
    """Pass each canary to every input."""
    OUT.mkdir(exist_ok=True)
    program_observer.END_WITHIN_S = 60.0  # type: ignore[misc]  # on a busy machine too all of it is sent
    logging.getLogger("forwarded").addHandler(logging.FileHandler(OUT / "forwarded.log"))
    observer = odibi.init_observability()
    odibi.capture_logging("warning")
    odibi.forward_to_logging("forwarded")
    parts: tuple[Callable[[Canary], None], ...] = (log_lines, log_structured, measure, use)
    for canary in canaries():
        for part in parts:
            part(canary)
    for some in chunks():
        report_errors(some)
        run_pipeline(some)
    for some in list(chunks())[::4]:
        lose_rows(some)
    keep("health.json", json.dumps(odibi.run_health_checks(), default=str))
    export_everything()
    if len(sys.argv) > 1:
        request_endpoint(int(sys.argv[1]))
    observer.finish()


if __name__ == "__main__":
    main()
