"""Every public name of odibi-core under one import path.

A name is loaded on first use, so that a program loads only what it uses. The interpreter reads the table, type
checkers read the imports below it; a test keeps both equal.
"""

import typing

from odibi_core._lazy import fetch as _fetch

_NAMES: typing.Final = {
    "costs.bigquery": "Estimate ObservedClient Prices estimate_bigquery observe_bigquery",
    "instrument.circuit_breaker": "CircuitBreaker",
    "costs.tracker": "track_cost track_query_performance",
    "error_reporting.tracker": (
        "add_breadcrumb capture_exception capture_message init_error_tracking set_context with_error_tracking"
    ),
    "errors": "CircuitOpenError CostLimitError OdibiError PipelineDefinitionError PipelineError",
    "bus": (
        "AutomationHook EventBus EventPriority RegisteredHook create_alert_hook create_cache_stats_hook "
        "create_log_rotation_hook create_metrics_export_hook create_summary_hook"
    ),
    "events": "Event LogLevel",
    "health.checks": "BigQueryCheck DiskCheck",
    "health.monitor": "HealthCheck HealthCheckResult HealthChecker HealthStatus overall_status",
    "introspection": "PipelineDescription discover_stages inspectPipeline inspect_pipeline validate_config",
    "logs.from_logging": "LoggingHandler capture_logging",
    "logs.context": (
        "LogContext context_for_workers environment_for_workers get_correlation_id set_correlation_id "
        "set_operation_context set_user_context wrap"
    ),
    "logs.to_logging": "forward_to_logging",
    "metrics.exporter": "MetricsExporter",
    "metrics.manager": "Metric MetricType MetricsManager",
    "runtime.observer": "Observer observe run",
    "runtime.orchestrator": "Orchestrator Result Step",
    "instrument.performance": "performance_monitor track_performance",
    "health.dashboard": "PipelineHealthDashboard",
    "process.state": "get_metrics",
    "health.program": "register_health_check run_health_checks",
    "logs.program_logger": "ProgramLogger get_logger",
    "runtime.program": "ProgramObserver init_observability",
    "runtime.node_decorator": "node",
    "settings": "ObservabilityConfig get_config set_config",
    "instrument.stages": "InstrumentedStage measured_stage",
    "story.generator": "StoryGenerator",
    "runtime.story_hook": "create_story_hook",
    "logs.structured_logger": "StructuredLogEntry StructuredLogger",
    "runtime.tracker": "Tracker",
    "error_reporting.excepthook": "setup_exception_hook",
    "instrument.usage": "UsageAnalytics get_analytics track_cli_command",
}
_LAZY: typing.Final = {name: room for room, names in _NAMES.items() for name in names.split()}

