"""The door to everything that watches: one name each, and nothing of its own."""

from odibi_core.bigquery import Estimate, ObservedClient, Prices, estimate_bigquery, observe_bigquery
from odibi_core.circuit_breaker import CircuitBreaker
from odibi_core.cost_tracker import track_cost, track_query_performance
from odibi_core.error_tracker import (
    add_breadcrumb,
    capture_exception,
    capture_message,
    init_error_tracking,
    set_context,
    with_error_tracking,
)
from odibi_core.errors import (
    CircuitOpenError,
    CostLimitError,
    OdibiError,
    PipelineDefinitionError,
    PipelineError,
)
from odibi_core.event_bus import AutomationHook, EventBus, EventPriority, RegisteredHook
from odibi_core.events import Event, LogLevel
from odibi_core.health_checks import BigQueryCheck, DiskCheck
from odibi_core.health_monitor import (
    HealthCheck,
    HealthChecker,
    HealthCheckResult,
    HealthStatus,
    overall_status,
)
from odibi_core.introspection import (
    PipelineDescription,
    discover_stages,
    inspect_pipeline,
    inspectPipeline,
    validate_config,
)
from odibi_core.log_bridge import LoggingHandler, capture_logging
from odibi_core.log_context import (
    LogContext,
    context_for_workers,
    environment_for_workers,
    get_correlation_id,
    set_correlation_id,
    set_operation_context,
    set_user_context,
    wrap,
)
from odibi_core.log_forwarding import forward_to_logging
from odibi_core.metrics_exporter import MetricsExporter
from odibi_core.metrics_manager import Metric, MetricsManager, MetricType
from odibi_core.observer import Observer, observe, run
from odibi_core.orchestrator import Orchestrator, Result, Step
from odibi_core.performance import performance_monitor, track_performance
from odibi_core.pipeline_health import PipelineHealthDashboard
from odibi_core.program import get_metrics
from odibi_core.program_health import register_health_check, run_health_checks
from odibi_core.program_logger import ProgramLogger, get_logger
from odibi_core.program_observer import ProgramObserver, init_observability
from odibi_core.ride_along import node
from odibi_core.settings import ObservabilityConfig, get_config, set_config
from odibi_core.sinks.alert_hook import create_alert_hook
from odibi_core.sinks.cache_stats_hook import create_cache_stats_hook
from odibi_core.sinks.log_rotation_hook import create_log_rotation_hook
from odibi_core.sinks.metrics_export_hook import create_metrics_export_hook
from odibi_core.sinks.summary_hook import create_summary_hook
from odibi_core.stages import InstrumentedStage, measured_stage
from odibi_core.story_generator import StoryGenerator, create_story_hook
from odibi_core.structured_logger import StructuredLogEntry, StructuredLogger
from odibi_core.tracker import Tracker
from odibi_core.uncaught import setup_exception_hook
from odibi_core.usage_analytics import UsageAnalytics, get_analytics, track_cli_command

__all__ = [
    "AutomationHook",
    "BigQueryCheck",
    "CircuitBreaker",
    "CircuitOpenError",
    "CostLimitError",
    "DiskCheck",
    "Estimate",
    "Event",
    "EventBus",
    "EventPriority",
    "HealthCheck",
    "HealthCheckResult",
    "HealthChecker",
    "HealthStatus",
    "InstrumentedStage",
    "LogContext",
    "LogLevel",
    "LoggingHandler",
    "Metric",
    "MetricType",
    "MetricsExporter",
    "MetricsManager",
    "ObservabilityConfig",
    "ObservedClient",
    "Observer",
    "OdibiError",
    "Orchestrator",
    "PipelineDefinitionError",
    "PipelineDescription",
    "PipelineError",
    "PipelineHealthDashboard",
    "Prices",
    "ProgramLogger",
    "ProgramObserver",
    "RegisteredHook",
    "Result",
    "Step",
    "StoryGenerator",
    "StructuredLogEntry",
    "StructuredLogger",
    "Tracker",
    "UsageAnalytics",
    "add_breadcrumb",
    "capture_exception",
    "capture_logging",
    "capture_message",
    "context_for_workers",
    "create_alert_hook",
    "create_cache_stats_hook",
    "create_log_rotation_hook",
    "create_metrics_export_hook",
    "create_story_hook",
    "create_summary_hook",
    "discover_stages",
    "environment_for_workers",
    "estimate_bigquery",
    "forward_to_logging",
    "get_analytics",
    "get_config",
    "get_correlation_id",
    "get_logger",
    "get_metrics",
    "init_error_tracking",
    "inspectPipeline",
    "inspect_pipeline",
    "measured_stage",
    "init_observability",
    "node",
    "observe",
    "observe_bigquery",
    "overall_status",
    "performance_monitor",
    "register_health_check",
    "run",
    "run_health_checks",
    "set_config",
    "set_context",
    "set_correlation_id",
    "set_operation_context",
    "set_user_context",
    "setup_exception_hook",
    "track_cli_command",
    "track_cost",
    "track_performance",
    "track_query_performance",
    "validate_config",
    "with_error_tracking",
    "wrap",
]
