"""Settings: code before environment before default, and a reason for whatever cannot be right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from odibi_core import Orchestrator, observe
from odibi_core.errors import ConfigurationError
from odibi_core.settings import ObservabilityConfig, Settings, read_settings, set_config


def test_code_goes_before_the_environment_and_that_before_the_default() -> None:
    """And None means not given."""
    environment = {"ODIBI_STORE__DIR": "/from/environment", "ODIBI_SNAPSHOT__ROWS": "7"}
    found = read_settings(environment, store={"dir": "/from/code"}, snapshot={"level": None})
    assert (found.store.dir, found.snapshot.rows, found.snapshot.level) == ("/from/code", 7, "auto")
    assert read_settings(environment).store.dir == "/from/environment"
    assert read_settings({}) == Settings()


def test_the_file_goes_after_the_environment_and_before_the_default() -> None:
    """For a run as for all other readers."""
    Path("odibi.toml").write_text('[store]\ndir = "from/file"\n[snapshot]\nrows = 9\n')
    found = read_settings({"ODIBI_STORE__DIR": "/from/environment"})
    assert (found.store.dir, found.snapshot.rows) == ("/from/environment", 9)
    assert read_settings({}, snapshot={"rows": 1}).snapshot.rows == 1


def test_a_rule_of_redaction_that_is_wrong_stops_a_run() -> None:
    """A run that keeps what should have been hidden is worse than none."""
    with pytest.raises(ConfigurationError, match="ODIBI_REDACTION__PATTERNS"):
        read_settings({"ODIBI_REDACTION__PATTERNS": "("})
    found = read_settings({"ODIBI_REDACTION__PATTERNS": "EMP-[0-9]+", "ODIBI_REDACTION__NAMES": "badge"})
    assert (found.redaction.names, found.redaction.patterns) == (("badge",), ("EMP-[0-9]+",))


def test_a_path_may_be_given_as_a_path(tmp_path: Path) -> None:
    """To the settings and to every parameter `store`."""

    def one() -> int:
        return 1

    assert read_settings({}, store={"dir": tmp_path}).root == tmp_path
    Orchestrator([one], store=tmp_path / "a").execute()
    with observe("x", store=tmp_path / "b"):
        pass
    assert [(tmp_path / name / "runs").is_dir() for name in "ab"] == [True, True]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ODIBI_STORE__DURABILITY", "eternal", "ODIBI_STORE__DURABILITY is 'eternal'"),
        ("ODIBI_STORE__DURABILTY", "synced", "did you mean 'durability'"),
        ("ODIBI_SNAPSHOT__ROWS", "many", "ODIBI_SNAPSHOT__ROWS is 'many'"),
        ("ODIBI_STORE__SEGMENT_MB", "", "ODIBI_STORE__SEGMENT_MB is ''"),
    ],
)
def test_a_variable_that_cannot_be_right_is_named_with_the_reason(
    variable: str, value: str, said: str
) -> None:
    """Its name, its value, and the nearest valid name."""
    with pytest.raises(ConfigurationError) as error:
        read_settings({variable: value})
    assert said in str(error.value)


@pytest.mark.parametrize(
    "section",
    [
        {"store": {"dir": 5}},
        {"snapshot": {"rows": "x"}},
        {"snapshot": {"level": "all"}},
        {"store": {"folder": "x"}},
    ],
)
def test_an_argument_that_cannot_be_right_is_named(section: dict[str, dict[str, Any]]) -> None:
    """By section and key."""
    with pytest.raises(ConfigurationError, match=r"the setting (store|snapshot)\."):
        read_settings({}, **section)


def test_variables_of_others_are_none_of_ours() -> None:
    """An unknown section, no section, another prefix."""
    assert read_settings({"ODIBI_HOME": "x", "ODIBI_OTHER__KEY": "x", "STORE__DIR": "x"}) == Settings()


def test_the_root_is_absolute_and_knows_the_home_folder() -> None:
    """Also if the program changes its working directory afterwards."""
    assert read_settings({}).root == Path(".odibi").absolute()
    assert read_settings({}, store={"dir": "~/x"}).root == Path(os.path.expanduser("~/x"))


def test_what_code_gives_to_the_process_holds_for_its_runs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the environment, after what the run itself is given; what code did not give is read as ever."""
    monkeypatch.setenv("ODIBI_STORE__DIR", "/from/environment")
    monkeypatch.setenv("ODIBI_SNAPSHOT__ROWS", "7")
    set_config(ObservabilityConfig(store_dir="/from/config"))
    monkeypatch.setenv("ODIBI_SNAPSHOT__ROWS", "8")
    found = read_settings()
    assert (found.store.dir, found.snapshot.rows) == ("/from/config", 8)
    assert read_settings(store={"dir": "/from/run"}).store.dir == "/from/run"
    assert read_settings(store={"dir": None}).store.dir == "/from/config"
    assert read_settings({}).store.dir == ".odibi"


def test_a_run_tells_once_of_a_variable_that_nothing_reads(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By odibi's logger in `logging`, as libraries do; the other settings hold."""
    monkeypatch.setenv("ODIBI_STROE__DIR", "elsewhere")
    assert read_settings().store.dir == read_settings().store.dir == ".odibi"
    (said,) = [message for message in caplog.messages if "ODIBI_STROE__DIR" in message]
    assert "did you mean 'ODIBI_STORE__DIR'?" in said
