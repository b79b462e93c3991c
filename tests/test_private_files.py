"""Permissions of the record's files: readable by their owner alone for any umask, and never widened."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from odibi_core import private_files
from odibi_core.errors import ConfigurationError
from odibi_core.settings import ObservabilityConfig, read_settings

UMASKS = pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777], ids=oct)

RUN = """
import os, sys
os.umask(int(sys.argv[1], 8))
import odibi_core
from odibi_core.observability import LogContext, get_logger, init_observability
from odibi_core.sinks.metrics_export_hook import create_metrics_export_hook
from odibi_core.story import write_story

def orders(): return [{"customer": "ada"}] * 3
def names(orders): return [row["customer"] for row in orders] and orders

init_observability()
get_logger("shop").info("started")
from odibi_core.observability import get_metrics
get_metrics().save_to_file("exports/metrics.prom")
orchestrator = odibi_core.Orchestrator([orders, names], pipeline_name="shop")
orchestrator.bus.register_hook("pipeline_complete", create_metrics_export_hook("hooked", ["json"]))
result = orchestrator.execute()
result["tracker"].export_lineage("exports/lineage.json")
write_story({}, "exports/story.html")
pid = os.fork()
if pid == 0:
    get_logger("shop").info("in the child")
    os._exit(0)
os.waitpid(pid, 0)
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Restore the umask of the process after each test."""
    umask = os.umask(0o022)
    yield
    os.umask(umask)
    private_files.set_file_mode(private_files.OWNER_ONLY)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def modes(folder: Path) -> dict[str, set[int]]:
    """Return the modes of all files, and of all folders, below a folder."""
    every = list(folder.rglob("*"))
    return {
        "files": {mode(path) for path in every if path.is_file()},
        "folders": {mode(path) for path in every if path.is_dir()},
    }


def recorded(folder: Path, umask: int, **settings: str) -> dict[str, set[int]]:
    environment = {**os.environ, "LOG_FILE": "logs/shop.jsonl", **settings}
    done = subprocess.run(
        [sys.executable, "-c", RUN, oct(umask)[2:]], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"events", "logs", "exports", "hooked"} <= {path.name for path in folder.rglob("*") if path.is_dir()}
    return modes(folder)


@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_the_files_of_a_run_are_private_for_any_umask(tmp_path: Path, umask: int) -> None:
    """Journals, a child's segments, the log file, exported metrics and lineage have 0600, each folder 0700."""
    assert recorded(tmp_path, umask) == {"files": {0o600}, "folders": {0o700}}


def test_a_group_may_read_if_a_setting_allows_it(tmp_path: Path) -> None:
    """The setting allows it, also if the umask would forbid it."""
    found = recorded(tmp_path, 0o077, ODIBI_STORE__FILE_MODE="640")
    assert found == {"files": {0o640}, "folders": {0o750}}


@UMASKS
def test_a_new_file_has_the_mode_exactly(tmp_path: Path, umask: int) -> None:
    """A new file has exactly the mode: a lax umask adds no bit and a strict one removes none."""
    private_files.set_file_mode(0o640)
    os.umask(umask)
    os.close(private_files.create(tmp_path / "new", os.O_WRONLY))
    private_files.write_atomic(tmp_path / "a" / "b" / "whole", b"x")
    os.umask(0o022)
    assert {mode(tmp_path / "new"), mode(tmp_path / "a" / "b" / "whole")} == {0o640}
    assert {mode(tmp_path / "a"), mode(tmp_path / "a" / "b")} == {0o750}


@pytest.mark.parametrize(("before", "after"), [(0o600, 0o600), (0o400, 0o400), (0o644, 0o640), (0o660, 0o640)])
def test_an_existing_file_is_never_opened_to_more_users(tmp_path: Path, before: int, after: int) -> None:
    """A replaced file keeps the bits that its user removed, and loses those that the setting does not have."""
    private_files.set_file_mode(0o640)
    target = tmp_path / "story.html"
    target.write_text("old")
    target.chmod(before)
    private_files.write_atomic(target, b"new")
    assert (target.read_bytes(), mode(target)) == (b"new", after)


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    """An existing folder keeps its mode, because it may hold other files than a record."""
    (tmp_path / "mine").mkdir(mode=0o755)
    private_files.write_atomic(tmp_path / "mine" / "below" / "x", b"")
    assert (mode(tmp_path / "mine"), mode(tmp_path / "mine" / "below")) == (0o755, 0o700)


def test_a_failed_write_leaves_no_draft_and_the_old_file(tmp_path: Path) -> None:
    """A write is atomic: after a failure the old file is there and no temporary one."""
    target = tmp_path / "x"
    target.mkdir()
    with pytest.raises(OSError):
        private_files.write_atomic(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("given", ["600", "0640", "0o660", "644", ""])
def test_a_mode_is_octal(given: str) -> None:
    """A mode is octal, as for chmod; an empty one is the default."""
    settings = read_settings({"ODIBI_STORE__FILE_MODE": given})
    assert settings.store.mode == int(given or "600", 8)


@pytest.mark.parametrize("given", ["777", "700", "400", "066", "rw-r-----", "6", "6400", "666x", "-600", "647"])
def test_a_wrong_mode_is_refused(given: str) -> None:
    """The owner can read and write, no user can execute; the message names the valid values."""
    with pytest.raises(ConfigurationError, match="640"):
        read_settings({"ODIBI_STORE__FILE_MODE": given})
    assert ObservabilityConfig(store_file_mode=given).validate("store")
