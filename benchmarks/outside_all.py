"""A real pipeline with every exporter on, with every receiver dead, and with OpenLineage alone, in turn.

The receivers are a process of their own on loopback, which takes everything. The end of the exporters is not timed
here; "a small program from its start to its exit" has it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.flights import steps_of_demo
from benchmarks.harness import Contender, Prepare, Runner, Target, Work
from benchmarks.outside_otlp import receivers

DEAD = "http://127.0.0.1:9"
OFF = "odibi-core, every exporter off"
ON, DOWN, LINEAGE = "odibi-core", "odibi-core, every receiver dead", "odibi-core, OpenLineage by HTTP alone"
EXPORTERS = {
    "elastic", "loki", "openlineage", "otlp_logs", "otlp_traces", "pushgateway", "remote_write", "syslog",
}  # fmt: skip
"""The deliveries that a run with every exporter has; metrics of OpenTelemetry follow at its end."""


def lineage(url: str) -> dict[str, str]:
    """Return the variable that sends OpenLineage to a receiver."""
    return {"OPENLINEAGE_URL": url}


def everything(url: str) -> dict[str, str]:
    """Return the variables that send everything to receivers at one address."""
    return {
        **lineage(url),
        "TRACING_ENABLED": "true",
        "TRACING_SAMPLE_RATE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "ODIBI_LOKI__URL": url,
        "ODIBI_ELASTIC__URL": url,
        "ODIBI_METRICS__PUSHGATEWAY": url,
        "ODIBI_METRICS__REMOTE_WRITE": f"{url}/api/v1/write",
        "ODIBI_SYSLOG__ADDRESS": f"udp://{url.removeprefix('http://')}",
    }


def _pipeline(variables: Any = None, *, serve: bool = False, expected: frozenset[str] = frozenset()) -> Prepare:
    """Return a preparation of the flights example.

    Args:
        variables: Returns the variables for an address; None for no exporter.
        serve: Start receivers; otherwise the address is dead.
        expected: The deliveries that must have sent something, so that no exporter is off by accident.
    """

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        steps = steps_of_demo(folder, "pandas")
        if variables is None:
            yield _runner(folder, steps, {}, expected)
        elif serve:
            with receivers() as url:
                yield _runner(folder, steps, variables(url), expected)
        else:
            yield _runner(folder, steps, variables(DEAD), expected)

    return prepare


def _runner(folder: Path, steps: Any, variables: Mapping[str, str], expected: frozenset[str]) -> Runner:
    from odibi_core.delivery import close_all, deliveries
    from odibi_core.observability import Orchestrator
    from odibi_core.runtime.exports import close_exports
    from odibi_core.settings import set_config
    from odibi_core.testing import fresh_program

    numbers = count()

    def run(n: int) -> float:
        with fresh_program(), patch.dict(os.environ, variables), open(os.devnull, "w", encoding="utf-8") as nowhere:
            set_config(None)
            shown, sys.stderr = sys.stderr, nowhere
            try:
                begun = time.perf_counter()
                for _ in range(n):
                    store = folder / f"store{next(numbers)}"  # what a dead receiver leaves in a spool stays behind
                    Orchestrator(steps, "pandas", pipeline_name="flights", store=store).execute()
                took = time.perf_counter() - begun
                opened = deliveries()
            finally:
                close_exports()
                close_all()
                sys.stderr = shown
                set_config(None)
        missing = expected - {each.name for each in opened if each.counts.sent}
        assert not missing, f"nothing was sent by {', '.join(sorted(missing))}"
        return took

    return run


def works(quick: bool) -> list[Work]:
    return [
        Work(
            "the flights example with every exporter",
            "s",
            [
                Contender(ON, _pipeline(everything, serve=True, expected=frozenset(EXPORTERS)), "ours", "on"),
                Contender(DOWN, _pipeline(everything), "ours"),
                Contender(LINEAGE, _pipeline(lineage, serve=True, expected=frozenset({"openlineage"})), "ours"),
                Contender(OFF, _pipeline(), "floor"),
            ],
            [Target(1.05, OFF, "ratio", of=name) for name in (ON, DOWN, LINEAGE)],
            loops=1,
            rounds=9,
            note="OTLP, OpenLineage, Loki, Elasticsearch, syslog, a Pushgateway and remote write, on loopback",
        )
    ]
