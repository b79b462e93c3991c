"""Datadog's dashboard and monitors: as built, and over measurements that a program sends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from tests.architecture.plan import ROOT
from tests.services.observed_program import call_everything

from odibi_core.exporters.prometheus_names import HELP, KNOWN
from odibi_core.metrics.manager import MetricsManager
from odibi_core.observability import get_metrics
from odibi_core.sinks.datadog_sink import _name
from odibi_core.views.metrics.types import HISTOGRAM, kind_of

FOLDER = ROOT / "datadog_templates"
QUERY = re.compile(r"(?:sum|avg|min|max):([a-z0-9_.]+)\{[^}]*\}(?: by \{([a-z_,]+)\})?")
OF_HISTOGRAMS = ("avg", "max", "95percentile", "count", "median")


def queries() -> list[str]:
    found = [monitor["query"] for monitor in read("odibi_monitors.json")]
    for group in read("odibi_dashboard.json")["widgets"]:
        for widget in group["definition"]["widgets"]:
            found += [
                query["query"] for request in widget["definition"]["requests"] for query in request["queries"]
            ]
    return found


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def sent() -> set[str]:
    """Each metric as the agent stores it."""
    found = set()
    for metric in (*KNOWN, *HELP):
        name = _name(metric)
        found |= (
            {f"{name}.{part}" for part in OF_HISTOGRAMS} if kind_of(metric) == HISTOGRAM else {name}
        )
    return found


def test_the_committed_files_are_what_the_script_builds() -> None:
    """As those of Grafana and Prometheus."""
    command = [sys.executable, str(FOLDER / "build_datadog.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_each_query_asks_for_a_metric_that_is_sent() -> None:
    """With the suffix that the agent adds to a histogram; a misspelt one is found."""
    parsed = [QUERY.search(query) for query in queries()]
    assert len(parsed) > 25
    assert all(parsed), queries()
    names = {found[1] for found in parsed if found}
    assert names <= sent(), names - sent()
    assert {"odibi.pipeline_run", "operation.duration.seconds"}.isdisjoint(sent())


def test_each_grouping_is_a_tag_that_the_metric_has() -> None:
    """The tags of env and service are those of the agent."""
    get_metrics().record_node_execution("clean", 5, success=True, rows=3, cached=True)
    call_everything()
    tags: dict[str, set[str]] = {}
    manager: MetricsManager = get_metrics()
    manager.flush()
    for series in manager._view.every_series():
        tags.setdefault(_name(series.family.metric), set()).update(
            {*series.labels(), *({"node"} if series.name else ())}
        )
    checked = 0
    for found in map(QUERY.search, queries()):
        assert found is not None
        metric = re.sub(rf"\.(?:{'|'.join(OF_HISTOGRAMS)})$", "", found[1])
        if found[2] and metric in tags:
            checked += 1
            assert set(found[2].split(",")) - {"env", "service"} <= tags[metric], found[0]
    assert checked > 10
