"""`odibi health --load`: checks of a file's own, and what becomes of what they print."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Here

CHECKS = """
from odibi_core.observability import register_health_check

print("loaded")

def queue():
    print("asked")
    return "degraded"

register_health_check(queue, name="queue")
"""


@pytest.fixture
def checks() -> str:
    Path("checks.py").write_text(CHECKS, encoding="utf-8")
    return "checks.py"


def test_checks_of_a_file_are_asked_too(here: Here, checks: str) -> None:
    """Beside the built-in ones; the worst decides."""
    lines = here("health", "--load", checks).stdout.splitlines()
    assert any("queue" in line and "degraded" in line for line in lines)
    assert lines[-1] == "degraded"


def test_what_checks_print_is_no_part_of_the_answer(here: Here, checks: str) -> None:
    """It goes to stderr, so that stdout is one document of JSON."""
    done = here("health", "--load", checks, "--format", "json")
    assert json.loads(done.stdout)["checks"]["queue"]["status"] == "degraded"
    assert {"loaded", "asked"} <= set(done.stderr.split())


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no file"), ("def (", "SyntaxError"), ("raise RuntimeError('token=canary')", "RuntimeError")],
    ids=["missing", "syntax", "raises"],
)
def test_a_file_that_cannot_be_loaded_is_one_sentence(here: Here, content: str | None, said: str) -> None:
    """With exit code 2, no traceback, and none of the secrets that it raised."""
    if content is not None:
        Path("mine.py").write_text(content, encoding="utf-8")
    done = here("health", "--load", "mine.py")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr
