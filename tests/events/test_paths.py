"""Paths where the machine lacks what they need: one warning, and the program goes on."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odibi_core import observe, run
from odibi_core.events import paths
from odibi_core.events.paths import absolute_path
from odibi_core.observability import ObservabilityConfig, StructuredLogger, get_logger, init_observability
from odibi_core.store.runs import RunStore


def numbers() -> list[dict[str, int]]:
    return [{"n": 1}]


def observed() -> None:
    with observe("block") as block:
        block.say("inside")


def program() -> None:
    init_observability(ObservabilityConfig(metrics_enabled=False, health_check_enabled=False)).finish()


CALLS: dict[str, Callable[[], Any]] = {
    "run": lambda: run([numbers]),
    "observe": observed,
    "init_observability": program,
    "get_logger": lambda: get_logger("shop").info("line"),
    "StructuredLogger": lambda: StructuredLogger("own").info("line"),
}


@pytest.fixture
def _no_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()


@pytest.mark.usefixtures("_no_working_directory")
@pytest.mark.parametrize("call", CALLS)
def test_a_deleted_working_directory_is_one_warning(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Events are counted as lost; a run succeeds as it would."""
    CALLS[call]()
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("odibi-core: ")]
    assert len(warnings) == (call != "get_logger")
    assert all("could not be kept (ENOENT" in line for line in warnings)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("path", ["~nosuchuser/x", "~/x"])
def test_a_home_that_does_not_exist_is_one_warning(
    call: str, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user that is none, and one without HOME or an entry in passwd: the path is taken as it is written."""

    def unknown(_: object) -> None:
        raise KeyError("no such user")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("ODIBI_STORE__DIR", path)
    monkeypatch.setenv("LOG_FILE", f"{path}/log.jsonl")
    monkeypatch.setattr(paths._warned, "paths", set())
    CALLS[call]()
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("odibi-core: ")]
    assert len(told) == len(set(told)) == len({line.split()[1] for line in told})
    if call in ("run", "observe"):
        assert told == [f"odibi-core: {path} names no home directory, so it is taken as it is written"]
        assert [row["status"] for row in RunStore(f"./{path}").rows()] == ["success"]


def test_a_path_is_absolute_and_its_home_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both are there."""
    monkeypatch.setenv("HOME", "/home/ada")
    assert absolute_path("~/x") == Path("/home/ada/x")
    assert absolute_path("x") == Path(os.getcwd()) / "x"
    assert absolute_path("/x") == Path("/x")
