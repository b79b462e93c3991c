"""Names that stay: the first metric of a name has it as long as the process lives, whatever comes later."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.services.prometheus_server import PrometheusServer, scraping, wait_for

from odibi_core.endpoint.shared_metrics import SharedMetrics
from odibi_core.metrics.manager import MetricsManager

PROGRAM = Path(__file__).parents[1] / "services" / "renaming_program.py"
Call = Callable[[MetricsManager], None]


def measured(text: str) -> dict[str, float]:
    """Every sample of what was measured, by its name and labels; no series may be there twice."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if value)
            key = f"{sample.name}{{{labels}}}"
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    own = ("odibi_uptime", "odibi_process", "odibi_metrics_unreadable")
    return {key: value for key, value in found.items() if not key.startswith(own)}


def counter(metric: str, value: float = 1, **labels: str) -> Call:
    return lambda metrics: metrics.increment(metric, None, value, labels)


def gauge(metric: str, value: float = 1, **labels: str) -> Call:
    return lambda metrics: metrics.set_gauge(metric, None, value, labels)


def histogram(metric: str, value: float = 1, **labels: str) -> Call:
    return lambda metrics: metrics.observe(metric, None, value, labels)


PAIRS: dict[str, tuple[Call, Call]] = {
    "x, then odibi_x": (counter("x"), counter("odibi_x", 2)),
    "odibi_x, then x": (counter("odibi_x"), counter("x", 2)),
    "rows_loaded, then rows-loaded": (gauge("rows_loaded"), gauge("rows-loaded", 2)),
    "rows-loaded, then rows_loaded": (gauge("rows-loaded"), gauge("rows_loaded", 2)),
    "a.b-c, then a.b_c": (gauge("a.b-c"), gauge("a.b_c", 2)),
    "a counter, then a gauge of one name": (counter("jobs"), gauge("jobs", 2)),
    "a gauge, then a counter of one name": (gauge("jobs"), counter("jobs", 2)),
    "a gauge, then a histogram of one name": (gauge("jobs"), histogram("jobs", 2)),
    "a counter, then its _total": (counter("jobs"), gauge("jobs_total", 2)),
    "a gauge called _total, then the counter": (gauge("jobs_total"), counter("jobs", 2)),
    "two counters, one called _total": (counter("jobs_total"), counter("jobs", 2)),
    "a histogram, then its _count": (histogram("took"), gauge("took_count", 2)),
    "a gauge called _sum, then the histogram": (gauge("took_sum"), histogram("took", 2)),
    "a gauge called _bucket, then the histogram": (gauge("took_bucket"), histogram("took", 2)),
    "load.time.seconds, then load.time_seconds": (histogram("load.time.seconds"), histogram("load.time_seconds", 2)),
    "letters that are not allowed": (gauge("größe"), gauge("gr__e", 2)),
    "a digit in front": (gauge("2nd.place"), gauge("_2nd.place", 2)),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
@pytest.mark.parametrize("scraped_between", [True, False], ids=["scraped between", "not scraped between"])
def test_a_metric_keeps_its_name_whatever_comes_later(pair: tuple[Call, Call], scraped_between: bool) -> None:
    """Alone it has a name; with the other beside it, it has the same, whether a scrape came before or not."""
    first, second = pair
    alone, both = MetricsManager(), MetricsManager()
    for manager in (alone, both):
        first(manager)
    before = measured(alone.export_prometheus())
    if scraped_between:
        assert measured(both.export_prometheus()) == before
    second(both)
    after = measured(both.export_prometheus())
    if len(after) > len(before):
        assert after.items() >= before.items()
    else:  # the two spellings are one metric
        assert after.keys() == before.keys()
    assert measured(both.export_prometheus()) == after


def test_the_formats_agree_on_the_names() -> None:
    """OpenMetrics and the text of 0.0.4 give the same metric the same name, whichever was asked for first."""
    manager = MetricsManager()
    manager.set_gauge("jobs", None, 1)
    manager.export("openmetrics")
    manager.increment("jobs", None, 2)
    names = [
        set(re.findall(r"^(odibi_jobs\w*)", manager.export(format), re.M)) for format in ("prometheus", "openmetrics")
    ]
    assert names[0] == names[1]
    assert "odibi_jobs" in names[0]


def test_the_names_that_dashboards_read_belong_to_what_they_are_about() -> None:
    """A metric of a user's own that came before a node ran does not have a node's name, and keeps the one it has."""
    manager = MetricsManager()
    manager.set_gauge("odibi_node_duration_ms", None, 1)
    manager.observe("node_duration_seconds", None, 2)
    manager.set_gauge("cache_hit_rate", None, 3)
    before = measured(manager.export_prometheus())
    manager.record_node_execution("clean", 40.0, True, cached=True)
    after = measured(manager.export_prometheus())
    assert after.items() >= before.items()
    assert after["odibi_node_duration_ms{engine=pandas,node=clean}"] == 40
    assert after["odibi_node_duration_seconds_count{engine=pandas,node=clean}"] == 1
    assert after["odibi_cache_hit_rate{}"] == 1


def test_a_label_keeps_its_name_whatever_comes_later() -> None:
    """Labels that would be spelled alike get different names, the first as it would be alone, in all series."""
    manager = MetricsManager()
    manager.set_gauge("x", None, 1, {"b.c": "1"})
    before = measured(manager.export_prometheus())
    manager.set_gauge("x", None, 2, {"b-c": "1"})
    manager.set_gauge("x", None, 3, {"b_c": "1", "b.c": "2"})
    after = measured(manager.export_prometheus())
    assert before == {"odibi_x{b_c=1}": 1}
    assert after == {"odibi_x{b_c=1}": 1, "odibi_x{b_c_2=1}": 2, "odibi_x{b_c=2,b_c_3=1}": 3}


@pytest.mark.parametrize("first", ["name", "label"])
def test_a_name_and_a_label_called_node_are_two(first: str) -> None:
    """Whichever came first is `node`."""
    manager = MetricsManager()
    calls: dict[str, Callable[[], None]] = {
        "name": lambda: manager.set_gauge("x", "a", 1),
        "label": lambda: manager.set_gauge("x", None, 1, {"node": "a"}),
    }
    calls.pop(first)()
    before = measured(manager.export_prometheus())
    for call in calls.values():
        call()
    after = measured(manager.export_prometheus())
    assert before == {"odibi_x{node=a}": 1}
    assert after == {"odibi_x{node=a}": 1, "odibi_x{node_2=a}": 1}


def test_an_empty_label_value_is_an_absent_label() -> None:
    """As Prometheus has it: one series, one sum, also after the record is read again."""
    manager = MetricsManager()
    for labels in (None, {}, {"a": ""}, {"a": "", "b": ""}):
        manager.increment("x", "n", 1, labels)
    manager.increment("x", "n", 1, {"a": "", "b": "1"})
    manager.increment("x", "n", 1, {"b": "1"})
    assert measured(manager.export_prometheus()) == {"odibi_x_total{node=n}": 4, "odibi_x_total{b=1,node=n}": 2}
    assert manager.counter("x", "n", {"a": ""})._series is manager.counter("x", "n")._series


def test_processes_that_share_a_port_keep_the_names(tmp_path: Path) -> None:
    """Alone, with another that measures first what is spelled alike, and after that one has gone."""
    own, other = MetricsManager(), MetricsManager()
    shared, second = SharedMetrics(own, tmp_path), SharedMetrics(other, tmp_path)
    own.increment("x", None, 1)
    for each in (shared, second):
        group = each.open(8000)
        if each is shared:
            with group.locked():
                group.join()
    before = measured(shared.collect("")[0].decode())
    other.increment("odibi_x", None, 2)
    assert second.group is not None
    with second.group.locked():
        second.group.join()
    second.write()
    own.increment("odibi_x", None, 4)
    while_both = measured(shared.collect("")[0].decode())
    second.leave()
    afterwards = measured(shared.collect("")[0].decode())
    shared.leave()
    assert before == {"odibi_x_total{}": 1}
    assert while_both == afterwards
    assert while_both.items() >= before.items()
    assert sorted(while_both.values()) == [1, 6]


@pytest.mark.services
def test_scrapes_of_a_real_prometheus_before_and_after_agree(tmp_path: Path) -> None:
    """A query has the same result before and after names that are spelled alike."""
    queries = {
        "odibi_x_total": 1, "odibi_rows_loaded": 2, "odibi_jobs_total": 3, "odibi_took_count": 1, "odibi_took_sum": 4,
        "zone_size": 5, 'odibi_place{b_c="1"}': 6, "odibi_bare": 7,
    }  # fmt: skip

    def answers(server: PrometheusServer) -> dict[str, list[float]]:
        return {query: [series.value for series in server.answer(query)] for query in queries}

    with scraping(tmp_path, PROGRAM) as server:
        wanted = {query: [float(value)] for query, value in queries.items()}
        assert wait_for(lambda: answers(server) == wanted), answers(server)
        (tmp_path / "program" / "more").touch()
        assert server.eventually("odibi_later_total")
        assert answers(server) == wanted
