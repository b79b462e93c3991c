"""Whatever a program gives to a call of the toolkit: nothing is raised, each line of the record is one valid, bounded
line of JSON, and what is scraped afterwards is valid too.

`CALLS` names every way in, `tests.hostile` every value. A name that is added to the public door has to be added here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import GeneratorType
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus
from tests.events.test_failure import FAILURES
from tests.events.test_failure import NAMES as NAMES_OF_FAILURES
from tests.hostile import LARGEST, NAMES, VALUES, refuse_constant, texts_in

from odibi_core import observability as door
from odibi_core.errors import OdibiError
from odibi_core.logs.context import LogContext
from odibi_core.observability import get_logger, get_metrics, observe

LINE = 1_000_000
FIELD = 64 * 1024
SAID_OF_A_CUT = 200
"""Characters that may be added to say so; to a message of an error as well, for what is said around the value."""

Call = Callable[[Any], object]


def _is_worth_it(value: Any) -> bool:
    """Whether each place has to be tried: a text, an exception and what is only large are the same in all of them."""
    try:
        return not issubclass(type(value), str | BaseException) and len(value) < 1000
    except Exception:
        return True


def everywhere(call: Callable[..., object], *usual: Any) -> Call:
    """The value in the place of all arguments at once, and of each by turns."""

    def called(value: Any) -> None:
        for place in range(len(usual)) if _is_worth_it(value) else ():
            call(*usual[:place], value, *usual[place + 1 :])
        call(*[value] * len(usual))

    return called


def _logger(value: Any) -> None:
    logger = get_logger("bad")
    for say in (logger.debug, logger.info, logger.warning, logger.error, logger.critical, logger.exception):
        say(value, mine=value)
    get_logger(value).info("said", inside=[value])


def _log_context(operation: Any, user: Any, correlation_id: Any, field: Any) -> None:
    with LogContext(operation, user, correlation_id, field=field):
        get_logger("bad").info("said")


def _workers(value: Any) -> None:
    with LogContext(field=value):
        json.dumps([door.context_for_workers()["initargs"], door.environment_for_workers()])
        assert door.wrap(int)("1") == 1


def _contexts(value: Any) -> None:
    door.set_user_context(value, field=value)
    door.set_operation_context(value, field=value)
    assert door.set_correlation_id(value) == door.get_correlation_id()
    get_logger("bad").info("said")
    door.set_user_context(None)
    door.set_operation_context(None)


def _track_performance(operation: Any, tags: Any) -> None:
    with door.track_performance(operation, tags):
        pass
    with suppress(ValueError), door.track_performance(operation, tags):
        raise ValueError(operation)


def _performance_monitor(value: Any) -> None:
    assert _handed_on(door.performance_monitor("load", tags=value)(lambda given: given)(value), value)


def _handed_on(result: Any, value: Any) -> bool:
    """Whether a decorated function returned what it was given; a generator is measured while it is consumed."""
    return result is value or (type(value) is GeneratorType and type(result) is GeneratorType)


def _measured_stage(value: Any) -> None:
    def process(records: Any) -> Any:
        return value

    measured = door.measured_stage("stage")(process)(value)
    assert measured is value or isinstance(value, Iterator)


def _instrumented_stage(value: Any) -> None:
    class Stage:
        def process(self, records: Any) -> Any:
            raise ValueError(value)

    with suppress(ValueError):
        door.InstrumentedStage(Stage(), name="stage").process(value)


def _circuit_breaker(value: Any) -> None:
    breaker = door.CircuitBreaker(value, fail_max=1, reset_timeout_s=0)
    with suppress(ValueError, door.CircuitOpenError):
        breaker.call(_raise, value)
    breaker.open()
    breaker.close()


def _raise(value: Any) -> None:
    raise ValueError(value)


def _capture(error: Any, context: Any, level: Any) -> None:
    door.capture_exception(error, context, level)
    door.capture_message(error, level, context)


def _remember(key: Any, value: Any) -> None:
    door.add_breadcrumb(key, key, key, value)
    door.set_context(key, value)
    door.capture_message("said")
    door.set_context(key, None)


def _with_error_tracking(value: Any) -> None:
    with door.with_error_tracking({"value": value}, reraise=False):
        raise ValueError(value)


def _command(command: Any, args: Any) -> None:
    with door.track_cli_command(command, args):
        pass
    with suppress(ValueError), door.track_cli_command(command, args):
        raise ValueError(args)


def _end_command(value: Any) -> None:
    analytics = door.get_analytics()
    analytics.end_command(value)
    analytics.end_command(analytics.start_command(value, value, value), value, value)
    analytics.report()


def _same(value: Any) -> Any:
    return value


def _health(value: Any) -> None:
    def result(name: Any = "x", message: Any = "", details: Any = ()) -> door.HealthCheckResult:
        return door.HealthCheckResult(name, door.HealthStatus.HEALTHY, message, details=details)

    checker = door.HealthChecker()
    answers = [value, result(name=value), result(message=value), result(details=value)]
    for number, answer in enumerate(answers):
        checker.register_check(door.HealthCheck(f"check {number}", function=partial(_same, answer)))
    assert set(checker.run_all_checks()) == set(checker.names)
    json.dumps(checker.report(), allow_nan=False)


def _health_of_the_program(value: Any) -> None:
    door.register_health_check(lambda: value, name="bad")
    json.dumps(door.run_health_checks(), allow_nan=False)


def _dashboard(value: Any) -> None:
    dashboard = door.PipelineHealthDashboard()
    everywhere(dashboard.recordBatch, {"stage": 1.0}, {"circuit": "open"}, {"cache": {}}, 1)(value)
    everywhere(dashboard.record_batch, {}, {}, {}, 1)({"stage": value, "circuit": value, "cache": value})
    json.dumps(dashboard.healthReport(value), allow_nan=False)


def _inspect(value: Any) -> None:
    for described in (door.inspect_pipeline([value]), door.inspectPipeline({"stage": value})):
        json.loads(described.to_json())
        json.dumps(described.json_schema(), allow_nan=False)
        assert described.as_table()


def _validate_config(value: Any) -> None:
    def stage(records: list[int], factor: float = 2.0, mode: str = "fast") -> list[int]:
        return records

    for config in (value, {"factor": value, "mode": value}, {"no such": value}):
        assert all(
            type(problem) is str and len(problem) <= FIELD + SAID_OF_A_CUT
            for problem in door.validate_config(stage, config)
        )
    assert isinstance(door.validate_config(value, {"factor": 1.0}), list)


def _metrics(metric: Any, name: Any, number: Any, labels: Any) -> None:
    metrics = get_metrics()
    for measure in (metrics.increment, metrics.record, metrics.set_gauge, metrics.observe):
        measure(metric, name, number, labels)
    metrics.counter("mine", name, {"label": labels}).inc(number)


def _nodes_metrics(value: Any) -> None:
    metrics = get_metrics()
    metrics.record_memory_usage(value, value)
    everywhere(metrics.record_node_execution, "node", 1.0, True, "pandas", 3, False)(value)


def _bus(value: Any) -> None:
    bus = door.EventBus()
    bus.register_hook("*", lambda event: None)
    everywhere(bus.publish, "kind", "message")(value)
    bus.publish("kind", level=value, fields={"field": value})
    everywhere(bus.emit, "kind", {})(value)
    bus.deliver(value)
    bus.shutdown()


def _structured(value: Any) -> None:
    logger = door.StructuredLogger(value if type(value) is str else "bad", "logs", user=value)
    logger.log_pipeline_start(value, metadata=value)
    logger.log_node_complete(value, value, value, value, value)
    logger.log_node_failed(value, value, value, value, value)
    logger.log_error(value, value, value, value)
    logger.error(value, mine=value)
    logger.query_logs(event_type="error", limit=2)


def _node(value: Any) -> None:
    @door.node
    def clean(given: Any) -> Any:
        return given

    assert _handed_on(clean(value), value)


def _observe(value: Any) -> None:
    with suppress(ValueError), observe(value, store="runs") as run:
        run.say(value, value, field=value)
        raise ValueError(value)


def _run(value: Any) -> None:
    def read() -> Any:
        return value

    assert door.run([read], raise_on_error=False)["status"] in ("success", "failed")


def _logging(value: Any) -> None:
    logger = logging.Logger("other", logging.DEBUG)
    logger.addHandler(door.LoggingHandler("debug"))
    logger.info(value, extra={"mine": value})
    logger.info("%s %d", value, 1)
    with door.forward_to_logging("elsewhere"):
        get_logger("bad").info(value, mine=value)


class _Client:
    """A warehouse that answers everything with the same."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.default_query_job_config = None

    def query(self, *args: Any, **options: Any) -> Any:
        return _Job(self.value)

    def query_and_wait(self, *args: Any, **options: Any) -> Any:
        return self.value

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["value"]


