"""Values read from one text, and values as they are shown."""

from __future__ import annotations

import pytest

from odibi_core.settings import OPTIONS, ObservabilityConfig, masked, text_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(word, True) for word in ("1", "true", "TRUE", "yes", "Yes", "on", " On ")],
        *[(word, False) for word in ("0", "false", "False", "no", "NO", "off", "OFF")],
    ],
)
def test_a_boolean_may_be_said_in_any_usual_way(
    text: str, value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any case."""
    monkeypatch.setenv("METRICS_ENABLED", text)
    monkeypatch.setenv("ODIBI_USAGE__ENABLED", text)
    config = ObservabilityConfig()
    assert (config.metrics_enabled, config.usage_enabled, config.validate()) == (value, value, [])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("badge", ("badge",)),
        ("badge, plate ,", ("badge", "plate")),
        ("badge\nplate\n", ("badge", "plate")),
        ('["badge", "a,b"]', ("badge", "a,b")),
        ("", ()),
    ],
)
def test_names_to_hide_are_a_list_in_one_text(
    text: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With commas, one a line, or as JSON."""
    monkeypatch.setenv("ODIBI_REDACTION__NAMES", text)
    assert ObservabilityConfig().redaction_names == names


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        (r"EMP-\d{3,6}", (r"EMP-\d{3,6}",)),
        ("[0-9]{3},[0-9]", ("[0-9]{3},[0-9]",)),
        ("[1]", ("[1]",)),
        ("a+\nb+\n", ("a+", "b+")),
        (r'["EMP-\\d+", "b,c"]', (r"EMP-\d+", "b,c")),
    ],
)
def test_patterns_are_one_a_line_or_json(
    text: str, patterns: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comma may be part of one, and so may a bracket at its beginning."""
    monkeypatch.setenv("ODIBI_REDACTION__PATTERNS", text)
    config = ObservabilityConfig()
    assert (config.redaction_patterns, config.validate()) == (patterns, [])


def test_a_pattern_that_does_not_compile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its variable and what is wrong with it; the others hide what they should."""
    monkeypatch.setenv("ODIBI_REDACTION__PATTERNS", "a+\n(b\nc+")
    config = ObservabilityConfig()
    (problem,) = config.validate()
    assert "ODIBI_REDACTION__PATTERNS" in problem
    assert "'(b' is no regular expression: missing )" in problem
    assert config.redaction_patterns == ("a+", "c+")


def test_a_value_is_written_as_a_variable_would_be() -> None:
    """For the page and for the command."""
    values = (True, 64.0, "x", ("a", "b"), ())
    assert [text_of(value) for value in values] == ["true", "64.0", "x", "a, b", ""]


def test_what_is_masked_shows_whether_there_is_something() -> None:
    """And nothing else."""
    option = OPTIONS["datadog_api_key"]
    assert (masked(option, ""), masked(option, "a"), masked(option, "b" * 99)) == ("", "********", "********")
