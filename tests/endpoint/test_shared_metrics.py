"""Several processes served as one: exact sums of living and ended ones, and one process always has the port."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus
from tests.ports import kept_port

from odibi_core.endpoint.process_group import ProcessGroup
from odibi_core.endpoint.server import MetricsEndpoint, serve_metrics
from odibi_core.endpoint.shared_metrics import SharedMetrics
from odibi_core.errors import ConfigurationError
from odibi_core.events.clock import monotonic, sleep
from odibi_core.metrics.manager import MetricsManager

PATIENCE_S = 60.0

# A process that executes its input line by line, and answers each line.
WORKER = """
import os, sys
from odibi_core.endpoint.server import serve_metrics
from odibi_core.metrics.manager import MetricsManager
metrics = MetricsManager()
endpoint = serve_metrics(metrics, sys.argv[1], port=int(sys.argv[2]))
for line in sys.stdin:
    what, *numbers = line.split()
    if what == "count":
        for _ in range(int(numbers[0])):
            metrics.increment("work.done", None, 1, {"b": "2", "a": "1"})
            metrics.observe("work.seconds", None, 0.3)
    elif what == "gauge":
        metrics.set_gauge("depth", None, float(numbers[0]))
    elif what == "fork":
        if not (child := os.fork()):
            metrics.increment("work.done", None, int(numbers[0]), {"b": "2", "a": "1"})
            sys.exit()
        os.waitpid(child, 0)
    elif what == "quit":
        break
    print(int(endpoint.serving), flush=True)
"""


class Worker:
    """A process of the group."""

    def __init__(self, root: Path, port: int) -> None:
        arguments = [sys.executable, "-c", WORKER, str(root), str(port)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.serves = self.tell("hello")

    def tell(self, line: str) -> bool:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "1\n"

    def quit(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def port() -> int:
    return kept_port()


@pytest.fixture
def hire(tmp_path: Path, port: int) -> Iterator[Callable[[], Worker]]:
    workers: list[Worker] = []

    def one() -> Worker:
        workers.append(Worker(tmp_path, port))
        return workers[-1]

    yield one
    for worker in workers:
        worker.kill()


def scrape(port: int) -> dict[str, float]:
    response = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30, trust_env=False)
    assert response.status_code == 200, response.text
    samples: dict[str, float] = {}
    for family in prometheus(response.text):
        for sample in family.samples:
            bound = f" {sample.labels['le']}" if "le" in sample.labels else ""
            assert sample.name + bound not in samples
            samples[sample.name + bound] = sample.value
    return samples


def scraped_until(port: int, name: str, value: float) -> dict[str, float]:
    """Scrape until the value is there; it never decreases and never exceeds the value."""
    deadline, before = monotonic() + PATIENCE_S, 0.0
    while monotonic() < deadline:
        try:
            samples = scrape(port)
        except httpx.TransportError:
            samples = {}  # no process has the port at this moment
        if name in samples:
            assert before <= samples[name] <= value
            before = samples[name]
            if before == value:
                return samples
        sleep(0.05)
    raise AssertionError(f"{name} came to {before}, not to {value}")


def test_four_processes_are_one_with_exact_sums(hire: Callable[[], Worker], port: int) -> None:
    """One process has the port; counters and histograms are the sums of all."""
    workers = [hire() for _ in range(4)]
    assert [worker.serves for worker in workers] == [True, False, False, False]
    for number, worker in enumerate(workers):
        worker.tell(f"count {1000 + number}")
    samples = scraped_until(port, "work_done_total", 4006)
    samples = scraped_until(port, "work_seconds_count", 4006)
    assert samples["work_seconds_bucket 0.5"] == samples["work_seconds_bucket +Inf"] == 4006
    assert samples["work_seconds_bucket 0.25"] == 0
    assert samples["work_seconds_sum"] == pytest.approx(4006 * 0.3)


def test_the_counts_of_ended_processes_stay(hire: Callable[[], Worker], port: int, tmp_path: Path) -> None:
    """Counts of ended and killed processes stay once, over many scrapes; their files are deleted."""
    holder, ends, killed = hire(), hire(), hire()
    for worker in (holder, ends, killed):
        worker.tell("count 100")
    scraped_until(port, "work_done_total", 300)
    ends.tell("count 11")  # a moment before its end: it is not written yet
    ends.quit()
    killed.kill()
    for _ in range(3):
        assert scrape(port)["work_done_total"] == 311
    assert len(list((tmp_path / str(port)).glob("*.live"))) == 1
    newcomer = hire()
    newcomer.tell("count 1")
    scraped_until(port, "work_done_total", 312)


def test_if_the_process_with_the_port_is_killed_another_takes_it(hire: Callable[[], Worker], port: int) -> None:
    """No scraped value decreases; the counts of the killed process remain."""
    holder, *others = [hire() for _ in range(3)]
    holder.tell("count 500")
    for worker in others:
        worker.tell("count 20")
    scraped_until(port, "work_done_total", 540)
    holder.kill()
    samples = scraped_until(port, "work_done_total", 540)
    assert samples["work_seconds_count"] == 540
    assert [worker.tell("hello") for worker in others].count(True) == 1
    for worker in others:
        worker.tell("count 5")
    scraped_until(port, "work_done_total", 550)


def test_if_the_process_with_the_port_ends_another_takes_it(hire: Callable[[], Worker], port: int) -> None:
    """The last count of the ended process, which was never scraped, remains."""
    holder, other = hire(), hire()
    other.tell("count 1")
    holder.tell("count 7")
    holder.quit()
    scraped_until(port, "work_done_total", 8)


def test_a_forked_child_reports_its_own_part(hire: Callable[[], Worker], port: int) -> None:
    """The part has no counts of the parent, and all of a short-lived child."""
    worker, other = hire(), hire()
    for each in (worker, other):
        each.tell("count 10")
        each.tell("fork 3")
    scraped_until(port, "work_done_total", 26)


def test_after_the_last_process_the_next_starts_from_zero(
    hire: Callable[[], Worker], port: int, tmp_path: Path
) -> None:
    """It starts as a single process does; no file of the ended ones is left."""
    first, second = hire(), hire()
    for worker in (first, second):
        worker.tell("count 10")
    scraped_until(port, "work_done_total", 20)
    first.kill()
    second.kill()
    third = hire()
    assert third.serves
    third.tell("count 2")
    assert scrape(port)["work_done_total"] == 2
    third.quit()
    assert not [file for file in (tmp_path / str(port)).iterdir() if file.suffix]


def test_a_shared_gauge_has_its_last_value(hire: Callable[[], Worker], port: int) -> None:
    """The last value of any process counts; facts of the process are those of all together."""
    first, second = hire(), hire()
    first.tell("gauge 5")
    scraped_until(port, "odibi_depth", 5)
    second.tell("gauge 9")
    samples = scraped_until(port, "odibi_depth", 9)
    assert samples["odibi_process_resident_memory_bytes"] > 0
    assert samples["odibi_uptime_seconds"] > 0


def _count(metrics: MetricsManager, number: int) -> None:
    metrics.increment("work.done", None, number)


def _serve_and_count(root: str, port: int, number: int) -> None:
    metrics = MetricsManager()
    serve_metrics(metrics, root, port=port)
    metrics.increment("work.done", None, number)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing_are_counted_to_their_end(
    tmp_path: Path, port: int, method: Any
) -> None:
    """They end without `atexit`, right after their last count, which is there nevertheless."""
    metrics = MetricsManager()
    start = multiprocessing.get_context(method)
    endpoint = serve_metrics(metrics, tmp_path, port=port)
    try:
        metrics.increment("work.done", None, 1)
        for number in (10, 100):
            if method == "fork":
                process: Any = start.Process(target=_count, args=(metrics, number))
            else:
                process = start.Process(target=_serve_and_count, args=(str(tmp_path), port, number))
            process.start()
            process.join(PATIENCE_S)
            assert process.exitcode == 0
        assert scrape(port)["work_done_total"] == 111
    finally:
        endpoint.close()


def test_a_port_of_another_program_is_reported(tmp_path: Path, port: int) -> None:
    """No process joins, and no file is left behind."""
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ConfigurationError, match=f"{port}.*PROMETHEUS_PORT"),
    ):
        serve_metrics(MetricsManager(), tmp_path, port=port)
    assert not [file for file in (tmp_path / str(port)).iterdir() if file.suffix]


def test_one_process_serves_a_port_once(tmp_path: Path, port: int) -> None:
    """The same numbers twice on one port would be counted twice."""
    with (
        serve_metrics(MetricsManager(), tmp_path, port=port),
        pytest.raises(ConfigurationError, match="already"),
    ):
        serve_metrics(MetricsManager(), tmp_path, port=port)


def test_without_a_folder_a_process_serves_alone(
    tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """If the disk is not writable, the other processes' numbers are missing, not its own."""
    (tmp_path / "file").write_text("not a folder")
    metrics = MetricsManager()
    metrics.increment("work.done")
    with caplog.at_level(logging.WARNING, "odibi_core"), serve_metrics(metrics, tmp_path / "file", port=port):
        assert scrape(port)["work_done_total"] == 1
    assert "only itself" in caplog.text


