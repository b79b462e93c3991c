"""The door to everything that watches: one name each, and nothing of its own.

A name is fetched from its room when it is first asked for, so that a program loads what it uses. What runs knows the
names by the table, type checkers by the imports below it; a test of the house holds the two together.
"""

import typing

import odibi_core.lazy_doors as _doors

_NAMES: typing.Final = {
    "bigquery": "Estimate ObservedClient Prices estimate_bigquery observe_bigquery",
    "circuit_breaker": "CircuitBreaker",
    "cost_tracker": "track_cost track_query_performance",
    "error_tracker": (
        "add_breadcrumb capture_exception capture_message init_error_tracking set_context with_error_tracking"
    ),
    "errors": "CircuitOpenError CostLimitError OdibiError PipelineDefinitionError PipelineError",
    "event_bus": (
        "AutomationHook EventBus EventPriority RegisteredHook create_alert_hook create_cache_stats_hook "
        "create_log_rotation_hook create_metrics_export_hook create_summary_hook"
    ),
    "events": "Event LogLevel",
    "health_checks": "BigQueryCheck DiskCheck",
    "health_monitor": "HealthCheck HealthCheckResult HealthChecker HealthStatus overall_status",
    "introspection": "PipelineDescription discover_stages inspectPipeline inspect_pipeline validate_config",
    "log_bridge": "LoggingHandler capture_logging",
    "log_context": (
        "LogContext context_for_workers environment_for_workers get_correlation_id set_correlation_id "
        "set_operation_context set_user_context wrap"
    ),
    "log_forwarding": "forward_to_logging",
    "metrics_exporter": "MetricsExporter",
    "metrics_manager": "Metric MetricType MetricsManager",
    "observer": "Observer observe run",
    "orchestrator": "Orchestrator Result Step",
    "performance": "performance_monitor track_performance",
    "pipeline_health": "PipelineHealthDashboard",
    "program": "get_metrics",
    "program_health": "register_health_check run_health_checks",
    "program_logger": "ProgramLogger get_logger",
    "program_observer": "ProgramObserver init_observability",
    "ride_along": "node",
    "settings": "ObservabilityConfig get_config set_config",
    "stages": "InstrumentedStage measured_stage",
    "story_generator": "StoryGenerator create_story_hook",
    "structured_logger": "StructuredLogEntry StructuredLogger",
    "tracker": "Tracker",
    "uncaught": "setup_exception_hook",
    "usage_analytics": "UsageAnalytics get_analytics track_cli_command",
}
_LAZY: typing.Final = {name: room for room, names in _NAMES.items() for name in names.split()}

