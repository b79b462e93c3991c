"""The built-in health checks, against the real thing or a server on loopback."""

from __future__ import annotations

import http.server
import shutil
import socket
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odibi_core.health.checks import (
    BigQueryCheck,
    DiskCheck,
    check_log_writer,
    check_prometheus,
    check_sentry,
    check_store,
)
from odibi_core.health.monitor import HealthChecker
from odibi_core.observability import ObservabilityConfig, set_config
from odibi_core.process import state as program
from odibi_core.testing import RecordingSink

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("free", "status"), [(5 << 30, "healthy"), (900 << 20, "degraded"), (50 << 20, "unhealthy")]
)
def test_a_disk_is_judged_by_what_is_free(monkeypatch: pytest.MonkeyPatch, free: int, status: str) -> None:
    """Against two bounds; the folder need not be there yet."""
    asked: list[Path] = []

    def usage(place: Path) -> Usage:
        asked.append(place)
        return Usage(10 << 30, 0, free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    result = DiskCheck("not/there/yet").check()
    assert (result.status, result.details["free_bytes"]) == (status, free)
    assert asked[0].is_dir()


def test_a_store_that_can_be_written_is_well_and_left_as_it_was() -> None:
    """Also one that is not there yet."""
    Path(".odibi").mkdir()
    assert check_store().status == "healthy"
    assert list(Path(".odibi").iterdir()) == []


def test_a_store_that_cannot_be_written_is_unhealthy_with_the_reason() -> None:
    """As here, where a file stands in the folder's place."""
    Path(".odibi").write_text("no folder")
    result = check_store()
    assert (result.status, result.message) == (
        "unhealthy",
        f"{Path('.odibi').absolute()} must be a folder, and is a file",
    )


def test_lost_lines_make_the_log_writer_degraded() -> None:
    """By the sinks' own counts."""

    program.program_bus()
    assert check_log_writer().status == "healthy"
    lossy = RecordingSink()
    lossy.dropped = {"ENOSPC": 3}  # type: ignore[attr-defined]  # as a journal has
    program.listen(lossy, name="journal")
    result = check_log_writer()
    assert (result.status, result.details) == ("degraded", {"lost": {"journal": 3}})


class _Answers(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"up 1\n")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answers) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


@pytest.mark.parametrize(("answers", "status"), [(200, "healthy"), (500, "unhealthy")])
def test_prometheus_is_asked_over_the_network(
    server: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch, answers: int, status: str
) -> None:
    """The answer of `/metrics` decides."""
    monkeypatch.setattr(_Answers, "status", answers)
    set_config(ObservabilityConfig(metrics_enabled=True, prometheus_port=server.server_port))
    assert check_prometheus().status == status


def test_metrics_that_nobody_serves_or_wants_are_skipped() -> None:
    """Neither is a fault of the program that asks."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        set_config(ObservabilityConfig(metrics_enabled=True, prometheus_port=taken.getsockname()[1]))
        assert check_prometheus().status == "skipped"
    set_config(ObservabilityConfig(metrics_enabled=False))
    assert check_prometheus().status == "skipped"


def test_sentry_is_reached_for_and_nothing_is_sent(server: http.server.HTTPServer) -> None:
    """Unreachable it is degraded, since errors still stand in the log; without an address it is unhealthy."""
    dsn = f"http://key@127.0.0.1:{server.server_port}/1"
    set_config(ObservabilityConfig(sentry_enabled=True, sentry_dsn=dsn))
    assert check_sentry().status == "healthy"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        set_config(
            ObservabilityConfig(
                sentry_enabled=True, sentry_dsn=f"http://key@127.0.0.1:{taken.getsockname()[1]}/1"
            )
        )
        assert check_sentry().status == "degraded"
    set_config(ObservabilityConfig(sentry_enabled=True, sentry_dsn="nonsense"))
    assert check_sentry().status == "unhealthy"
    set_config(ObservabilityConfig(sentry_enabled=False))
    assert check_sentry().status == "skipped"


def test_bigquery_is_asked_by_a_dry_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a client that is given; what it raises is the reason."""
    asked = []

    class Client:
        project = "shop"

        def query(self, sql: str, job_config: Any) -> Any:
            asked.append((sql, job_config.dry_run))
            return self

    assert BigQueryCheck().check().status == "skipped"
    assert BigQueryCheck(Client()).check().status == "healthy"
    assert BigQueryCheck(Client).check().details == {"project": "shop"}
    assert asked == [("SELECT 1", True)] * 2

    class Refuses(Client):
        def query(self, sql: str, job_config: Any) -> Any:
            raise PermissionError("403 no access to shop")

    checker = HealthChecker()
    checker.register_check(BigQueryCheck(Refuses()))
    result = checker.run_check("bigquery")
    assert (result.status, result.message) == ("unhealthy", "PermissionError: 403 no access to shop")
