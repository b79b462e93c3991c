"""Section 9 of the contract: the two dashboards, each panel of which a real Prometheus answers with data."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.architecture.plan import ROOT
from tests.architecture.test_docs import blocks
from tests.services.prometheus_server import PrometheusServer, wait_for
from tests.services.promtool import promtool

FOLDER = ROOT / "grafana_templates"
OVERVIEW = "odibi_overview_dashboard.json"
NODES = "odibi_node_performance_dashboard.json"
OPERATIONS, DATA = "odibi_operations_dashboard.json", "odibi_data_dashboard.json"
EVERY = (OVERVIEW, NODES, OPERATIONS, DATA)
REQUIRED = {
    OVERVIEW: {
        "Pipeline execution rate", "Cache hit rate", "Error count", "Node execution duration", "Data throughput",
        "Cache hits vs misses", "Uptime",
    },
    NODES: {
        "Node success/failure rates", "Node duration", "Memory usage trend", "Throughput", "Top 10 slowest nodes",
    },
    OPERATIONS: {"Health checks", "Operation rate", "Operation duration p95", "Errors by type", "Commands"},
    DATA: {"Estimated cost", "Processed bytes", "Data checks"},
}  # fmt: skip
VARIABLES = {"$__rate_interval": "4s", "$__range": "1m", "$job": ".*", "$node": ".*"}
"""What Grafana puts in their places."""


class Query(NamedTuple):
    """One query of one panel, as it is sent to Prometheus."""

    panel: str
    letter: str
    expression: str


def dashboard(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


def queries(found: dict[str, Any]) -> list[Query]:
    """Every query of a dashboard, with its variables filled in."""
    return [
        Query(panel["title"], target["refId"], filled_in(target["expr"]))
        for panel in found["panels"]
        for target in panel["targets"]
    ]


def filled_in(expression: str) -> str:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


def unanswered(server: PrometheusServer, found: dict[str, Any]) -> list[str]:
    """The panels that have a query without an answer now."""
    return [query.panel for query in queries(found) if not server.answer(query.expression)]


EVERY_DASHBOARD = pytest.mark.parametrize("name", EVERY)
EVERY_QUERY = pytest.mark.parametrize(
    "query",
    [
        pytest.param(query, id=f"{name.split('_')[1]}: {query.panel} {query.letter}")
        for name in EVERY
        for query in queries(dashboard(name))
    ],
)


def build(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "build.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_committed_dashboards_are_what_the_script_builds() -> None:
    """Nobody edits the JSON by hand, and nobody forgets to build it; `--check` says so without writing."""
    done = build("--check")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_script_builds_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Sorted keys, a newline at the end, nothing of the time or the machine."""
    assert build("--folder", str(tmp_path)).returncode == 0
    for name in EVERY:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_check_shows_what_differs(tmp_path: Path) -> None:
    """Sabotage: one panel's title changed by hand, and one file that is not there."""
    text = (FOLDER / OVERVIEW).read_text(encoding="utf-8")
    (tmp_path / OVERVIEW).write_text(text.replace('"Uptime"', '"Up"'), encoding="utf-8")
    done = build("--check", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert '-      "title": "Up"' in done.stdout
    assert '+      "title": "Top 10 slowest nodes"' in done.stdout


@EVERY_DASHBOARD
def test_a_dashboard_has_the_panels_of_the_contract(name: str) -> None:
    """Each by its title, with words that say what it shows and a unit."""
    panels = dashboard(name)["panels"]
    assert {panel["title"] for panel in panels} >= REQUIRED[name]
    assert all(len(panel["description"]) > 20 for panel in panels)
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels)


def test_the_cache_hit_rate_is_a_gauge() -> None:
    """As the contract names it; from 0 to 1, shown as a percentage."""
    (panel,) = (each for each in dashboard(OVERVIEW)["panels"] if each["title"] == "Cache hit rate")
    defaults = panel["fieldConfig"]["defaults"]
    assert (panel["type"], defaults["min"], defaults["max"], defaults["unit"]) == (
        "gauge", 0, 1, "percentunit",
    )  # fmt: skip