if typing.TYPE_CHECKING:
    from odibi_core.bigquery import Estimate as Estimate
    from odibi_core.bigquery import ObservedClient as ObservedClient
    from odibi_core.bigquery import Prices as Prices
    from odibi_core.bigquery import estimate_bigquery as estimate_bigquery
    from odibi_core.bigquery import observe_bigquery as observe_bigquery
    from odibi_core.circuit_breaker import CircuitBreaker as CircuitBreaker
    from odibi_core.cost_tracker import track_cost as track_cost
    from odibi_core.cost_tracker import track_query_performance as track_query_performance
    from odibi_core.error_tracker import add_breadcrumb as add_breadcrumb
    from odibi_core.error_tracker import capture_exception as capture_exception
    from odibi_core.error_tracker import capture_message as capture_message
    from odibi_core.error_tracker import init_error_tracking as init_error_tracking
    from odibi_core.error_tracker import set_context as set_context
    from odibi_core.error_tracker import with_error_tracking as with_error_tracking
    from odibi_core.errors import CircuitOpenError as CircuitOpenError
    from odibi_core.errors import CostLimitError as CostLimitError
    from odibi_core.errors import OdibiError as OdibiError
    from odibi_core.errors import PipelineDefinitionError as PipelineDefinitionError
    from odibi_core.errors import PipelineError as PipelineError
    from odibi_core.event_bus import AutomationHook as AutomationHook
    from odibi_core.event_bus import EventBus as EventBus
    from odibi_core.event_bus import EventPriority as EventPriority
    from odibi_core.event_bus import RegisteredHook as RegisteredHook
    from odibi_core.event_bus import create_alert_hook as create_alert_hook
    from odibi_core.event_bus import create_cache_stats_hook as create_cache_stats_hook
    from odibi_core.event_bus import create_log_rotation_hook as create_log_rotation_hook
    from odibi_core.event_bus import create_metrics_export_hook as create_metrics_export_hook
    from odibi_core.event_bus import create_summary_hook as create_summary_hook
    from odibi_core.events import Event as Event
    from odibi_core.events import LogLevel as LogLevel
    from odibi_core.health_checks import BigQueryCheck as BigQueryCheck
    from odibi_core.health_checks import DiskCheck as DiskCheck
    from odibi_core.health_monitor import HealthCheck as HealthCheck
    from odibi_core.health_monitor import HealthChecker as HealthChecker
    from odibi_core.health_monitor import HealthCheckResult as HealthCheckResult
    from odibi_core.health_monitor import HealthStatus as HealthStatus
    from odibi_core.health_monitor import overall_status as overall_status
    from odibi_core.introspection import PipelineDescription as PipelineDescription
    from odibi_core.introspection import discover_stages as discover_stages
    from odibi_core.introspection import inspect_pipeline as inspect_pipeline
    from odibi_core.introspection import inspectPipeline as inspectPipeline
    from odibi_core.introspection import validate_config as validate_config
    from odibi_core.log_bridge import LoggingHandler as LoggingHandler
    from odibi_core.log_bridge import capture_logging as capture_logging
    from odibi_core.log_context import LogContext as LogContext
    from odibi_core.log_context import context_for_workers as context_for_workers
    from odibi_core.log_context import environment_for_workers as environment_for_workers
    from odibi_core.log_context import get_correlation_id as get_correlation_id
    from odibi_core.log_context import set_correlation_id as set_correlation_id
    from odibi_core.log_context import set_operation_context as set_operation_context
    from odibi_core.log_context import set_user_context as set_user_context
    from odibi_core.log_context import wrap as wrap
    from odibi_core.log_forwarding import forward_to_logging as forward_to_logging
    from odibi_core.metrics_exporter import MetricsExporter as MetricsExporter
    from odibi_core.metrics_manager import Metric as Metric
    from odibi_core.metrics_manager import MetricsManager as MetricsManager
    from odibi_core.metrics_manager import MetricType as MetricType
    from odibi_core.observer import Observer as Observer
    from odibi_core.observer import observe as observe
    from odibi_core.observer import run as run
    from odibi_core.orchestrator import Orchestrator as Orchestrator
    from odibi_core.orchestrator import Result as Result
    from odibi_core.orchestrator import Step as Step
    from odibi_core.performance import performance_monitor as performance_monitor
    from odibi_core.performance import track_performance as track_performance
    from odibi_core.pipeline_health import PipelineHealthDashboard as PipelineHealthDashboard
    from odibi_core.program import get_metrics as get_metrics
    from odibi_core.program_health import register_health_check as register_health_check
    from odibi_core.program_health import run_health_checks as run_health_checks
    from odibi_core.program_logger import ProgramLogger as ProgramLogger
    from odibi_core.program_logger import get_logger as get_logger
    from odibi_core.program_observer import ProgramObserver as ProgramObserver
    from odibi_core.program_observer import init_observability as init_observability
    from odibi_core.ride_along import node as node
    from odibi_core.settings import ObservabilityConfig as ObservabilityConfig
    from odibi_core.settings import get_config as get_config
    from odibi_core.settings import set_config as set_config
    from odibi_core.stages import InstrumentedStage as InstrumentedStage
    from odibi_core.stages import measured_stage as measured_stage
    from odibi_core.story_generator import StoryGenerator as StoryGenerator
    from odibi_core.story_generator import create_story_hook as create_story_hook
    from odibi_core.structured_logger import StructuredLogEntry as StructuredLogEntry
    from odibi_core.structured_logger import StructuredLogger as StructuredLogger
    from odibi_core.tracker import Tracker as Tracker
    from odibi_core.uncaught import setup_exception_hook as setup_exception_hook
    from odibi_core.usage_analytics import UsageAnalytics as UsageAnalytics
    from odibi_core.usage_analytics import get_analytics as get_analytics
    from odibi_core.usage_analytics import track_cli_command as track_cli_command
else:  # to a type checker `__getattr__` would say that any name is there

    def __getattr__(name):
        return _doors.fetch(globals(), _LAZY, name)

    __all__ = sorted(_LAZY)


def __dir__() -> list[str]:
    return sorted(_LAZY)