class _Job:
    def __init__(self, value: Any) -> None:
        self.value = value

    def result(self, *args: Any, **options: Any) -> Any:
        return self.value

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["value"]


def _bigquery(value: Any) -> None:
    client = door.observe_bigquery(_Client(value), operation=value, tags={"mine": value})
    client.query("select 1").result()
    client.query_and_wait(value)
    client.settle()


ANALYTICS = ("get_analytics", "UsageAnalytics")
CALLS: dict[tuple[str, ...], Call] = {
    ("get_logger", "ProgramLogger"): _logger,
    ("LogContext",): everywhere(_log_context, "import", "ada", "c-1", 1),
    ("context_for_workers", "environment_for_workers", "wrap"): _workers,
    ("set_correlation_id", "get_correlation_id", "set_user_context", "set_operation_context"): _contexts,
    ("track_performance",): everywhere(_track_performance, "load", {}),
    ("performance_monitor",): _performance_monitor,
    ("measured_stage",): _measured_stage,
    ("InstrumentedStage",): _instrumented_stage,
    ("CircuitBreaker", "CircuitOpenError"): _circuit_breaker,
    ("track_cost",): everywhere(door.track_cost, "load", 1, 1.0, {}),
    ("track_query_performance",): everywhere(door.track_query_performance, "select", 1.0, 1, 1, {}),
    ("capture_exception", "capture_message"): everywhere(_capture, "bad", {}, "error"),
    ("add_breadcrumb", "set_context"): everywhere(_remember, "key", {}),
    ("with_error_tracking",): _with_error_tracking,
    ("track_cli_command",): everywhere(_command, "load", []),
    (*ANALYTICS, "start_command"): _end_command,
    (*ANALYTICS, "argument"): lambda value: everywhere(door.get_analytics().track_command_argument, "c", "a", 1)(value),
    (*ANALYTICS, "feature"): lambda value: everywhere(door.get_analytics().track_feature_usage, "f", {})(value),
    (*ANALYTICS, "operation"): lambda value: everywhere(
        door.get_analytics().track_bigquery_operation, "load", "dataset", "table", 1, 1)(value),
    (*ANALYTICS, "check"): lambda value: everywhere(
        door.get_analytics().track_data_quality_check, "check", True, 1.0, {})(value),
    ("HealthCheck", "HealthChecker", "HealthCheckResult"): _health,
    ("register_health_check", "run_health_checks"): _health_of_the_program,
    ("PipelineHealthDashboard",): _dashboard,
    ("inspect_pipeline", "inspectPipeline", "PipelineDescription"): _inspect,
    ("validate_config",): _validate_config,
    ("get_metrics", "MetricsManager"): everywhere(_metrics, "mine", "node", 1, {}),
    ("MetricsManager", "nodes"): _nodes_metrics,
    ("EventBus",): _bus,
    ("StructuredLogger", "StructuredLogEntry"): _structured,
    ("node",): _node,
    ("observe", "Observer"): _observe,
    ("run", "Orchestrator", "Step", "Result"): _run,
    ("LoggingHandler", "forward_to_logging", "capture_logging"): _logging,
    ("observe_bigquery", "ObservedClient"): _bigquery,
}  # fmt: skip
"""By the public names that each goes through."""