@EVERY_DASHBOARD
def test_a_dashboard_can_be_imported(name: str) -> None:
    """Ids are unique, queries have letters of their own, and every one asks the data source that the reader chose."""
    found = dashboard(name)
    assert {"uid", "title", "tags", "schemaVersion", "templating", "time"} <= set(found)
    assert found.get("id") is None  # else it would overwrite whatever has that id
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in found["panels"]:
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters) > 0
        for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
            assert source == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["expr"] and target["legendFormat"] for target in panel["targets"])


def test_the_dashboards_have_ids_of_their_own_that_stay() -> None:
    """Importing a newer one replaces the older; links to it go on."""
    assert [dashboard(name)["uid"] for name in EVERY] == [
        "odibi-overview", "odibi-node-performance", "odibi-operations", "odibi-data",
    ]  # fmt: skip


@EVERY_DASHBOARD
def test_no_two_panels_overlap(name: str) -> None:
    """Each place of the grid, which is 24 wide, belongs to one panel."""
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard(name)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for place in (
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        ):
            assert place not in taken, f"{panel['title']} lies on {taken[place]}"
            taken[place] = panel["title"]


@EVERY_DASHBOARD
def test_the_reader_chooses_the_data_source_and_the_nodes(name: str) -> None:
    """Any number of nodes, or of jobs where no node is measured, all at first, from the values of the label."""
    variables = {each["name"]: each for each in dashboard(name)["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    node = variables["node" if name in (OVERVIEW, NODES) else "job"]
    assert node["query"]["query"].startswith("label_values(")
    assert (node["multi"], node["includeAll"], node["allValue"]) == (True, True, ".*")


@EVERY_DASHBOARD
def test_a_rate_is_over_as_long_as_the_scrapes_need(name: str) -> None:
    """`$__rate_interval` is long enough for any scrape interval; a fixed one may hold a single scrape."""
    for panel in dashboard(name)["panels"]:
        for target in panel["targets"]:
            assert set(re.findall(r"\[(.*?)\]", target["expr"])) <= {"$__rate_interval", "$__range"}


@pytest.mark.services
@EVERY_QUERY
def test_every_panels_query_returns_data(prometheus: PrometheusServer, query: Query) -> None:
    """A real Prometheus, which scraped a real run, answers with a series at least, and finite numbers."""
    assert prometheus.eventually(query.expression), query.expression


@pytest.mark.services
@EVERY_DASHBOARD
def test_the_nodes_to_choose_from_are_there(prometheus: PrometheusServer, name: str) -> None:
    """What the variables ask for are labels that the metrics have."""
    for variable in dashboard(name)["templating"]["list"][1:]:
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
        assert asked
        series = prometheus.eventually(filled_in(asked[1]))
        assert series
        assert all(each.labels[asked[2]] for each in series)


@pytest.mark.services
@EVERY_DASHBOARD
def test_a_misspelt_metric_is_found(prometheus: PrometheusServer, name: str) -> None:
    """Sabotage: with all panels answered, the one whose metric is called otherwise is not, and is named."""
    found = dashboard(name)
    assert wait_for(lambda: unanswered(prometheus, found) == [])
    broken = found["panels"][0]
    expression = broken["targets"][0]["expr"]
    broken["targets"][0]["expr"] = re.sub(r"\b(odibi|health_check|bigquery)_", r"\1_no_", expression)
    assert wait_for(lambda: unanswered(prometheus, found) == [broken["title"]])


@pytest.mark.services
def test_the_scrape_config_of_the_readme_is_one(tmp_path: Path) -> None:
    """What a reader copies into Prometheus' configuration is accepted by promtool."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    (config,) = (block.text for block in blocks(page) if block.language == "yaml")
    file = tmp_path / "prometheus.yml"
    file.write_text(config, encoding="utf-8")
    done = promtool("check", "config", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_says_what_each_panel_shows() -> None:
    """Every panel has a row, in the order of its dashboard; and the page names both files."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in EVERY:
        assert name in page
        rows = [f"| {panel['title']} |" for panel in dashboard(name)["panels"]]
        assert not [row for row in rows if row not in page]
