"""The public modules of the contract: each imports, and each name is the very object of its defining file."""

import importlib
import importlib.util
from types import ModuleType

import pytest
from tests.architecture.plan import PACKAGE, modules

# The names that the contract promises through `odibi_core.observability`.
_NAMES = """
    StructuredLogger StructuredLogEntry LogLevel get_logger LogContext set_correlation_id get_correlation_id
    set_user_context set_operation_context
    MetricsManager MetricType Metric MetricsExporter
    EventBus EventPriority RegisteredHook AutomationHook create_summary_hook create_metrics_export_hook
    create_log_rotation_hook create_alert_hook create_cache_stats_hook
    Orchestrator Step PipelineError Tracker StoryGenerator
    init_observability ObservabilityConfig get_config set_config get_metrics track_performance performance_monitor
    track_cost track_query_performance capture_exception capture_message with_error_tracking add_breadcrumb
    set_context init_error_tracking setup_exception_hook HealthCheck HealthCheckResult HealthStatus HealthChecker
    register_health_check run_health_checks track_cli_command get_analytics
    InstrumentedStage measured_stage inspect_pipeline inspectPipeline validate_config discover_stages
    PipelineHealthDashboard
"""
PROMISED = sorted(_NAMES.split())

# The other public modules of the contract's table, with all their names.
NARROW: dict[str, tuple[str, ...]] = {
    "metrics": ("MetricsManager", "MetricType", "Metric"),
    "orchestrator": ("Orchestrator", "Step"),
    "step": ("Step",),
    "event_bus": (
        "EventBus",
        "EventPriority",
        "RegisteredHook",
        "AutomationHook",
        "create_summary_hook",
        "create_metrics_export_hook",
        "create_log_rotation_hook",
        "create_alert_hook",
        "create_cache_stats_hook",
    ),
    "metrics_manager": ("MetricsManager", "MetricType"),
    "story_generator": ("StoryGenerator",),
}

# Public modules of imports and `__all__` only: every name that they export must be in `__all__`.
PURE_MODULES = ("observability", "metrics", "step")


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{name}")


@pytest.mark.parametrize("name", PROMISED)
def test_observability_has(name: str) -> None:
    """`odibi_core.observability` has every name of the contract, as a public one."""
    module = _module("observability")
    assert name in module.__all__
    assert hasattr(module, name)


@pytest.mark.parametrize(("module", "names"), NARROW.items(), ids=NARROW)
def test_a_narrow_module_has_the_same_objects(module: str, names: tuple[str, ...]) -> None:
    """A name is the same object in each public module: no copy, no subclass, no second registry."""
    wide = _module("observability")
    for name in names:
        assert getattr(_module(module), name) is getattr(wide, name), name


@pytest.mark.parametrize("name", PURE_MODULES)
def test_all_lists_the_public_names(name: str) -> None:
    """`__all__` and the public names of a module are equal."""
    module = _module(name)
    shown = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    public = {name for name, value in shown.items() if not _is_machinery(value)}
    lazy = {name for name in module.__all__ if name not in vars(module)}  # fetched on demand by __getattr__
    assert set(module.__all__) == public | lazy
    assert len(module.__all__) == len(set(module.__all__))
    assert all(hasattr(module, name) for name in lazy)


def _is_machinery(value: object) -> bool:
    return isinstance(value, ModuleType) or type(value).__module__ == "__future__"


def test_automation_hook_is_registered_hook() -> None:
    """The older name is the same class."""
    bus = _module("event_bus")
    assert bus.AutomationHook is bus.RegisteredHook


def test_the_package_exports_observe_run_and_node() -> None:
    """The package exports its three main names."""
    package = importlib.import_module(PACKAGE)
    assert {"observe", "run", "node"} <= set(dir(package))
    assert all(callable(getattr(package, name)) for name in ("observe", "run", "node"))


def test_python_dash_m_works() -> None:
    """`python -m odibi_core` has a `__main__` module."""
    assert importlib.util.find_spec(f"{PACKAGE}.__main__") is not None


def test_every_package_has_the_names_of_its_all() -> None:
    """`from package import *` works, of modules too: a module that was moved is not left in the list."""
    packages = [module.name for module in modules() if module.is_package and module.name != PACKAGE]
    for name in packages:
        exec(f"from {name} import *", {})  # noqa: S102 (a name of this project)
    assert len(packages) > 20