def test_a_deleted_folder_is_made_again(
    hire: Callable[[], Worker], port: int, tmp_path: Path
) -> None:
    """The processes of the group make it again; the numbers are those of all."""
    first, second = hire(), hire()
    for worker in (first, second):
        worker.tell("count 4")
    scraped_until(port, "work_done_total", 8)
    for file in (tmp_path / str(port)).iterdir():
        file.unlink()
    for worker in (first, second):
        worker.tell("count 1")
    deadline = monotonic() + PATIENCE_S
    while scrape(port).get("work_done_total") != 10 and monotonic() < deadline:
        sleep(0.1)
    assert scrape(port)["work_done_total"] == 10


class Folder:
    """The folder of a group: one process that scrapes, and others, ended or alive, with a part."""

    def __init__(self, folder: Path) -> None:
        self.metrics = MetricsManager()
        self.shared = SharedMetrics(self.metrics, folder)
        self.group = self.shared.open(1)
        with self.group.locked():
            self.group.join()

    def other(self, amount: float, *, lives: bool = False) -> ProcessGroup:
        metrics = MetricsManager()
        metrics.increment("work.done", None, amount)
        other = ProcessGroup(self.group.folder)
        with other.locked():
            other.join()
        other.write(metrics.export("snapshot"))
        if not lives:
            other.abandon()
        return other

    def total(self) -> float:
        text = self.shared.collect("")[0].decode()
        return sum(
            sample.value
            for family in prometheus(text)
            for sample in family.samples
            if sample.name == "work_done_total"
        )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.shared.leave()


@pytest.mark.parametrize("step", ["replace_archive", "forget"])
def test_an_interrupted_fold_counts_no_process_twice(
    folder: Folder, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sum is the same if the fold ends before the new archive exists, or before its parts are deleted."""
    folder.other(1)
    assert folder.total() == 1
    folder.other(10)

    def dies(*arguments: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(folder.group, step, dies)
        assert folder.total() == 11
        assert folder.total() == 11
    assert folder.total() == 11
    assert folder.total() == 11


def test_an_archive_without_names_counts_processes_twice(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sabotage: without the names in the archive, the test above fails."""
    folder.other(1)
    replace = folder.group.replace_archive

    def forgetful(text: str) -> None:
        replace(msgspec.json.encode(msgspec.json.decode(text) | {"folded": []}).decode())

    monkeypatch.setattr(folder.group, "replace_archive", forgetful)
    monkeypatch.setattr(folder.group, "forget", lambda names: None)
    assert folder.total() == 1
    assert folder.total() == 2


def test_a_living_process_is_not_folded(folder: Folder) -> None:
    """Its part may grow: it is read each time, and counted once."""
    other = folder.other(5, lives=True)
    assert folder.total() == folder.total() == 5
    metrics = MetricsManager()
    metrics.increment("work.done", None, 7)
    other.write(metrics.export("snapshot"))
    assert folder.total() == 7
    other.abandon()
    assert folder.total() == folder.total() == 7


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[1]", b"\xff\xfe", b'{"series": 7}', b'{"series": [7, {"kind": "x"}]}']
)
def test_a_damaged_part_does_not_hide_the_others(folder: Folder, damage: bytes) -> None:
    """A file may be torn, or written by another program; readable parts are served."""
    hurt = folder.other(3, lives=True)
    folder.other(4, lives=True)
    (folder.group.folder / f"{hurt.name}.json").write_bytes(damage)
    assert folder.total() == 4
    folder.other(2)
    assert folder.total() == 6


def test_a_locked_folder_does_not_block_a_scrape(tmp_path: Path, folder: Folder) -> None:
    """One scrape fails, and the next is answered."""
    folder.other(1, lives=True)
    other = ProcessGroup(folder.group.folder)
    with other.locked(), pytest.raises(TimeoutError):
        folder.total()
    assert folder.total() == 1


def test_a_stopped_process_has_not_ended(hire: Callable[[], Worker], port: int) -> None:
    """After SIGSTOP a process keeps its part, which counts once when it continues."""
    holder, frozen = hire(), hire()
    frozen.tell("count 5")
    holder.tell("count 1")
    scraped_until(port, "work_done_total", 6)
    os.kill(frozen.process.pid, signal.SIGSTOP)
    assert scrape(port)["work_done_total"] == 6
    os.kill(frozen.process.pid, signal.SIGCONT)
    frozen.tell("count 1")
    scraped_until(port, "work_done_total", 7)


def test_secrets_in_labels_stay_out_of_the_files(tmp_path: Path, port: int) -> None:
    """A part is an output like any other."""
    metrics = MetricsManager()
    metrics.increment("work.done", "a@example.org", 1, {"token": "s3cr3t-canary"})
    shared = SharedMetrics(metrics, tmp_path)
    with MetricsEndpoint(shared.collect, port=port, shared=shared):
        shared.write()
        (file,) = (tmp_path / str(port)).glob("*.json")
        assert "s3cr3t-canary" not in file.read_text()
        assert "a@example.org" not in file.read_text()