if typing.TYPE_CHECKING:
    from odibi_core.bus import AutomationHook as AutomationHook
    from odibi_core.bus import EventBus as EventBus
    from odibi_core.bus import EventPriority as EventPriority
    from odibi_core.bus import RegisteredHook as RegisteredHook
    from odibi_core.bus import create_alert_hook as create_alert_hook
    from odibi_core.bus import create_cache_stats_hook as create_cache_stats_hook
    from odibi_core.bus import create_log_rotation_hook as create_log_rotation_hook
    from odibi_core.bus import create_metrics_export_hook as create_metrics_export_hook
    from odibi_core.bus import create_summary_hook as create_summary_hook
    from odibi_core.costs.bigquery import Estimate as Estimate
    from odibi_core.costs.bigquery import ObservedClient as ObservedClient
    from odibi_core.costs.bigquery import Prices as Prices
    from odibi_core.costs.bigquery import estimate_bigquery as estimate_bigquery
    from odibi_core.costs.bigquery import observe_bigquery as observe_bigquery
    from odibi_core.costs.tracker import track_cost as track_cost
    from odibi_core.costs.tracker import track_query_performance as track_query_performance
    from odibi_core.error_reporting.excepthook import setup_exception_hook as setup_exception_hook
    from odibi_core.error_reporting.tracker import add_breadcrumb as add_breadcrumb
    from odibi_core.error_reporting.tracker import capture_exception as capture_exception
    from odibi_core.error_reporting.tracker import capture_message as capture_message
    from odibi_core.error_reporting.tracker import init_error_tracking as init_error_tracking
    from odibi_core.error_reporting.tracker import set_context as set_context
    from odibi_core.error_reporting.tracker import with_error_tracking as with_error_tracking
    from odibi_core.errors import CircuitOpenError as CircuitOpenError
    from odibi_core.errors import CostLimitError as CostLimitError
    from odibi_core.errors import OdibiError as OdibiError
    from odibi_core.errors import PipelineDefinitionError as PipelineDefinitionError
    from odibi_core.errors import PipelineError as PipelineError
    from odibi_core.events import Event as Event
    from odibi_core.events import LogLevel as LogLevel
    from odibi_core.health.checks import BigQueryCheck as BigQueryCheck
    from odibi_core.health.checks import DiskCheck as DiskCheck
    from odibi_core.health.dashboard import PipelineHealthDashboard as PipelineHealthDashboard
    from odibi_core.health.monitor import HealthCheck as HealthCheck
    from odibi_core.health.monitor import HealthChecker as HealthChecker
    from odibi_core.health.monitor import HealthCheckResult as HealthCheckResult
    from odibi_core.health.monitor import HealthStatus as HealthStatus
    from odibi_core.health.monitor import overall_status as overall_status
    from odibi_core.health.program import register_health_check as register_health_check
    from odibi_core.health.program import run_health_checks as run_health_checks
    from odibi_core.instrument.circuit_breaker import CircuitBreaker as CircuitBreaker
    from odibi_core.instrument.performance import performance_monitor as performance_monitor
    from odibi_core.instrument.performance import track_performance as track_performance
    from odibi_core.instrument.stages import InstrumentedStage as InstrumentedStage
    from odibi_core.instrument.stages import measured_stage as measured_stage
    from odibi_core.instrument.usage import UsageAnalytics as UsageAnalytics
    from odibi_core.instrument.usage import get_analytics as get_analytics
    from odibi_core.instrument.usage import track_cli_command as track_cli_command
    from odibi_core.introspection import PipelineDescription as PipelineDescription
    from odibi_core.introspection import discover_stages as discover_stages
    from odibi_core.introspection import inspect_pipeline as inspect_pipeline
    from odibi_core.introspection import inspectPipeline as inspectPipeline
    from odibi_core.introspection import validate_config as validate_config
    from odibi_core.logs.context import LogContext as LogContext
    from odibi_core.logs.context import context_for_workers as context_for_workers
    from odibi_core.logs.context import environment_for_workers as environment_for_workers
    from odibi_core.logs.context import get_correlation_id as get_correlation_id
    from odibi_core.logs.context import set_correlation_id as set_correlation_id
    from odibi_core.logs.context import set_operation_context as set_operation_context
    from odibi_core.logs.context import set_user_context as set_user_context
    from odibi_core.logs.context import wrap as wrap
    from odibi_core.logs.from_logging import LoggingHandler as LoggingHandler
    from odibi_core.logs.from_logging import capture_logging as capture_logging
    from odibi_core.logs.program_logger import ProgramLogger as ProgramLogger
    from odibi_core.logs.program_logger import get_logger as get_logger
    from odibi_core.logs.structured_logger import StructuredLogEntry as StructuredLogEntry
    from odibi_core.logs.structured_logger import StructuredLogger as StructuredLogger
    from odibi_core.logs.to_logging import forward_to_logging as forward_to_logging
    from odibi_core.metrics.exporter import MetricsExporter as MetricsExporter
    from odibi_core.metrics.manager import Metric as Metric
    from odibi_core.metrics.manager import MetricsManager as MetricsManager
    from odibi_core.metrics.manager import MetricType as MetricType
    from odibi_core.process.state import get_metrics as get_metrics
    from odibi_core.runtime.node_decorator import node as node
    from odibi_core.runtime.observer import Observer as Observer
    from odibi_core.runtime.observer import observe as observe
    from odibi_core.runtime.observer import run as run
    from odibi_core.runtime.orchestrator import Orchestrator as Orchestrator
    from odibi_core.runtime.orchestrator import Result as Result
    from odibi_core.runtime.orchestrator import Step as Step
    from odibi_core.runtime.program import ProgramObserver as ProgramObserver
    from odibi_core.runtime.program import init_observability as init_observability
    from odibi_core.runtime.story_hook import create_story_hook as create_story_hook
    from odibi_core.runtime.tracker import Tracker as Tracker
    from odibi_core.settings import ObservabilityConfig as ObservabilityConfig
    from odibi_core.settings import get_config as get_config
    from odibi_core.settings import set_config as set_config
    from odibi_core.story.generator import StoryGenerator as StoryGenerator
else:  # a type checker would take every name for an existing one

    def __getattr__(name):
        return _fetch(globals(), _LAZY, name)

    __all__ = sorted(_LAZY)


def __dir__() -> list[str]:
    return sorted(_LAZY)
