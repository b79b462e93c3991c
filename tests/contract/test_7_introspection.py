"""Section 7 of the contract: stages that describe themselves, and the health of their pipeline."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, Literal

import jsonschema
import pytest

from odibi_core import observability
from odibi_core.observability import (
    PipelineHealthDashboard,
    StructuredLogger,
    discover_stages,
    inspect_pipeline,
    inspectPipeline,
    observe,
    validate_config,
)
from odibi_core.process.state import listen, unlisten
from odibi_core.testing import RecordingSink

Row = dict[str, Any]


class Smooth:
    """Smooths what sensors say.

    Over a window of readings.
    """

    def process(
        self,
        records: Iterable[Row],
        window: int = 5,
        *,
        by: Literal["sensor", "site"] = "sensor",
        limits: dict[str, float] | None = None,
    ) -> Iterator[Row]:
        """Not looked at: the class has a docstring."""
        raise AssertionError("describing a stage runs nothing")


PIPELINE = [Smooth(), Smooth, sorted]


def test_a_description_has_class_docstring_signature_parameter_count_and_module() -> None:
    """Of a live object and of its class alike; `self` is not counted."""
    for described in inspect_pipeline([Smooth(), Smooth]):
        assert described.class_name == "Smooth"
        assert described.doc == "Smooths what sensors say."
        assert described.signature == (
            "(records: Iterable[Row], window: int = 5, *, by: Literal['sensor', 'site'] = 'sensor',"
            " limits: dict[str, float] | None = None) -> Iterator[Row]"
        )
        assert described.parameter_count == 4
        assert described.module == __name__
        assert [parameter.name for parameter in described.parameters] == ["records", "window", "by", "limits"]


def test_the_courses_spelling_describes_the_same_and_prints_the_courses_form(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`Stage:`, `  Description:`, `  Signature: process(…)`; a warning for a stage without `process`."""

    class Broken:
        """Has no process."""

    described = inspectPipeline([Smooth(), Broken(), Broken])
    assert described.to_dict() == inspect_pipeline([Smooth(), Broken(), Broken]).to_dict()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "Stage: Smooth",
        "  Description: Smooths what sensors say.",
        "  Signature: process(records: Iterable[Row], window: int = 5, *, by: Literal['sensor', 'site'] = 'sensor',"
        " limits: dict[str, float] | None = None) -> Iterator[Row]",
    ]
    warnings = [line for line in lines if line.startswith("  Warning: ")]
    assert warnings == ["  Warning: Broken has no process() that can be called"] * 2
    assert len([line for line in lines if line.startswith("  Signature: ")]) == 1
    assert {"inspectPipeline", "inspect_pipeline"} <= set(dir(observability))


def test_a_description_as_a_table_in_a_terminal() -> None:
    """Anywhere else the same rows are plain text."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    found, terminal, pipe = inspect_pipeline(PIPELINE), Terminal(), io.StringIO()
    found.show(terminal)
    found.show(pipe)
    assert "Smooths" in terminal.getvalue()
    assert pipe.getvalue() == f"{found.as_table()}\n" == f"{found}\n"
    header, *rows = found.as_table().splitlines()
    assert header.split() == ["Stage", "Class", "Process", "Params", "Module", "About"]
    assert len(rows) == 3


def test_a_description_as_json() -> None:
    """One document, with a record of each stage and of each of its parameters."""
    first = json.loads(inspect_pipeline(PIPELINE).to_json())["stages"][0]
    assert (first["class"], first["parameter_count"], first["module"]) == ("Smooth", 4, __name__)
    window = {"name": "window", "kind": "any", "annotation": "int", "default": "5", "required": False}
    window |= {"schema": {"type": "integer", "default": 5}}
    assert window in first["parameters"]


def test_a_description_as_json_schema_of_the_parameters() -> None:
    """Types, choices and defaults; jsonschema takes it as a schema of 2020-12, and judges configs by it."""
    schema = json.loads(json.dumps(inspect_pipeline([Smooth]).json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["Smooth"]["properties"]["window"] == {"type": "integer", "default": 5}
    judge = jsonschema.Draft202012Validator(schema)
    assert judge.is_valid({"Smooth": {"window": 3, "by": "site", "limits": {"celsius": 40.5}}})
    for wrong in ({"window": "3"}, {"by": "city"}, {"limits": {"celsius": "hot"}}, {"windw": 3}):
        assert not judge.is_valid({"Smooth": wrong})


def test_validate_config_says_which_keys_do_not_fit_the_signature() -> None:
    """Unknown names with the nearest right one, and values that the annotation does not allow."""
    assert validate_config(Smooth(), {"window": 3, "by": "site"}) == []
    assert validate_config(Smooth, {"windw": 3, "by": "city", "limits": []}) == [
        "Smooth: 'windw' is no parameter (did you mean 'window'?); it takes records, window, by, limits",
        "Smooth: by must be one of 'sensor', 'site', but it is 'city' (did you mean 'site'?)",
        "Smooth: limits must be a mapping or null, but it is a list",
    ]


def test_discover_stages_finds_the_stage_classes_of_a_module() -> None:
    """Those that it defines itself, in its order."""
    module = ModuleType("stages_of_a_course")
    exec(  # noqa: S102 (a module of a test's own)
        "from collections import OrderedDict\n"
        "class Read:\n  def process(self, records): ...\n"
        "class Clean(Read): ...\n"
        "class Settings: ...\n",
        vars(module),
    )
    vars(module)["Smooth"] = Smooth
    assert [stage.__name__ for stage in discover_stages(module)] == ["Read", "Clean"]


@functools.lru_cache(maxsize=8)
def looked_up(key: int) -> int:
    return key


def test_the_dashboard_reports_the_health_of_a_pipeline() -> None:
    """The contract's fields, `HEALTHY` at first and `DEGRADED` while a circuit is open."""
    looked_up.cache_clear()
    for key in (1, 1, 1, 2):
        looked_up(key)
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch(
        stageThroughputs={"read": 900.0, "enrich": 100.0},
        circuitStates={"lookup": "closed"},
        cacheInfo={"sites": looked_up.cache_info()},
        alertsThisBatch=2,
    )
    assert dashboard.healthReport(peakMemoryKb=2048) == {
        "status": "HEALTHY",
        "batchCount": 1,
        "totalAlerts": 2,
        "openCircuits": [],
        "bottleneckStage": "enrich",
        "bottleneckRps": 100.0,
        "meanRecentThroughputRps": 100.0,
        "cacheHitRates": {"sites": 0.5},
        "peakMemoryKb": 2048,
    }
    dashboard.recordBatch({"read": 900.0}, {"lookup": "open"}, {}, 0)
    report = dashboard.healthReport()
    assert (report["status"], report["openCircuits"], report["batchCount"]) == ("DEGRADED", ["lookup"], 2)


