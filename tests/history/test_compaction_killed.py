"""`kill -9` during compaction: at every step, at any moment, and with readers beside it; nothing is lost or doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.history.killed import PROCESSES, STEPS, compacting, killed, problems, write_runs

from odibi_core.history.compaction import Options, compact
from odibi_core.history.merging import FAN_IN
from odibi_core.store import runs as runs_module
from odibi_core.store.runs import RunStore

AT_ONCE = Options(grace_s=0, threads=1)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "store")


def nothing_is_left(store: RunStore) -> bool:
    """One data file a manifest, no marks, no drafts, no journals."""
    batches = {path.stem for path in store.root.glob("manifests/*.json")}
    files = {path.stem for path in store.root.glob("tables/*/*/*.parquet")}
    others = [*store.root.glob("manifests/*.tmp"), *store.root.glob("tables/*/*/*.tmp"), *store.root.glob("runs/*")]
    return batches == files and not others


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step(step: str, store: RunStore) -> None:
    """Again and again at the same step, with new runs in between; in compaction, then in merging."""
    expected: dict[str, int] = {}
    for _ in range(4):
        write_runs(store, 2, expected)
        assert killed(store.root, step)
        assert problems(RunStore(store.root), expected) == []
    while len(store.cold.manifests()) < FAN_IN - 1:
        write_runs(store, 1, expected)
        compact(store, AT_ONCE)
    write_runs(store, 1, expected)
    assert killed(store.root, step, skipped=1)
    assert problems(RunStore(store.root), expected) == []
    compact(store, AT_ONCE)
    assert problems(RunStore(store.root), expected) == []
    assert nothing_is_left(store)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_with_readers_beside(seed: int, store: RunStore) -> None:
    """Ten kills each; one reader that lives on, and a new one each time."""
    expected: dict[str, int] = {}
    chance, count = random.Random(seed), 0
    lasting = RunStore(store.root)
    while count < 10:
        write_runs(store, chance.randrange(1, 3), expected)
        count += killed(store.root, after_s=chance.uniform(0.02, 0.25))
        assert problems(lasting, expected) == []
    assert problems(RunStore(store.root), expected) == []
    compact(store, AT_ONCE)
    assert problems(lasting, expected) == problems(RunStore(store.root), expected) == []
    assert nothing_is_left(store)


def test_readings_while_it_runs(store: RunStore) -> None:
    """Every reading that begins before, during or after a compaction has each event once."""
    expected: dict[str, int] = {}
    lasting, readings = RunStore(store.root), 0
    for _ in range(5):
        write_runs(store, 3, expected)
        process = PROCESSES.Process(target=compacting, args=(store.root,))
        process.start()
        while process.is_alive():
            assert problems(lasting, expected) == []
            assert problems(RunStore(store.root), expected) == []
            readings += 2
        process.join()
        assert process.exitcode == 0
    assert readings > 0


def test_the_check_finds_a_compaction_that_deletes_first(store: RunStore) -> None:
    """Sabotage: segments that are deleted before the manifest is there are lost."""
    expected: dict[str, int] = {}
    write_runs(store, 2, expected)
    assert killed(store.root, sabotage="deletes first")
    assert len(problems(RunStore(store.root), expected)) == 2


def test_the_check_finds_a_reader_that_counts_both(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a reader that does not leave out the segments of a batch reads its events twice."""
    expected: dict[str, int] = {}
    write_runs(store, 2, expected)
    compact(store, Options(threads=1))
    assert problems(RunStore(store.root), expected) == []
    monkeypatch.setattr(runs_module, "_is_held", lambda *_: False)
    assert len(problems(RunStore(store.root), expected)) == 2
