"""The Git state: from the files of a repository of any shape, without credentials, and null where it is unknown."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from odibi_core.events import clock
from odibi_core.runtime.run_context import git_dirty
from odibi_core.runtime.run_context.git import UNKNOWN, git_state, without_login

Git = Callable[..., str]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may need longer than a run would wait."""
    monkeypatch.setattr(git_dirty, "WAIT_S", 30.0)
    monkeypatch.setattr(git_dirty, "KEPT_S", 0.0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the processes that were started to look. The process of the tests may have other children."""
    found: list[int] = []
    spawn = git_dirty._spawn

    def spawned(tree: str) -> git_dirty._Process | None:
        process = spawn(tree)
        found.extend([process.id] if process else [])
        return process

    monkeypatch.setattr(git_dirty, "_spawn", spawned)
    return found


def assert_no_child(started: list[int]) -> None:
    """One process was started, and it was waited for."""
    (process,) = started
    with pytest.raises(ChildProcessError):
        os.waitpid(process, os.WNOHANG)


def run_git(folder: Path, *arguments: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A repository with one commit, as the working directory."""
    folder = tmp_path / "repository"
    folder.mkdir()
    run_git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("1")
    run_git(folder, "add", ".")
    run_git(folder, "commit", "-qm", "first")
    monkeypatch.chdir(folder)
    return lambda *arguments: run_git(folder, *arguments)


def test_a_clean_repository(repository: Git) -> None:
    """Commit and branch are those that git reports; without a remote it is null."""
    assert git_state() == {
        "commit": repository("rev-parse", "HEAD"), "branch": "main", "dirty": False, "remote": None
    }  # fmt: skip


def test_changed_tracked_files_are_dirty_and_new_files_are_not(repository: Git) -> None:
    """A file that was only touched is clean; a changed one is not."""
    Path("new.txt").write_text("x")
    os.utime("a.txt", (1, 1))
    assert git_state()["dirty"] is False
    Path("a.txt").write_text("2")
    assert git_state()["dirty"] is True


def test_a_state_is_found_from_a_subfolder(repository: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """As git does."""
    Path("x/y").mkdir(parents=True)
    monkeypatch.chdir("x/y")
    assert git_state()["branch"] == "main"


def test_a_detached_head_has_a_commit_and_no_branch(repository: Git) -> None:
    """As in CI."""
    repository("checkout", "-q", "--detach")
    state = git_state()
    assert (state["commit"], state["branch"]) == (repository("rev-parse", "HEAD"), None)


def test_packed_references_are_read_and_read_again_after_a_change(repository: Git) -> None:
    """`git gc` moves references into one file; a new commit counts at once."""
    repository("checkout", "-q", "-b", "feature/x")
    repository("pack-refs", "--all")
    assert not Path(".git/refs/heads/feature/x").exists()
    assert git_state()["commit"] == repository("rev-parse", "HEAD")
    repository("commit", "-q", "--allow-empty", "-m", "second")
    repository("pack-refs", "--all")
    assert git_state()["commit"] == repository("rev-parse", "HEAD")


def test_a_worktree_has_its_own_branch_and_the_shared_remote(
    repository: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `.git` is a file, and its references and settings are in the common directory."""
    repository("remote", "add", "origin", "https://host/x.git")
    repository("worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    monkeypatch.chdir(tmp_path / "tree")
    commit = repository("rev-parse", "other")
    assert git_state() == {"commit": commit, "branch": "other", "dirty": False, "remote": "https://host/x.git"}


def test_a_submodule_is_a_repository_of_its_own(
    repository: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `.git` names a folder by a relative path."""
    repository("clone", "-q", ".", str(tmp_path / "part"))
    repository("submodule", "add", "-q", str(tmp_path / "part"), "part")
    monkeypatch.chdir("part")
    state = git_state()
    assert (state["branch"], state["remote"]) == ("main", str(tmp_path / "part"))


def test_a_repository_without_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch is known, the commit is not."""
    run_git(tmp_path, "init", "-q", "-b", "main")
    monkeypatch.chdir(tmp_path)
    assert git_state() == {**UNKNOWN, "branch": "main", "dirty": False}


def test_outside_of_a_repository_all_is_null(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Null, and no process is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(git_dirty, "_spawn", lambda tree: pytest.fail("git was started"))
    assert git_state() == UNKNOWN


def test_a_deleted_working_directory_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may have deleted it."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert git_state() == UNKNOWN
    monkeypatch.chdir(tmp_path)


def test_without_git_only_the_comparison_is_unknown(repository: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files answer the rest."""
    commit = repository("rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "")
    state = git_state()
    assert (state["commit"], state["dirty"]) == (commit, None)


def _fake_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("script", "dirty"),
    [("exit 0", False), ("echo ' M a'", True), ("exit 128", None), ("exit 127", None), ("yes", True)],
)
def test_output_and_exit_code_decide(
    repository: Git,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[int],
    script: str,
    dirty: bool | None,
) -> None:
    """128 is "dubious ownership" and every other refusal: unknown, not clean. Endless output is not read."""
    _fake_git(tmp_path / "bin", script, monkeypatch)
    assert git_state()["dirty"] is dirty
    assert_no_child(started)


def test_a_slow_git_is_stopped_and_unknown(
    repository: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    """The run does not wait for it, and leaves no process behind."""
    _fake_git(tmp_path / "bin", "exec sleep 600", monkeypatch)
    monkeypatch.setattr(git_dirty, "WAIT_S", 0.0)
    assert git_state()["dirty"] is None
    assert_no_child(started)


def test_an_answer_counts_for_later_runs(repository: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within its time no second process is started; a clock that is set back changes nothing."""
    monkeypatch.setattr(git_dirty, "KEPT_S", 1e9)
    assert git_state()["dirty"] is False
    monkeypatch.setattr(git_dirty, "_spawn", lambda tree: pytest.fail("git was started"))
    monkeypatch.setattr(clock, "utc_now", lambda: pytest.fail("the wall clock was asked"))
    assert git_state()["dirty"] is False


def test_a_child_that_the_program_waited_for_is_unknown(
    repository: Git, monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    """The program may wait for children of any kind."""
    git_dirty.begin(str(Path.cwd()))
    (process,) = started
    os.waitpid(process, 0)
    monkeypatch.setattr(git_dirty, "_spawn", lambda tree: None)
    assert git_state()["dirty"] is None


def test_nothing_in_a_read_only_repository_changes(repository: Git) -> None:
    """No lock, and no refreshed index."""
    os.utime("a.txt", (1, 1))
    before = {path: path.stat().st_mtime_ns for path in sorted(Path(".git").rglob("*"))}
    assert git_state()["dirty"] is False
    assert {path: path.stat().st_mtime_ns for path in sorted(Path(".git").rglob("*"))} == before


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.mkdir(), lambda path: path.symlink_to(path)])
def test_a_hostile_head_is_unknown(repository: Git, make: Callable[[Path], None]) -> None:
    """A pipe is not opened, because it would block for ever."""
    Path(".git/HEAD").unlink()
    Path(".git/HEAD").touch()
    Path(".git/config").unlink()
    make(Path(".git/config"))
    assert git_state()["remote"] is None
    Path(".git/HEAD").write_text("ref: ../../../../etc/passwd\n")
    assert git_state()["commit"] is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:ghp_16C7e42F292c6912E7710c838347Ae178B4a@host/o/r.git", "https://host/o/r.git"),
        ("https://ghp_16C7e42F292c6912E7710c838347Ae178B4a@host/o/r.git", "https://host/o/r.git"),
        ("https://ann@host/o/r.git", "https://host/o/r.git"),
        ("https://user:p@ss/w@host/o/r.git", "https://host/o/r.git"),
        ("https://host/o/r.git?private_token=abc", "https://host/o/r.git"),
        ("git@host:o/r.git", "git@host:o/r.git"),
        ("user:secret@host:o/r.git", "host:o/r.git"),
        ("ssh://git@host:22/o/r.git", "ssh://git@host:22/o/r.git"),
        ("ssh://git:secret@host:22/o/r.git", "ssh://host:22/o/r.git"),
        ("/srv/AKIAIOSFODNN7EXAMPLE/r.git", "/srv/AKIAIOSFODNN7EXAMPLE/r.git"),
    ],
)
def test_a_remote_has_no_credentials(repository: Git, url: str, shown: str) -> None:
    """Neither user nor password of a URL is recorded; the `git@` of SSH names no person."""
    assert without_login(url) == shown
    repository("remote", "add", "origin", url)
    assert git_state()["remote"] == shown


def test_the_remote_of_the_branch_is_chosen(repository: Git) -> None:
    """Else `origin`, else the only one."""
    repository("remote", "add", "fork", "https://host/fork.git")
    assert git_state()["remote"] == "https://host/fork.git"
    repository("remote", "add", "origin", "https://host/origin.git")
    assert git_state()["remote"] == "https://host/origin.git"
    repository("config", "branch.main.remote", "fork")
    assert git_state()["remote"] == "https://host/fork.git"
