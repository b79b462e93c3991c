"""Rules for every test: no setting leaks in, nothing is written into the project, CI allows no skip."""

import gc
import logging
import os
import re
import sys
from collections.abc import Generator, Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from tests.fast_typer import keep_commands

from odibi_core.process.state import listen
from odibi_core.settings import set_config
from odibi_core.testing import RecordingSink, fresh_program

# Until the tests are collected: the collector would walk over all of them again and again.
gc.disable()

_numbers = count()
ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI") == "true"

# A verdict is the code's: the same examples each time, and no clock, since a busy machine is no fault.
# `pytest --hypothesis-profile=search` looks for other examples, and keeps those that fail.
settings.register_profile(
    "certain", deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search",
    settings.get_profile("certain"),
    derandomize=False,
    max_examples=1000,
    database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis"),
)
settings.load_profile("certain")

# The prefixes of every variable that odibi-core reads; a developer's own must not colour a test.
OUR_VARIABLES = (
    "ODIBI_", "LOG_", "METRICS_", "PROMETHEUS_", "DATADOG_", "SENTRY_", "COST_", "HEALTH_CHECK_", "TRACING_",
    "OTEL_", "OPENLINEAGE_", "DD_", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS",
    "SERVICE_NAME", "ENVIRONMENT", "TRACEPARENT", "NO_COLOR", "FORCE_COLOR",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that ask a Prometheus server in one process: it observes a program that never rests."""
    for item in items:
        if "prometheus" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("prometheus"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the garbage collector work again, but not walk over thousands of collected tests.

    A version of pytest-xdist that does not fit to pytest ignores groups: each process would start Spark, Dask and Ray.
    """
    gc.freeze()
    gc.enable()
    if "PYTEST_XDIST_WORKER" in os.environ:
        for item in session.items:
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
                pytest.exit(
                    f"pytest-xdist does not see the group of {item.nodeid}; install the versions of constraints.txt"
                )


keep_commands()


def _new_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a new folder; pytest's own `mktemp` would list those of all tests before each time."""
    folder = factory.getbasetemp() / f"{name}{next(_numbers)}"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True, scope="module")
def _earlier_objects() -> None:
    """Let the garbage collector skip what earlier modules left: the libraries that they load have a million objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test, as pytest's fixture of this name."""
    return _new_folder(tmp_path_factory, re.sub(r"\W", "_", request.node.name)[:30])


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test runs in an empty directory of its own, with none of the variables that odibi-core reads.

    But for one: tests that run side by side, and a program of this machine, do not meet on port 8000.
    """
    for name in [name for name in os.environ if name.startswith(OUR_VARIABLES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("METRICS_ENABLED", "false")
    monkeypatch.chdir(_new_folder(tmp_path_factory, "cwd"))
    set_config(None)


@pytest.fixture(autouse=True)
def _modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove the modules that a test wrote and imported: the next test may write one of the same name."""
    last, path = next(reversed(sys.modules)), list(sys.path)
    yield
    written = str(tmp_path_factory.getbasetemp())
    for name in list(takewhile(lambda name: name != last, reversed(sys.modules))):
        if str(getattr(sys.modules[name], "__file__", "")).startswith(written):
            del sys.modules[name]
    sys.path[:] = path


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Run each test in a fresh program: no bus, no subscriber and no health check of another test is left."""
    with fresh_program():
        yield


@pytest.fixture(autouse=True)
def _formatters(request: pytest.FixtureRequest) -> None:
    """Format the log lines of each test alike.

    pytest adds its handlers to each logger that does not propagate, and a logger of PySpark gives its JSON to them.
    """
    if "pyspark" in sys.modules:
        for logger in list(logging.getLogger().manager.loggerDict.values()):
            if isinstance(logger, logging.Logger) and type(logger).__module__.startswith("pyspark."):
                logger.propagate = True
    logged = request.config.pluginmanager.getplugin("logging-plugin")
    for handler in (logged.caplog_handler, logged.report_handler):
        handler.setFormatter(logged.formatter)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Return the URL of a database, with its password."""
    from tests.services import postgres

    if postgres.bin_folder() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.serving() as url:
        yield url


@pytest.fixture(scope="session")
def dask_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Dask scheduler with two workers, which every test of this process shares."""
    from tests.dask_cluster import cluster

    with cluster(tmp_path_factory.mktemp("dask")) as address:
        yield address


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """A Ray cluster with one node, to which this process is connected as by its program."""
    import ray
    from ray.cluster_utils import Cluster

    soon = {"health_check_initial_delay_ms": 100, "health_check_period_ms": 200}  # a node that ended is known as that
    head = {"num_cpus": 2, "include_dashboard": False, "_system_config": soon}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    ray.init(cluster.address, logging_level="error", log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def ray_address(ray_cluster: Any) -> str:
    """The address of the Ray cluster, which every test of this process shares."""
    return str(ray_cluster.address)


@pytest.fixture
def heard() -> RecordingSink:
    """Every event of the program and its runs, until the end of the test."""
    sink = RecordingSink()
    listen(sink)
    return sink


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Report a skipped test as failed in CI, where the machine must have all it needs."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"could not run, which CI does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """The one Spark session of a test process; tests that use it are in the xdist group "spark"."""
    from pyspark.sql import SparkSession

    local = {"host": "127.0.0.1", "bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    for name, value in local.items():
        builder = builder.config(f"spark.driver.{name}", value)
    for name, value in {"shuffle.partitions": "2", "session.timeZone": "UTC"}.items():
        builder = builder.config(f"spark.sql.{name}", value)
    session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
