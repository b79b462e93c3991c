"""The Prometheus texts: parsed back equal by the reference parsers, accepted by promtool, whatever went in."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as open_metrics_parser
from prometheus_client.parser import text_string_to_metric_families as prometheus
from tests.services.promtool import WAIVED, complaints, promtool

from odibi_core.exporters.prometheus_names import HELP, KNOWN
from odibi_core.metrics.manager import MetricsManager, MetricType

open_metrics: Any = open_metrics_parser.text_string_to_metric_families
TEXTS = st.text(max_size=12) | st.sampled_from(
    ['"', "\\", "\n", '\\"\n\\n', "a.b", "a-b", "a_b", "le", "node", "é", "\x00"]
)
NAMES = TEXTS | st.sampled_from(
    ["x", "x_total", "x_count", "x_sum", "x_bucket", "x_created", "x_info", *MetricType]
)
CALLS = st.tuples(
    st.sampled_from(["increment", "set_gauge", "observe"]),
    NAMES, TEXTS, st.integers(0, 10**6) | st.floats(0, 1e9), st.dictionaries(TEXTS, TEXTS, max_size=3),
)  # fmt: skip


def measured(calls: list[Any]) -> MetricsManager:
    manager = MetricsManager()
    for how, metric, name, value, labels in calls:
        getattr(manager, how)(metric, name, value, labels)
    return manager


def a_bit_of_everything() -> MetricsManager:
    manager = MetricsManager()
    for known in MetricType:
        manager.record(known, "clean", 7, {"engine": "pandas"})
    manager.record_node_execution("load", 12.5, True, rows=100, cached=True)
    manager.record_node_execution("load", 7.5, False)
    for metric in HELP:
        manager.record(metric, None, 3.5, {"operation": 'say "hi"\\\n', "error_type": "ValueError"})
    return manager


def samples(families: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


@settings(max_examples=100, deadline=None)
@given(calls=st.lists(CALLS, max_size=12))
def test_both_texts_parse_back_equal(calls: list[Any]) -> None:
    """Every series that was measured is in the text once, with its value and all labels, in both formats."""
    manager = measured(calls)
    for parse, text in (
        (prometheus, manager.export_prometheus()),
        (open_metrics, manager.export("openmetrics")),
    ):
        found = samples(parse(text))
        series = manager.answer()["series"]
        custom = [one for one in series if one["metric"] not in KNOWN]
        values = sorted(value for (name, _), value in found.items() if not name.startswith("odibi_process"))
        for one in custom:
            wanted = float(one["count"] if one["kind"] == "histogram" else one["value"])
            assert any(math.isclose(value, wanted) for value in values), one
        labels = [set(dict(pairs).values()) for _, pairs in found]
        for one in series:
            wanted_labels = {*one["labels"].values(), *([one["name"]] if one["name"] else [])}
            assert any(wanted_labels <= had | {""} for had in labels), one


@pytest.mark.services
@settings(max_examples=25, deadline=None)
@given(calls=st.lists(CALLS, max_size=8))
def test_promtool_parses_whatever_was_measured(calls: list[Any]) -> None:
    """Hostile names and labels never break a scrape: promtool complains of style at most, never of syntax."""
    complaints(measured(calls).export_prometheus())


@pytest.mark.services
def test_promtool_accepts_our_names() -> None:
    """Of our own names, it complains of those only that are kept for older dashboards, listed here by name."""
    assert complaints(a_bit_of_everything().export_prometheus()) <= WAIVED


@pytest.mark.services
def test_promtool_finds_a_broken_text() -> None:
    """The sabotage twin: a label that is not escaped is an error."""
    text = a_bit_of_everything().export_prometheus().replace(r"\"", '"')
    assert promtool("check", "metrics", text=text).returncode == 1


def test_each_family_once_with_help_and_type() -> None:
    """Counters are counters and end in `_total`; help and type stand once, before the samples."""
    text = a_bit_of_everything().export_prometheus()
    types = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)
    assert len(types) == len({name for name, _ in types}) == len(re.findall("^# HELP ", text, re.M))
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in types)


def test_names_that_collide_become_two_families() -> None:
    """`a.b` and `a:b` are both `a_b`: the second gets a mark, and no sample stands twice."""
    manager = MetricsManager()
    manager.increment("a.b", None, 1)
    manager.increment("a.:b".replace(".", "", 1).replace(":", ".", 1), None, 2)
    manager.increment("a.b_total", None, 4)
    manager.set_gauge("a.b", None, 8)
    manager.observe("a.b.total", None, 16)
    found = samples(prometheus(manager.export_prometheus()))
    values = {value for (name, _), value in found.items() if name.startswith("a_b")}
    assert {3.0, 4.0, 8.0} <= values
    samples(open_metrics(manager.export("openmetrics")))


def test_labels_that_collide_are_all_kept() -> None:
    """Two labels that are spelled alike, or as something reserved, get names of their own."""
    manager = MetricsManager()
    manager.set_gauge(
        "g", "me", 1, {"a.b": "1", "a-b": "2", "node": "3", "le": "4", "__x": "5", "": "6", "7": "7"}
    )
    ((_, pairs),) = (key for key in samples(prometheus(manager.export_prometheus())) if key[0] == "odibi_g")
    assert sorted(dict(pairs).values()) == ["1", "2", "3", "4", "5", "6", "7", "me"]
    assert dict(pairs)["node"] == "me"
    assert not {"le", "quantile"} & set(dict(pairs))


@pytest.mark.parametrize(
    ("value", "written"), [(float("nan"), "NaN"), (float("inf"), "+Inf"), (-math.inf, "-Inf")]
)
def test_what_is_no_finite_number_is_spelled(value: float, written: str) -> None:
    """A gauge may be anything that a float can be."""
    manager = MetricsManager()
    manager.set_gauge("g", None, value)
    assert f"\nodibi_g {written}\n" in manager.export_prometheus()


def test_a_histogram_counts_upwards_to_its_count() -> None:
    """Buckets are cumulative, a bound belongs to its bucket, and `+Inf` equals the count."""
    manager = MetricsManager()
    for duration in (5, 5.1, 10**9):
        manager.record("node_duration", "n", duration)
    found = samples(prometheus(manager.export_prometheus()))
    name = "odibi_node_duration_seconds"
    buckets = {
        dict(pairs)["le"]: value for (sample, pairs), value in found.items() if sample == f"{name}_bucket"
    }
    assert (buckets["0.005"], buckets["0.01"], buckets["1800.0"], buckets["+Inf"]) == (1, 2, 2, 3)
    assert list(buckets.values()) == sorted(buckets.values())
    assert found[f"{name}_count", frozenset({("node", "n")})] == 3
    assert found[f"{name}_sum", frozenset({("node", "n")})] == pytest.approx(1_000_000.0101)


def test_a_scrape_is_the_same_until_something_is_measured() -> None:
    """The order of families and series is fixed by their names."""

    def series(manager: MetricsManager) -> list[str]:
        lines = manager.export_prometheus().splitlines()
        return [line for line in lines if not line.startswith(("odibi_uptime", "odibi_process"))]

    one, two = MetricsManager(), MetricsManager()
    for name in ("b", "a", "c"):
        one.increment("error_count", name, 1, {"x": "1", "y": "2"})
    for name in ("c", "b", "a"):
        two.increment("error_count", name, 1, {"y": "2", "x": "1"})
    assert series(one) == series(two) == series(one)


def test_a_histogram_whose_sum_is_negative_keeps_its_buckets() -> None:
    """OpenMetrics knows no negative sum, so there it has neither sum nor count; the older text has both."""
    manager = MetricsManager()
    manager.observe("balance", None, -5.0)
    assert "odibi_balance_sum -5.0" in manager.export("prometheus")
    written = manager.export("openmetrics")
    assert 'odibi_balance_bucket{le="+Inf"} 1' in written
    assert "odibi_balance_sum" not in written
    assert "odibi_balance_count" not in written
