"""Facts about the process: a command line without secrets, and only variables that are allowed."""

from __future__ import annotations

import pwd

import pytest

from odibi_core.events.sanitize import sanitize_field
from odibi_core.redaction.redactor import HIDDEN
from odibi_core.runtime.run_context.process_facts import _os_user, allowed_variables, command_line, process_facts
from odibi_core.settings.sections import Run


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["python", "job.py", "--password", "hunter2", "--day", "1"], f"python job.py --password '{HIDDEN}' --day 1"),
        (["python", "job.py", "--password=hunter2"], f"python job.py '--password={HIDDEN}'"),
        (["odibi", "run", "x.py", "--param", "api_key=hunter2"], f"odibi run x.py --param 'api_key={HIDDEN}'"),
        (["python", "job.py", "https://ann:hunter2@host/x"], f"python job.py 'https://{HIDDEN}@host/x'"),
        (["curl", "-u", "ann:hunter2", "host"], f"curl -u 'ann:{HIDDEN}' host"),
        (["python", "/srv/AKIAIOSFODNN7EXAMPLE/job.py"], "python /srv/AKIAIOSFODNN7EXAMPLE/job.py"),
        (["python", "-m", "job", "--name", "Ünï code", "a;b"], "python -m job --name 'Ünï code' 'a;b'"),
        ([""], None),
        ([], None),
    ],
)
def test_a_command_line_has_no_secrets(arguments: list[str], shown: str | None) -> None:
    """It reaches the record as it is here, and can be pasted into a shell."""
    assert command_line(arguments) == shown
    assert sanitize_field("command", command_line(arguments)) == shown


def test_a_command_line_is_bounded() -> None:
    """In number and in length."""
    found = command_line(["python", "x" * 1_000_000, *["y"] * 10_000])
    assert found is not None
    assert len(found) < 5_000


def test_an_allowed_variable_is_recorded_by_name_or_beginning() -> None:
    """No other is, and a secret among them is hidden."""
    environment = {"TZ": "UTC", "AIRFLOW_CTX_DAG_ID": "d", "AIRFLOW_CTX_API_KEY": "hunter2", "HOME": "/h", "TZ2": "x"}
    found = allowed_variables(["TZ", "AIRFLOW_CTX_*", "MISSING"], environment)
    assert sanitize_field("environment", found) == {
        "TZ": "UTC", "AIRFLOW_CTX_API_KEY": HIDDEN, "AIRFLOW_CTX_DAG_ID": "d"
    }  # fmt: skip


def test_many_and_large_variables_are_bounded() -> None:
    """`*` allows all of them."""
    found = allowed_variables(["*"], {f"V{number}": "x" * 100_000 for number in range(1_000)})
    assert len(found) == 100
    assert max(map(len, found.values())) < 1_100


def test_the_default_list_names_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable of the default would be shown."""
    for name in Run().environment:
        monkeypatch.setenv(name.replace("*", "RUN"), "value")
    assert HIDDEN not in sanitize_field("environment", process_facts(Run().environment)["environment"]).values()


def test_a_user_without_variables_and_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with any user id and no home."""
    for name in ("HOME", "LOGNAME", "USER", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> object:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert (_os_user() or "").isdigit()
