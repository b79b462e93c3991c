"""Any value passed to a call of the toolkit: nothing is raised, each line of the record is one valid, bounded
line of JSON, and the next scrape is valid too.

`CALLS` has every call, `tests.hostile` every value. A name that is added to the public module has to be added here.
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

from odibi_core import observability
from odibi_core.errors import OdibiError
from odibi_core.logs.context import LogContext
from odibi_core.observability import get_logger, get_metrics, observe

LINE = 1_000_000
FIELD = 64 * 1024
SAID_OF_A_CUT = 200
"""Characters that a mark of a cut may add, or the text around a value in the message of an error."""

Call = Callable[[Any], object]


def _is_worth_it(value: Any) -> bool:
    """Return true if each argument has to be tried: a text, an exception and a large value act alike in all of them."""
    try:
        return not issubclass(type(value), str | BaseException) and len(value) < 1000
    except Exception:
        return True


def everywhere(call: Callable[..., object], *usual: Any) -> Call:
    """Return a call with the value as all arguments at once, and as each one alone."""

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
        json.dumps([observability.context_for_workers()["initargs"], observability.environment_for_workers()])
        assert observability.wrap(int)("1") == 1


def _contexts(value: Any) -> None:
    observability.set_user_context(value, field=value)
    observability.set_operation_context(value, field=value)
    assert observability.set_correlation_id(value) == observability.get_correlation_id()
    get_logger("bad").info("said")
    observability.set_user_context(None)
    observability.set_operation_context(None)


def _track_performance(operation: Any, tags: Any) -> None:
    with observability.track_performance(operation, tags):
        pass
    with suppress(ValueError), observability.track_performance(operation, tags):
        raise ValueError(operation)


def _performance_monitor(value: Any) -> None:
    assert _handed_on(observability.performance_monitor("load", tags=value)(lambda given: given)(value), value)


def _handed_on(result: Any, value: Any) -> bool:
    """Return true if a decorated function returned its argument; a generator is measured while it is consumed."""
    return result is value or (type(value) is GeneratorType and type(result) is GeneratorType)


def _measured_stage(value: Any) -> None:
    def process(records: Any) -> Any:
        return value

    measured = observability.measured_stage("stage")(process)(value)
    assert measured is value or isinstance(value, Iterator)


def _instrumented_stage(value: Any) -> None:
    class Stage:
        def process(self, records: Any) -> Any:
            raise ValueError(value)

    with suppress(ValueError):
        observability.InstrumentedStage(Stage(), name="stage").process(value)


def _circuit_breaker(value: Any) -> None:
    breaker = observability.CircuitBreaker(value, fail_max=1, reset_timeout_s=0)
    with suppress(ValueError, observability.CircuitOpenError):
        breaker.call(_raise, value)
    breaker.open()
    breaker.close()


def _raise(value: Any) -> None:
    raise ValueError(value)


def _capture(error: Any, context: Any, level: Any) -> None:
    observability.capture_exception(error, context, level)
    observability.capture_message(error, level, context)


def _remember(key: Any, value: Any) -> None:
    observability.add_breadcrumb(key, key, key, value)
    observability.set_context(key, value)
    observability.capture_message("said")
    observability.set_context(key, None)


def _with_error_tracking(value: Any) -> None:
    with observability.with_error_tracking({"value": value}, reraise=False):
        raise ValueError(value)


def _command(command: Any, args: Any) -> None:
    with observability.track_cli_command(command, args):
        pass
    with suppress(ValueError), observability.track_cli_command(command, args):
        raise ValueError(args)


def _end_command(value: Any) -> None:
    analytics = observability.get_analytics()
    analytics.end_command(value)
    analytics.end_command(analytics.start_command(value, value, value), value, value)
    analytics.report()


def _same(value: Any) -> Any:
    return value


def _health(value: Any) -> None:
    def result(name: Any = "x", message: Any = "", details: Any = ()) -> observability.HealthCheckResult:
        return observability.HealthCheckResult(name, observability.HealthStatus.HEALTHY, message, details=details)

    checker = observability.HealthChecker()
    answers = [value, result(name=value), result(message=value), result(details=value)]
    for number, answer in enumerate(answers):
        checker.register_check(observability.HealthCheck(f"check {number}", function=partial(_same, answer)))
    assert set(checker.run_all_checks()) == set(checker.names)
    json.dumps(checker.report(), allow_nan=False)


def _health_of_the_program(value: Any) -> None:
    observability.register_health_check(lambda: value, name="bad")
    json.dumps(observability.run_health_checks(), allow_nan=False)


def _dashboard(value: Any) -> None:
    dashboard = observability.PipelineHealthDashboard()
    everywhere(dashboard.recordBatch, {"stage": 1.0}, {"circuit": "open"}, {"cache": {}}, 1)(value)
    everywhere(dashboard.record_batch, {}, {}, {}, 1)({"stage": value, "circuit": value, "cache": value})
    json.dumps(dashboard.healthReport(value), allow_nan=False)


def _inspect(value: Any) -> None:
    for described in (observability.inspect_pipeline([value]), observability.inspectPipeline({"stage": value})):
        json.loads(described.to_json())
        json.dumps(described.json_schema(), allow_nan=False)
        assert described.as_table()


def _validate_config(value: Any) -> None:
    def stage(records: list[int], factor: float = 2.0, mode: str = "fast") -> list[int]:
        return records

    for config in (value, {"factor": value, "mode": value}, {"no such": value}):
        assert all(
            type(problem) is str and len(problem) <= FIELD + SAID_OF_A_CUT
            for problem in observability.validate_config(stage, config)
        )
    assert isinstance(observability.validate_config(value, {"factor": 1.0}), list)


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
    bus = observability.EventBus()
    bus.register_hook("*", lambda event: None)
    everywhere(bus.publish, "kind", "message")(value)
    bus.publish("kind", level=value, fields={"field": value})
    everywhere(bus.emit, "kind", {})(value)
    bus.deliver(value)
    bus.shutdown()


def _structured(value: Any) -> None:
    logger = observability.StructuredLogger(value if type(value) is str else "bad", "logs", user=value)
    logger.log_pipeline_start(value, metadata=value)
    logger.log_node_complete(value, value, value, value, value)
    logger.log_node_failed(value, value, value, value, value)
    logger.log_error(value, value, value, value)
    logger.error(value, mine=value)
    logger.query_logs(event_type="error", limit=2)


def _node(value: Any) -> None:
    @observability.node
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

    assert observability.run([read], raise_on_error=False)["status"] in ("success", "failed")


def _logging(value: Any) -> None:
    logger = logging.Logger("other", logging.DEBUG)
    logger.addHandler(observability.LoggingHandler("debug"))
    logger.info(value, extra={"mine": value})
    logger.info("%s %d", value, 1)
    with observability.forward_to_logging("elsewhere"):
        get_logger("bad").info(value, mine=value)


class _Client:
    """A warehouse that returns the same value for every call."""

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
    client = observability.observe_bigquery(_Client(value), operation=value, tags={"mine": value})
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
    ("track_cost",): everywhere(observability.track_cost, "load", 1, 1.0, {}),
    ("track_query_performance",): everywhere(observability.track_query_performance, "select", 1.0, 1, 1, {}),
    ("capture_exception", "capture_message"): everywhere(_capture, "bad", {}, "error"),
    ("add_breadcrumb", "set_context"): everywhere(_remember, "key", {}),
    ("with_error_tracking",): _with_error_tracking,
    ("track_cli_command",): everywhere(_command, "load", []),
    (*ANALYTICS, "start_command"): _end_command,
    (*ANALYTICS, "argument"): lambda value: everywhere(
        observability.get_analytics().track_command_argument, "c", "a", 1)(value),
    (*ANALYTICS, "feature"): lambda value: everywhere(
        observability.get_analytics().track_feature_usage, "f", {})(value),
    (*ANALYTICS, "operation"): lambda value: everywhere(
        observability.get_analytics().track_bigquery_operation, "load", "dataset", "table", 1, 1)(value),
    (*ANALYTICS, "check"): lambda value: everywhere(
        observability.get_analytics().track_data_quality_check, "check", True, 1.0, {})(value),
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
    """Check one line: RFC 8259 in UTF-8, within its bounds."""
    assert line.endswith(b"\n")
    assert len(line) <= LINE + SAID_OF_A_CUT
    record = json.loads(line.decode(), parse_constant=refuse_constant)
    assert isinstance(record, dict)
    assert all(len(text) <= FIELD + SAID_OF_A_CUT for text in texts_in(record))




def check_scrape() -> None:
    """Check that Prometheus' own readers read both texts."""
    for name, read in (("prometheus", read_prometheus), ("openmetrics", read_openmetrics)):
        reader: Any = read
        assert list(reader(get_metrics().export(name)))