def _caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


_NO_NEWS = {"wide", "many keys", "huge bytes", "huge", f"name {NAMES.index('k' * 100_000)}"}
"""As large as another one, and so only slow: `test_normalize`, `test_failure` and `test_bad_input_logs` have them."""
_EVERYTHING: dict[str, Callable[[], Any]] = {
    **VALUES,
    **{f"name {number}": partial(str, name) for number, name in enumerate(NAMES)},
    **{name: partial(_caught, call) for name, call in zip(NAMES_OF_FAILURES, FAILURES, strict=True)},
}
GIVEN = {name: make for name, make in _EVERYTHING.items() if name not in _NO_NEWS}


def lines_of(folder: str) -> Iterator[bytes]:
    for path in Path(folder).rglob("*.jsonl"):
        yield from path.read_bytes().splitlines(keepends=True)


def check_line(line: bytes) -> None:
    """One line of RFC 8259 in UTF-8, within its bounds."""
    assert line.endswith(b"\n")
    assert len(line) <= LINE + SAID_OF_A_CUT
    record = json.loads(line.decode(), parse_constant=refuse_constant)
    assert isinstance(record, dict)
    assert all(len(text) <= FIELD + SAID_OF_A_CUT for text in texts_in(record))




def check_scrape() -> None:
    """Both texts are read by Prometheus' own readers."""
    for name, read in (("prometheus", read_prometheus), ("openmetrics", read_openmetrics)):
        reader: Any = read
        assert list(reader(get_metrics().export(name)))


