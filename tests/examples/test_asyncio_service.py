"""The asyncio example: every line of a request carries its own correlation id, and no other's."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.openlineage.checking import check, exported

from odibi_core.store.runs import RunStore

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "examples" / "asyncio_service.py"

Lines = list[dict[str, Any]]


def start(folder: Path, **variables: str) -> subprocess.Popen[str]:
    """Start the service as a user does, with a JSON log and no port."""
    ours = {
        "PYTHONPATH": str(ROOT / "src"),
        "LOG_FORMAT": "json",
        "METRICS_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, str(SERVICE)],
        cwd=folder, env={**os.environ, **ours, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Lines, Path]:
    """Return the output of one run, the lines of its log, and its folder."""
    folder = tmp_path_factory.mktemp("service")
    service = start(folder)
    printed, log = service.communicate(timeout=120)
    assert service.returncode == 0, log
    return printed, [json.loads(line) for line in log.splitlines()], folder


def test_it_ends_by_itself_with_a_summary(ran: tuple[str, Lines, Path]) -> None:
    """The summary has the answered and failed requests, and their measurements."""
    assert ran[0].splitlines() == [
        "36 requests answered, 4 failed",
        "120 operations measured, 4 of them failed",
    ]


def test_every_line_of_a_request_carries_its_own_correlation_id(ran: tuple[str, Lines, Path]) -> None:
    """Three workers answer at once; each request has one line in, one out, and its measurements between."""
    _, lines, _ = ran
    by_request: dict[str, Lines] = defaultdict(list)
    for line in lines:
        if line.get("correlation_id") != line.get("run_id"):
            by_request[line["correlation_id"]].append(line)
    assert sorted(by_request) == [f"req-{number:03d}" for number in range(40)]
    for request, said in by_request.items():
        article = int(request.removeprefix("req-"))
        kinds = [line["event_type"] for line in said]
        ended = ["operation_failed", "error", "request_failed"]
        ended = ended if article % 10 == 0 else ["operation_complete", "request_answered"]
        assert kinds[0] == "request_received"
        assert [kind for kind in kinds if kind != "breadcrumb"][-len(ended) :] == ended
        assert said[0]["article"] == article
        assert {line["user"] for line in said} == {said[0]["user"]}
        assert {line["worker"] for line in said} == {said[0]["worker"]}
        operations = [line["operation"] for line in said if line["event_type"].startswith("operation_")]
        assert sorted(operations) == ["price", "request", "stock"]


def test_lines_without_a_request_carry_the_id_of_the_program(ran: tuple[str, Lines, Path]) -> None:
    """The start, the end and the health of the service share the program's run."""
    own = [
        line
        for line in ran[1]
        if line.get("event_type") in ("service_started", "service_ended", "health_check")
    ]
    assert {line["event_type"] for line in own} >= {"service_started", "service_ended"}
    assert {line["correlation_id"] for line in own} == {own[0]["run_id"]}
    (ended,) = [line for line in own if line["event_type"] == "service_ended"]
    assert (ended["answered"], ended["failed"]) == (36, 4)


def test_more_than_one_request_was_answered_at_once(ran: tuple[str, Lines, Path]) -> None:
    """The requests overlap on several workers; otherwise the test above proves nothing."""
    begun: set[str] = set()
    overlapping = 0
    for line in ran[1]:
        if line["event_type"] == "request_received":
            begun.add(line["correlation_id"])
            overlapping += len(begun) > 1
        elif line["event_type"] in ("request_answered", "request_failed"):
            begun.discard(line["correlation_id"])
    assert overlapping > 3
    assert len({line["worker"] for line in ran[1] if "worker" in line}) == 3


def test_its_record_has_the_errors_the_parts_and_the_health(ran: tuple[str, Lines, Path]) -> None:
    """One run of the program ended well; price and stock are parts of the request that needed them."""
    store = RunStore(ran[2] / ".odibi")
    (row,) = store.rows()
    assert row["status"] == "success"
    events = list(store.read(row["run_id"]))
    errors = [event for event in events if event.event_type == "error"]
    assert [event.error for event in errors] == [
        f"article {number} is sold out" for number in (0, 10, 20, 30)
    ]
    assert len({event.fields["fingerprint"] for event in errors}) == 1
    spans = {event.fields["operation_id"]: event for event in events if "operation_id" in event.fields}
    parts = [event for event in spans.values() if event.operation in ("price", "stock")]
    assert len(parts) == 80
    assert {spans[part.fields["parent_id"]].operation for part in parts} == {"request"}
    assert all(spans[part.fields["parent_id"]].correlation_id == part.correlation_id for part in parts)
    checks = {event.fields["check"]: event.status for event in events if event.event_type == "health_check"}
    assert checks["queue"] == "healthy"


def test_sigterm_ends_it_gracefully(tmp_path: Path) -> None:
    """No new request is accepted, accepted ones are answered, and the summary is printed."""
    service = start(tmp_path)
    assert service.stderr is not None
    seen = ""
    while "request_answered" not in seen:
        line = service.stderr.readline()
        assert line, "it ended before it was told to"
        seen += line
    service.send_signal(signal.SIGTERM)
    printed, rest = service.communicate(timeout=60)
    assert service.returncode == 0, rest
    lines = [json.loads(line) for line in f"{seen}{rest}".splitlines()]
    kinds = [line["event_type"] for line in lines]
    answered, failed = map(int, re.findall(r"(\d+) requests answered, (\d+) failed", printed)[0])
    assert 0 < answered + failed == kinds.count("request_received") < 40
    assert kinds.count("request_answered") == answered
    assert kinds.count("request_failed") == failed


def test_its_record_is_valid_in_openlineage(ran: tuple[str, Lines, Path]) -> None:
    """By the published schemas and the classes of the client library."""
    check(exported(ran[2] / ".odibi"))
