"""The package without POSIX, as on Windows: every module is imported, and each feature works or names its reason."""

import subprocess
import sys

import pytest
from tests.architecture.plan import ROOT

NEEDS_LOCKS = ("store compact", "store rebuild", "store move there", "store prune --keep-runs 1")
"""Commands that end with exit code 4 and the reason."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Exit code and output of each command of the program without POSIX."""
    done = subprocess.run(
        [sys.executable, "-P", str(ROOT / "tests" / "no_posix_program.py")],
        cwd=tmp_path_factory.mktemp("here"), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ", 2) for line in done.stdout.splitlines()]
    return {command: (code, output) for command, code, output in rows}


def test_every_module_is_imported_and_a_run_is_recorded(answers: dict[str, tuple[str, str]]) -> None:
    """The program imports all modules, records a run and asks it in Python, and then lists it."""
    assert "nightly" in answers["runs"][1]
    assert answers["show"][0] == "0"


def test_no_command_fails_by_itself(answers: dict[str, tuple[str, str]]) -> None:
    """Exit code 70 is an internal error, and 1 an exception that nothing handled."""
    assert len(answers) > 20
    assert {command: answer for command, answer in answers.items() if answer[0] in ("1", "70")} == {}


@pytest.mark.parametrize("command", NEEDS_LOCKS)
def test_a_command_that_needs_locks_names_them(answers: dict[str, tuple[str, str]], command: str) -> None:
    """The store stays as it is, and the message has the reason."""
    code, output = answers[command]
    assert (code, "flock" in output) == ("4", True), output


def test_sql_in_a_process_of_its_own_names_the_way_without(answers: dict[str, tuple[str, str]]) -> None:
    """The limits of a process are what such a system lacks."""
    code, output = answers['sql "select 1"']
    assert code == "2"
    assert "odibi_core.history().sql(query)" in output


def test_verify_reads_a_store_without_locks(answers: dict[str, tuple[str, str]]) -> None:
    """A writer, which only a lock shows, is what it did not look for."""
    code, output = answers["store verify"]
    assert code == "0", output
    assert output.startswith("1 run with 5 events")
    assert "not checked: whether runs have a writer" in output