@pytest.mark.parametrize("names", CALLS, ids="+".join)
def test_any_value_may_be_given_to_a_call(names: tuple[str, ...]) -> None:
    """In each of its arguments and in all at once; what is said about it is valid, and so is the next scrape."""
    raised = {}
    with observe("bad input", store="runs"):
        for given, make in GIVEN.items():
            try:
                CALLS[names](make())
            except Exception as error:
                raised[given] = f"{type(error).__name__}: {error!s:.200}"
    assert not raised
    lines = list(lines_of("."))
    assert len(lines) >= 2
    for line in lines:
        check_line(line)
    check_scrape()


def test_a_text_of_100_mb_may_be_given() -> None:
    """The largest of all, once: as a message, a field and a label."""
    huge = LARGEST["100 MB of text"]()
    with observe("bad input", store="runs"), door.track_performance("load", {"label": huge}):
        get_logger("bad").info(huge, mine=huge)
    for line in lines_of("."):
        check_line(line)
    check_scrape()


def _breaker(name: Any, fail_max: Any, reset_timeout_s: Any, exclude: Any, logger: Any) -> None:
    door.CircuitBreaker(name, fail_max, reset_timeout_s, exclude, logger=logger)


def _health_check(name: Any, timeout: Any) -> None:
    door.HealthCheck(name, timeout, function=bool)
    door.register_health_check(bool, name, timeout)


def _observe_bigquery(operation: Any, prices: Any, limit: Any, max_usd: Any, tags: Any) -> None:
    limits = {"maximum_bytes_billed": limit, "max_usd": max_usd}
    door.observe_bigquery(_Client(None), operation=operation, prices=prices, tags=tags, **limits)


