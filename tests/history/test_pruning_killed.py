"""`kill -9` during pruning at any moment, with readers beside it: each run is there whole or not at all."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from tests.history.killed import PROCESSES, write_runs

from odibi_core.events import encode
from odibi_core.history.compaction import Options as Compaction
from odibi_core.history.compaction import compact
from odibi_core.history.pruning import Options, prune
from odibi_core.history.retention import Limits
from odibi_core.store.runs import RunStore

KEPT = Limits(runs=3)


def pruning(root: Path) -> None:
    prune(RunStore(root), KEPT, Options(grace_s=0, threads=1))


def faults(store: RunStore, expected: dict[str, int], kept: list[str]) -> list[str]:
    """Return the runs that are read in part or twice, and the kept ones that are lost."""
    wrong = [f"{run_id} is lost" for run_id in kept if run_id not in store.ids()]
    for run_id in store.ids():
        lines = [encode(event) for event in store.read(run_id)]
        is_gone = not lines and run_id not in kept  # pruned between the two calls
        if len(set(lines)) != len(lines) or (len(lines) != expected[run_id] and not is_gone):
            wrong.append(f"{run_id}: {len(lines)} of {expected[run_id]} events")
    return wrong + store.cold.problems


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_with_readers_beside(seed: int, tmp_path: Path) -> None:
    """Six kills each; one reader that lives on, and a new one each time."""
    store, expected = RunStore(tmp_path / "store"), dict[str, int]()
    chance, count = random.Random(seed), 0
    lasting = RunStore(store.root)
    while count < 6:
        write_runs(store, chance.randrange(2, 5), expected)
        if chance.random() < 0.7:
            compact(store, Compaction(grace_s=chance.choice([0.0, 1e9]), threads=1))
        kept = RunStore(store.root).ids()[-3:]
        process = PROCESSES.Process(target=pruning, args=(store.root,))
        process.start()
        process.join(chance.uniform(0.02, 0.3))
        process.kill()
        process.join(60)
        count += process.exitcode == -signal.SIGKILL
        assert faults(lasting, expected, kept) == faults(RunStore(store.root), expected, kept) == []
    pruning(store.root)
    assert len(RunStore(store.root).ids()) == 3
    assert not (store.root / "trash").exists()


@pytest.mark.slow
def test_readings_while_it_runs(tmp_path: Path) -> None:
    """Every reading that begins before, during or after a pruning has each kept run whole."""
    store, expected = RunStore(tmp_path / "store"), dict[str, int]()
    lasting, readings = RunStore(store.root), 0
    for _ in range(5):
        write_runs(store, 5, expected)
        compact(store, Compaction(grace_s=0, threads=1))
        kept = RunStore(store.root).ids()[-3:]
        process = PROCESSES.Process(target=pruning, args=(store.root,))
        process.start()
        while process.is_alive():
            assert faults(lasting, expected, kept) == faults(RunStore(store.root), expected, kept) == []
            readings += 2
        process.join()
        assert process.exitcode == 0
    assert readings > 0
