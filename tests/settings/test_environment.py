"""Variables of the environment that are no settings."""

from __future__ import annotations

import pytest

from odibi_core.settings import color_choice, environment_value, environment_with, inherited_context


@pytest.mark.parametrize(
    ("environment", "choice"),
    [
        ({}, None),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm"}, None),
    ],
)
def test_colours_are_forbidden_asked_for_or_left_open(
    environment: dict[str, str], choice: bool | None
) -> None:
    """`NO_COLOR` first; an empty variable counts as not set."""
    assert color_choice(environment) is choice


def test_a_context_is_handed_on_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that is started finds what was put there, and everything else as it was."""
    monkeypatch.setenv("SOMETHING", "else")
    assert inherited_context() is None
    handed = environment_with("{}")
    assert handed["SOMETHING"] == environment_value("SOMETHING") == "else"
    monkeypatch.setenv("ODIBI_CONTEXT", handed["ODIBI_CONTEXT"])
    assert inherited_context() == "{}"