SET_UP: dict[tuple[str, ...], Call] = {
    ("CircuitBreaker",): everywhere(_breaker, "name", 5, 30.0, (), None),
    ("HealthCheck", "register_health_check"): everywhere(_health_check, "name", 1.0),
    ("DiskCheck",): lambda value: door.HealthChecker().register_check(door.DiskCheck(value)),
    ("BigQueryCheck",): lambda value: door.HealthChecker().register_check(door.BigQueryCheck(value)),
    ("observe_bigquery", "Prices"): everywhere(_observe_bigquery, "load", 5.0, 1, 1.0, {}),
    ("LoggingHandler", "LogLevel"): everywhere(door.LoggingHandler, "info", None),
    ("get_logger", "ProgramLogger"): lambda value: get_logger("bad").set_level(value),
    ("PipelineHealthDashboard",): lambda value: door.PipelineHealthDashboard(value).healthReport(),
    ("create_alert_hook",): lambda value: door.create_alert_hook(value),
}
"""What configures may refuse, and so may raise; but nothing else than an error of ours, which says what was given."""


@pytest.mark.parametrize("names", SET_UP, ids="+".join)
def test_what_is_set_up_wrongly_is_refused_in_a_sentence(names: tuple[str, ...]) -> None:
    """By an error of ours, of a length that can be read; never by one that the value raised when it was looked at."""
    wrong = {}
    for given, make in GIVEN.items():
        if given == "class that lies":
            continue  # `isinstance`, which is how a type is refused, asks it
        try:
            SET_UP[names](make())
        except OdibiError as error:
            if len(str(error)) > 2000:
                wrong[given] = f"{len(str(error))} characters"
        except Exception as error:
            wrong[given] = f"{type(error).__name__}: {error!s:.200}"
    assert not wrong


ELSEWHERE: dict[str, str] = {
    "are errors, which we raise": "CostLimitError OdibiError PipelineDefinitionError PipelineError",
    "is a shape that only we fill": "Estimate Event Metric AutomationHook RegisteredHook",
    "names things, and takes nothing": "EventPriority HealthStatus LogLevel MetricType overall_status",
    "reads, and takes a path at most": "MetricsExporter get_config StoryGenerator",
    "is configuration, which may refuse (tests/settings)": "ObservabilityConfig set_config",
    "begins what is configured (tests/runtime/test_program.py)":
        "ProgramObserver init_observability init_error_tracking setup_exception_hook",
    "runs what BigQuery says (tests/test_bigquery.py)": "estimate_bigquery",
    "imports a program's file (tests/test_introspection.py)": "discover_stages",
    "is made once, by a program's author (tests/sinks, tests/story)":
        "create_cache_stats_hook create_log_rotation_hook create_metrics_export_hook create_story_hook "
        "create_summary_hook",
    "is a pipeline's (tests/runtime/test_tracker.py: anything_may_be_given_anywhere)": "Tracker",
}  # fmt: skip
"""What is not in the tables, by the reason."""


def _named(*tables: dict[tuple[str, ...], Call]) -> set[str]:
    return {name for table in tables for names in table for name in names}


def test_every_public_name_is_in_a_table_or_said_not_to_be() -> None:
    """A call that is new on the door is not forgotten here, and one that is gone is not kept."""
    public = {name for name in dir(door) if callable(getattr(door, name))}
    elsewhere = {name for names in ELSEWHERE.values() for name in names.split()}
    tried = _named(CALLS, SET_UP)
    assert public - tried - elsewhere == set()
    assert elsewhere - public == set()
    assert elsewhere & _named(CALLS) == set()


@pytest.mark.parametrize(
    "line",
    [
        b'{"said": NaN}\n',
        b'{"said": 1',
        b'{"said": "\xff"}\n',
        b'{"said": "%s"}\n' % (b"x" * 70_000),
        b'{"said": ["%s"]}\n' % (b'x", "' * 400_000),
        b"[]\n",
    ],
    ids=["NaN", "torn", "no UTF-8", "a long field", "a long line", "no object"],
)
def test_the_check_sees_a_bad_line(line: bytes) -> None:
    """Sabotage: what a broken writer leaves is seen."""
    with pytest.raises((AssertionError, ValueError)):
        check_line(line)
