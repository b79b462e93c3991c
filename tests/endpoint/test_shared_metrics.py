"""Several processes served as one: exact sums over living and ended ones, and one always has the port."""

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
    """One such process."""

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
    """Scrape until the value is there; on the way there it never goes back, and never beyond."""
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
    """One has the port, the others do not mind; counters and histograms are the sums of all."""
    workers = [hire() for _ in range(4)]
    assert [worker.serves for worker in workers] == [True, False, False, False]
    for number, worker in enumerate(workers):
        worker.tell(f"count {1000 + number}")
    samples = scraped_until(port, "work_done_total", 4006)
    samples = scraped_until(port, "work_seconds_count", 4006)
    assert samples["work_seconds_bucket 0.5"] == samples["work_seconds_bucket +Inf"] == 4006
    assert samples["work_seconds_bucket 0.25"] == 0
    assert samples["work_seconds_sum"] == pytest.approx(4006 * 0.3)


def test_what_the_dead_counted_stays(hire: Callable[[], Worker], port: int, tmp_path: Path) -> None:
    """Ended or killed, once, also when scraped again and again; their files go, the sum does not."""
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


def test_when_the_one_with_the_port_is_killed_another_takes_it(hire: Callable[[], Worker], port: int) -> None:
    """Nothing that a scraper got is taken back; the counts of the ended process remain."""
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


def test_when_the_one_with_the_port_ends_another_takes_it(hire: Callable[[], Worker], port: int) -> None:
    """With its last count, which no scraper had seen."""
    holder, other = hire(), hire()
    other.tell("count 1")
    holder.tell("count 7")
    holder.quit()
    scraped_until(port, "work_done_total", 8)


def test_a_forked_child_tells_its_own_part(hire: Callable[[], Worker], port: int) -> None:
    """Not what it has from its parent, and nothing is lost of one that lives for a moment only."""
    worker, other = hire(), hire()
    for each in (worker, other):
        each.tell("count 10")
        each.tell("fork 3")
    scraped_until(port, "work_done_total", 26)


def test_when_all_are_gone_the_next_begins_from_nothing(
    hire: Callable[[], Worker], port: int, tmp_path: Path
) -> None:
    """As a single process does; and of those that ended, nothing is left on the disk."""
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


def test_a_gauge_is_what_was_set_last(hire: Callable[[], Worker], port: int) -> None:
    """By whichever process; facts of the process are those of all together."""
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
    """They end without `atexit`, at once after their last count: it is there nevertheless."""
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


def test_a_stranger_on_the_port_is_a_problem_that_is_said(tmp_path: Path, port: int) -> None:
    """Another program has it: no process joins, and nothing is left behind."""
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ConfigurationError, match=f"{port}.*PROMETHEUS_PORT"),
    ):
        serve_metrics(MetricsManager(), tmp_path, port=port)
    assert not [file for file in (tmp_path / str(port)).iterdir() if file.suffix]


def test_one_process_serves_a_port_once(tmp_path: Path, port: int) -> None:
    """Twice the same numbers on one port would be counted twice."""
    with (
        serve_metrics(MetricsManager(), tmp_path, port=port),
        pytest.raises(ConfigurationError, match="already"),
    ):
        serve_metrics(MetricsManager(), tmp_path, port=port)


def test_without_a_folder_one_serves_alone(
    tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that cannot be written on costs the others' numbers, not one's own."""
    (tmp_path / "file").write_text("not a folder")
    metrics = MetricsManager()
    metrics.increment("work.done")
    with caplog.at_level(logging.WARNING, "odibi_core"), serve_metrics(metrics, tmp_path / "file", port=port):
        assert scrape(port)["work_done_total"] == 1
    assert "only itself" in caplog.text


def test_a_folder_that_is_deleted_is_made_again(
    hire: Callable[[], Worker], port: int, tmp_path: Path
) -> None:
    """By the processes that it belongs to; the numbers are those of all again."""
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
    """A group as it is on the disk: one process that asks, and others that left a part and ended, or live."""

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
def test_a_death_in_the_middle_of_folding_counts_nobody_twice(
    folder: Folder, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the new archive is there, or before the files that are in it are gone: the sum is the same."""
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


def test_an_archive_that_does_not_know_its_dead_counts_them_twice(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sabotage twin: without the names in the archive, the test above would be red."""
    folder.other(1)
    replace = folder.group.replace_archive

    def forgetful(text: str) -> None:
        replace(msgspec.json.encode(msgspec.json.decode(text) | {"folded": []}).decode())

    monkeypatch.setattr(folder.group, "replace_archive", forgetful)
    monkeypatch.setattr(folder.group, "forget", lambda names: None)
    assert folder.total() == 1
    assert folder.total() == 2


def test_who_lives_is_not_folded(folder: Folder) -> None:
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
    """A file may be torn, or written by any program: readable parts are served."""
    hurt = folder.other(3, lives=True)
    folder.other(4, lives=True)
    (folder.group.folder / f"{hurt.name}.json").write_bytes(damage)
    assert folder.total() == 4
    folder.other(2)
    assert folder.total() == 6


def test_one_who_keeps_the_folder_does_not_hang_a_scrape(tmp_path: Path, folder: Folder) -> None:
    """It is one failed scrape, and the next is answered."""
    folder.other(1, lives=True)
    other = ProcessGroup(folder.group.folder)
    with other.locked(), pytest.raises(TimeoutError):
        folder.total()
    assert folder.total() == 1


def test_a_frozen_process_is_not_a_dead_one(hire: Callable[[], Worker], port: int) -> None:
    """SIGSTOP is no death: its part stays its own, and counts once when it goes on."""
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
