"""The Spark session of this process: that of the program if it has one, else a local one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from odibi_core.errors import STOPS, EngineError
from odibi_core.events import context
from odibi_core.plugins import missing_library
from odibi_core.settings.environment import environment_value

_JAVA: Final = "engine 'spark' needs Java 17 or later, and there is none; install it, or set JAVA_HOME to its folder"
_LOCAL: Final = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "3g",  # with the default of 1 GB the demo takes 100 s instead of 60
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "16",
    "spark.ui.showConsoleProgress": "false",
}
_GROUP: Final = ("spark.jobGroup.id", "spark.job.description")


def problems() -> list[str]:
    """Return the reasons why no session can start: pyspark, pyarrow or Java is missing."""
    found = missing_library("pyspark", "engine 'spark'") + missing_library("pyarrow", "engine 'spark'")
    if not found and running() is None and not _has_java():
        found.append(_JAVA)
    return found


def running() -> Any:
    """Return the active session of the program, or its default one; None if there is none."""
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active()
    except PySparkRuntimeError:
        return None


def session() -> Any:
    """Return the session of the program; start a local one if there is none, which stays until the process ends.

    Raises:
        EngineError: None can start.
    """
    if (found := running()) is not None:
        return found
    if not _has_java():
        raise EngineError(_JAVA)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("odibi")
    # A master by PYSPARK_SUBMIT_ARGS may be a cluster, whose executors must reach this process.
    if "--master" not in (environment_value("PYSPARK_SUBMIT_ARGS") or ""):
        for name, value in {"spark.master": "local[*]", **_LOCAL}.items():
            builder = builder.config(name, value)
    try:
        return builder.getOrCreate()  # of several threads, one starts it
    except STOPS:
        raise
    except BaseException as error:
        raise EngineError(f"Spark did not start: {type(error).__name__}: {str(error)[:500]}") from error


def _has_java() -> bool:
    home = environment_value("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None) is not None


def description() -> str:
    """Return the description of the jobs of the node in whose context this thread is."""
    here = context.current()
    return f"step {here.node_name} of run {here.run_id}"


@contextmanager
def step_jobs() -> Iterator[None]:
    """Give the jobs of this thread the name of the node in whose context it is, as Spark's UI shows it.

    Nothing happens without a session: the code of the step may be about to start its own.
    """
    here = context.current()
    started = running()
    if started is None or here.node_name is None or not hasattr(started, "sparkContext"):
        yield
        return
    spark = started.sparkContext
    before = [spark.getLocalProperty(name) for name in _GROUP]
    spark.setJobGroup(f"{here.run_id}/{here.node_name}", description())
    try:
        yield
    finally:
        for name, value in zip(_GROUP, before, strict=True):
            spark.setLocalProperty(name, value)