def test_the_bottleneck_is_the_slowest_stage_of_the_last_batch() -> None:
    """Whatever was slow before it; the mean is of each batch's slowest stage."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch({"read": 10.0, "enrich": 90.0}, {}, {}, 0)
    dashboard.recordBatch({"read": 900.0, "enrich": 50.0}, {}, {}, 0)
    report = dashboard.healthReport()
    assert (report["bottleneckStage"], report["bottleneckRps"]) == ("enrich", 50.0)
    assert report["meanRecentThroughputRps"] == 30.0


def test_cache_hit_rates_are_plain_rates_as_given_or_from_cache_info() -> None:
    """The course's `recordBatch(…, {"calibration": 0.987}, …)`."""
    looked_up.cache_clear()
    for key in (1, 1, 1, 2):
        looked_up(key)
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch(
        {"calibrate": 5200.0},
        {"lookup": "closed"},
        {"calibration": 0.987, "whole": 1, "none": 0.0, "sites": looked_up.cache_info(), "function": looked_up},
        0,
    )
    assert dashboard.healthReport()["cacheHitRates"] == {
        "calibration": 0.987, "whole": 1, "none": 0.0, "sites": 0.5, "function": 0.5,
    }  # fmt: skip


def test_the_mean_throughput_is_of_the_last_ten_batches() -> None:
    """What was slow long ago does not count."""
    dashboard = PipelineHealthDashboard()
    for rps in [1.0] * 5 + [100.0] * 10:
        dashboard.recordBatch({"read": rps}, {}, {}, 0)
    report = dashboard.healthReport()
    assert (report["meanRecentThroughputRps"], report["bottleneckRps"]) == (100.0, 100.0)


def test_snake_case_spellings_are_the_same_methods() -> None:
    """And take their arguments in either spelling."""
    kind = PipelineHealthDashboard
    assert kind.record_batch is kind.recordBatch
    assert kind.health_report is kind.healthReport
    dashboard = kind()
    dashboard.record_batch(
        stage_throughputs={"read": 1.0},
        circuit_states={"a": "open"},
        cache_info={"c": {"hits": 3, "misses": 1}},
        alerts_this_batch=1,
    )
    report = dashboard.health_report(peak_memory_kb=7)
    assert (report["openCircuits"], report["cacheHitRates"], report["peakMemoryKb"]) == (
        ["a"],
        {"c": 0.75},
        7,
    )


@pytest.mark.parametrize("circuit", ["closed", "open"])
def test_the_report_is_logged_as_pipeline_health(circuit: str) -> None:
    """By the logger that the dashboard was given, with the report's fields."""
    logger = StructuredLogger("course")
    dashboard = PipelineHealthDashboard(logger)
    dashboard.recordBatch({"read": 5.0}, {"lookup": circuit}, {}, 1)
    report = dashboard.healthReport()
    (line,) = logger.query_logs(event_type="pipeline_health")
    assert {name: line[name] for name in report} == report
    assert line["level"] == ("warning" if circuit == "open" else "info")


def test_the_report_is_logged_in_the_run_that_we_are_in() -> None:
    """Without a logger it is said on the bus in force."""
    heard = RecordingSink()
    listen(heard)
    try:
        with observe("course", store=False):
            PipelineHealthDashboard().healthReport()
    finally:
        unlisten(heard)
    (said,) = [event for event in heard.events if event.event_type == "pipeline_health"]
    assert said.run_id is not None
    assert said.status == "HEALTHY"
