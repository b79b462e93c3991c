"""A typical program: observed by one call, with a pipeline that runs repeatedly and every call of the toolkit.

One of its nodes has its result in the cache, one is tried twice, and one fails. It ends with its parent process.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

from odibi_core.observability import (
    Orchestrator,
    Step,
    get_analytics,
    get_metrics,
    init_observability,
    performance_monitor,
    register_health_check,
    run_health_checks,
    track_cli_command,
    track_cost,
    track_performance,
    track_query_performance,
)
from odibi_core.process.state import current_bus

TAGS = {"team": "data", "cost.center": "42"}
attempts = count()


def read() -> list[dict[str, int]]:
    """Return a result from the cache."""
    current_bus().publish("cache_hit", fields={"cache_hit": True})
    return [{"n": number} for number in range(100)]


def clean(read: list[dict[str, int]]) -> list[dict[str, int]]:
    """Fail at first, and succeed at the second attempt."""
    if next(attempts) % 2 == 0:
        raise ConnectionError("no route")
    current_bus().publish("cache_miss", fields={"cache_hit": False})
    get_metrics().record_memory_usage("clean", 64.5)
    return [row for row in read if row["n"] % 2]


def report(read: list[dict[str, int]]) -> None:
    """Fail each time."""
    raise ValueError("no printer")


PIPELINES: dict[str, list[Step | Callable[..., object]]] = {
    "daily": [read, Step(name="clean", value=clean, inputs={"read": "read"}, retries=1)],
    "monthly": [read, report],
}


def run_pipelines() -> None:
    """Run a pipeline that succeeds, and one that fails."""
    for name, steps in PIPELINES.items():
        Orchestrator(steps, pipeline_name=name, store=False, raise_on_error=False).execute()


@performance_monitor(operation="monitored", tags=TAGS)
def monitored() -> None:
    """Do the work of one round."""


def disk() -> bool:
    """Return a healthy result."""
    return True


def queue() -> bool:
    """Return an unhealthy result."""
    return False


def call_everything() -> None:
    """Call everything in the toolkit that measures."""
    monitored()
    with track_performance("load", tags=TAGS):
        pass
    with suppress(ValueError), track_performance("load", tags=TAGS):
        raise ValueError("no")
    track_cost("report", 4096, 150.0, tags=TAGS)
    track_query_performance("select", 0.25, 10, 4096, tags=TAGS)
    with track_cli_command("load", {"day": "today"}):
        pass
    with suppress(ValueError), track_cli_command("load"):
        raise ValueError("no")
    analytics = get_analytics()
    analytics.track_bigquery_operation("insert", "raw", "orders", 4096, 3)
    analytics.track_command_argument("load", "--day", "today")
    analytics.track_feature_usage("dry_run")
    analytics.track_data_quality_check("nulls", True, 0.01)
    analytics.track_data_quality_check("unique", False, 0.01)
    run_health_checks()


def measure_by_hand() -> None:
    """Record the metrics that no node measures by itself."""
    metrics = get_metrics()
    metrics.record("checkpoint_size", "clean", 4096)
    metrics.record("data_size", "clean", 8192)
    metrics.record("worker_utilization", "pool", 75.5)


def turns(parent: int) -> Iterator[int]:
    """Run while the parent process lives: at first several per second, then one for each scrape."""
    for turn in count():
        if os.getppid() != parent:
            return
        yield turn
        time.sleep(0.1 if turn < 20 else 1.0)


if __name__ == "__main__":
    begun_by = os.getppid()
    register_health_check(disk)
    register_health_check(queue)
    init_observability()
    for _ in turns(begun_by):
        run_pipelines()
        call_everything()
        measure_by_hand()