@pytest.mark.parametrize("names", CALLS, ids="+".join)
def test_any_value_may_be_given_to_a_call(names: tuple[str, ...]) -> None:
    """A bad value in each argument, and in all at once, leaves the record and the next scrape valid."""
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
    """A very large text is allowed as a message, a field and a label."""
    huge = LARGEST["100 MB of text"]()
    with observe("bad input", store="runs"), observability.track_performance("load", {"label": huge}):
        get_logger("bad").info(huge, mine=huge)
    for line in lines_of("."):
        check_line(line)
    check_scrape()


def _breaker(name: Any, fail_max: Any, reset_timeout_s: Any, exclude: Any, logger: Any) -> None:
    observability.CircuitBreaker(name, fail_max, reset_timeout_s, exclude, logger=logger)


def _health_check(name: Any, timeout: Any) -> None:
    observability.HealthCheck(name, timeout, function=bool)
    observability.register_health_check(bool, name, timeout)


def _observe_bigquery(operation: Any, prices: Any, limit: Any, max_usd: Any, tags: Any) -> None:
    limits = {"maximum_bytes_billed": limit, "max_usd": max_usd}
    observability.observe_bigquery(_Client(None), operation=operation, prices=prices, tags=tags, **limits)


SET_UP: dict[tuple[str, ...], Call] = {
    ("CircuitBreaker",): everywhere(_breaker, "name", 5, 30.0, (), None),
    ("HealthCheck", "register_health_check"): everywhere(_health_check, "name", 1.0),
    ("DiskCheck",): lambda value: observability.HealthChecker().register_check(observability.DiskCheck(value)),
    ("BigQueryCheck",): lambda value: observability.HealthChecker().register_check(observability.BigQueryCheck(value)),
    ("observe_bigquery", "Prices"): everywhere(_observe_bigquery, "load", 5.0, 1, 1.0, {}),
    ("LoggingHandler", "LogLevel"): everywhere(observability.LoggingHandler, "info", None),
    ("get_logger", "ProgramLogger"): lambda value: get_logger("bad").set_level(value),
    ("PipelineHealthDashboard",): lambda value: observability.PipelineHealthDashboard(value).healthReport(),
    ("create_alert_hook",): lambda value: observability.create_alert_hook(value),
}
"""Calls that configure, which may raise: only an error of the package that names the given value."""


@pytest.mark.parametrize("names", SET_UP, ids="+".join)
def test_a_wrong_configuration_is_refused_in_a_sentence(names: tuple[str, ...]) -> None:
    """A refused value raises a short error of the package, never the error of the value's own methods."""
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
"""Names that the tables leave out, by reason."""


def _named(*tables: dict[tuple[str, ...], Call]) -> set[str]:
    return {name for table in tables for names in table for name in names}


def test_every_public_name_is_in_a_table_or_left_out_with_a_reason() -> None:
    """Every public call is in the tables or left out with a reason; a removed one is in neither."""
    public = {name for name in dir(observability) if callable(getattr(observability, name))}
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
    """Sabotage: the line of a broken writer is found."""
    with pytest.raises((AssertionError, ValueError)):
        check_line(line)
