"""The files of processes that share a port: a damaged file is left out, and the scrape is answered."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus

from odibi_core.endpoint.process_group import ProcessGroup
from odibi_core.endpoint.shared_metrics import SharedMetrics
from odibi_core.metrics.manager import MetricsManager

DAMAGED: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: file.write_bytes(b'{"series": [{"kind": "counter", "metr'),
    "garbage": lambda file: file.write_bytes(bytes(range(256))),
    "no object": lambda file: file.write_bytes(b"[1, 2]"),
    "no list of series": lambda file: file.write_bytes(b'{"series": 3}'),
    "nested without end": lambda file: file.write_bytes(b'{"series": ' + b"[" * 100_000),
    "a folder": lambda file: file.mkdir(),
    "a pipe": lambda file: os.mkfifo(file),
    "a link to itself": lambda file: file.symlink_to(file.name),
}
EACH_DAMAGE = pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedMetrics]:
    """This process, with a count of 3, in a group."""
    metrics = MetricsManager()
    metrics.increment("error_count", "load", 3)
    shared = SharedMetrics(metrics, tmp_path)
    group = shared.open(9)
    with group.locked():
        group.join()
    yield shared
    shared.leave()


@pytest.fixture
def other(shared: SharedMetrics) -> Iterator[ProcessGroup]:
    """Another living process of the group."""
    group = ProcessGroup(shared.root / "9")
    with group.locked():
        group.join()
    yield group
    group.abandon()


def scraped(shared: SharedMetrics) -> dict[str, float]:
    text = shared.collect("text/plain")[0].decode()
    return {sample.name: sample.value for family in prometheus(text) for sample in family.samples}


def part_of(group: ProcessGroup) -> Path:
    return group.folder / f"{group.name}.json"


@EACH_DAMAGE
def test_an_unreadable_part_is_left_out_counted_and_reported(
    shared: SharedMetrics, other: ProcessGroup, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has all other numbers and the number of missing parts; the warning is logged once."""
    damage(part_of(other))
    for _ in range(2):
        found = scraped(shared)
        assert (found["odibi_error_count_total"], found["odibi_metrics_unreadable_parts"]) == (3, 1)
    assert [record.levelno for record in caplog.records if "cannot be read" in record.message] == [logging.WARNING]


@EACH_DAMAGE
def test_a_damaged_part_of_a_dead_process_is_neither_added_nor_deleted(
    shared: SharedMetrics, other: ProcessGroup, damage: Callable[[Path], object]
) -> None:
    """The file is evidence of the damage."""
    damage(part := part_of(other))
    other.abandon()
    assert scraped(shared)["odibi_metrics_unreadable_parts"] == 1
    assert os.path.lexists(part)


def test_a_damaged_archive_is_kept_aside_and_begun_anew(shared: SharedMetrics, other: ProcessGroup) -> None:
    """Its numbers are missing, which is reported once; processes that end later are merged again."""
    archive = other.folder / "archive.json"
    archive.write_bytes(b'{"series": [')
    assert scraped(shared)["odibi_metrics_unreadable_parts"] == 1
    assert (other.folder / "archive.damaged").read_bytes() == b'{"series": ['
    assert scraped(shared)["odibi_metrics_unreadable_parts"] == 0


def test_a_lock_that_cannot_be_opened_stops_no_scrape(shared: SharedMetrics, other: ProcessGroup) -> None:
    """The process counts as alive, because the sum of an ended one is final."""
    (other.folder / "1-x.live").mkdir()
    assert scraped(shared)["odibi_error_count_total"] == 3


def test_a_missing_part_is_no_damage(shared: SharedMetrics, other: ProcessGroup) -> None:
    """A process that has just begun has written none."""
    assert scraped(shared)["odibi_metrics_unreadable_parts"] == 0
