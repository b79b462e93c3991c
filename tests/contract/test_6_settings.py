"""Contract, section 6: the settings of the toolkit, variable by variable."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core import observability
from odibi_core.errors import ConfigurationError
from odibi_core.observability import ObservabilityConfig, get_config, set_config

# variable: its default, a value of another kind, what that becomes, and a value that cannot be right (None: any can).
VARIABLES: dict[str, tuple[Any, str, Any, str | None]] = {
    "LOG_LEVEL": ("info", "WARNING", "warning", "loud"),
    "LOG_FORMAT": ("text", "json", "json", "xml"),
    "LOG_FILE": ("", "app.jsonl", "app.jsonl", None),
    "METRICS_ENABLED": (True, "false", False, "maybe"),
    "PROMETHEUS_PORT": (8000, "9100", 9100, "99999"),
    "DATADOG_ENABLED": (False, "1", True, "maybe"),
    "DATADOG_API_KEY": ("", "abc", "abc", None),
    "DATADOG_SITE": ("datadoghq.com", "datadoghq.eu", "datadoghq.eu", "https://datadoghq.eu"),
    "DATADOG_SERVICE": ("odibi", "orders", "orders", None),
    "DATADOG_ENV": ("dev", "prod", "prod", None),
    "SENTRY_ENABLED": (False, "Yes", True, "2"),
    "SENTRY_DSN": ("", "https://key@sentry.example/7", "https://key@sentry.example/7", "sentry.example"),
    "SENTRY_ENVIRONMENT": ("dev", "prod", "prod", None),
    "SENTRY_TRACES_SAMPLE_RATE": (0.1, "0.5", 0.5, "1.5"),
    "COST_ALERT_THRESHOLD_USD": (100.0, "2.5", 2.5, "-1"),
    "COST_TRACKING_ENABLED": (True, "off", False, "never"),
    "HEALTH_CHECK_ENABLED": (True, "off", False, "maybe"),
    "HEALTH_CHECK_INTERVAL_SECONDS": (60.0, "5", 5.0, "0"),
    "TRACING_ENABLED": (False, "TRUE", True, "maybe"),
    "TRACING_SAMPLE_RATE": (0.1, "1", 1.0, "a lot"),
    "SERVICE_NAME": ("odibi", "orders", "orders", None),
    "ENVIRONMENT": ("dev", "prod", "prod", None),
}
WRONG = [(name, wrong) for name, (_, _, _, wrong) in VARIABLES.items() if wrong is not None]

@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the one that keeps tests off port 8000."""
    monkeypatch.delenv("METRICS_ENABLED")


EVERY_VARIABLE = pytest.mark.parametrize("variable", VARIABLES)


@EVERY_VARIABLE
def test_the_default_of(variable: str) -> None:
    """The attribute is the variable in lower case."""
    default = VARIABLES[variable][0]
    value = getattr(ObservabilityConfig(), variable.lower())
    assert value == default
    assert type(value) is type(default)


@EVERY_VARIABLE
def test_the_environment_sets(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable's own name, as a value of the right type."""
    _, given, wanted, _ = VARIABLES[variable]
    monkeypatch.setenv(variable, given)
    config = ObservabilityConfig()
    value = getattr(config, variable.lower())
    assert value == wanted
    assert type(value) is type(wanted)
    assert config.source(variable.lower()) == variable


@EVERY_VARIABLE
def test_code_goes_before(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument of the same name goes before the environment."""
    _, given, wanted, wrong = VARIABLES[variable]
    monkeypatch.setenv(variable, wrong or "from the environment")
    config = ObservabilityConfig(**{variable.lower(): given})
    assert getattr(config, variable.lower()) == wanted
    assert config.source(variable.lower()) == "code"
    assert not [problem for problem in config.validate() if "cannot be right" in problem]


@pytest.mark.parametrize(("variable", "wrong"), WRONG, ids=[name for name, _ in WRONG])
def test_a_wrong_value_is_a_clear_message_that_names(
    variable: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is raised, the default stays, and `validate()` says which, what, and what would be right."""
    monkeypatch.setenv(variable, wrong)
    config = ObservabilityConfig()
    assert getattr(config, variable.lower()) == VARIABLES[variable][0]
    (problem,) = config.validate()
    assert problem.startswith(f"{variable} is ")
    assert "which cannot be right: " in problem
    assert (repr(wrong) in problem) is (variable != "SENTRY_DSN")


def test_validate_gives_a_list_of_texts() -> None:
    """Empty when nothing is wrong."""
    assert ObservabilityConfig().validate() == []


def test_sentry_without_a_dsn_is_one_message() -> None:
    """`SENTRY_ENABLED=true` and no DSN."""
    (problem,) = ObservabilityConfig(sentry_enabled=True).validate()
    assert "SENTRY_ENABLED" in problem
    assert "SENTRY_DSN" in problem


def test_get_config_is_made_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is looked at when it is first asked for."""
    monkeypatch.setenv("SERVICE_NAME", "first")
    config = get_config()
    monkeypatch.setenv("SERVICE_NAME", "second")
    assert get_config() is config
    assert config.service_name == "first"


def test_set_config_replaces_and_none_reads_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set is what everybody gets."""
    mine = ObservabilityConfig(service_name="mine")
    set_config(mine)
    assert get_config() is mine
    monkeypatch.setenv("SERVICE_NAME", "anew")
    set_config(None)
    assert get_config().service_name == "anew"


def test_an_option_that_does_not_exist_raises_with_the_nearest_name() -> None:
    """The one thing that a config raises for."""
    with pytest.raises(ConfigurationError, match=r"'promtheus_port' \(did you mean 'prometheus_port'\?\)"):
        ObservabilityConfig(promtheus_port=1)


@pytest.mark.parametrize("name", ["ObservabilityConfig", "get_config", "set_config"])
def test_the_door_has(name: str) -> None:
    """`from odibi_core.observability import …`."""
    assert name in dir(observability)
