"""The flat settings: only a wrong name raises, every problem is listed, no secret is shown."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.settings import OPTIONS, SECTIONS, Log, ObservabilityConfig, get_config, set_config


def test_each_setting_is_an_attribute_of_its_type() -> None:
    """The annotations and the table cannot drift apart; a choice is a text."""
    hints = get_type_hints(ObservabilityConfig)
    config = ObservabilityConfig()
    assert {name for name in hints if not name.startswith("_")} == set(OPTIONS)
    for name in OPTIONS:
        wanted = get_origin(hints[name]) or hints[name]
        assert type(getattr(config, name)) is wanted, name


def test_a_config_can_be_copied_and_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its problems and sources, and without the environment that it was read from."""
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("SOMETHING_ELSE", "canary")
    config = ObservabilityConfig(service_name="orders")
    written = pickle.dumps(config)
    assert b"canary" not in written
    for twin in (pickle.loads(written), copy.deepcopy(config)):  # noqa: S301
        assert (twin.service_name, twin.source("service_name")) == ("orders", "code")
        assert twin.validate() == config.validate()


def test_a_section_is_had_as_its_own_type() -> None:
    """For code that needs one only."""
    assert ObservabilityConfig(log_level="error").section("log") == Log(level="error")
    assert all(isinstance(ObservabilityConfig().section(name), kind) for name, kind in SECTIONS.items())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prometheus_port": 70_000}, "the setting prometheus_port is 70000"),
        ({"prometheus_port": -1}, "0 to 65535"),
        ({"prometheus_port": True}, "0 to 65535"),
        ({"prometheus_port": 10**5000}, "the setting prometheus_port is a int"),
        ({"sentry_traces_sample_rate": float("nan")}, "from 0 to 1"),
        ({"health_check_interval_seconds": float("inf")}, "greater than 0"),
        ({"cost_alert_threshold_usd": float("inf")}, "0 or more"),
        ({"metrics_enabled": "perhaps"}, "true or false"),
        ({"log_level": "infoo"}, "did you mean 'info'?"),
        ({"log_file": 5}, "it is a text"),
        ({"redaction_names": [1]}, "a list of texts"),
        ({"redaction_patterns": ["("]}, "'(' is no regular expression"),
        ({"redaction_patterns": ["a*"]}, "would hide everything"),
        ({"redaction_patterns": ["(a+)+b"]}, "repeats what repeats"),
        ({"redaction_names": ["?"]}, "is no name to redact"),
        ({"sentry_dsn": "https://sentry.example/7"}, "a DSN is a URL"),
        ({"sentry_dsn": "https://key@sentry.example:port/7"}, "a DSN is a URL"),
        ({"otel_endpoint": "collector:4317"}, "it is a URL"),
        ({"otel_headers": "authorization"}, "name=value"),
        ({"otel_timeout": "-1"}, "0 or more"),
        ({"datadog_host": "http://agent"}, "no URL"),
        ({"datadog_tags": ":x"}, "key:value"),
    ],
)  # fmt: skip
def test_what_code_gives_wrong_is_told_and_the_default_stays(given: dict[str, Any], said: str) -> None:
    """Just as if the environment had set it."""
    config = ObservabilityConfig(**given)
    (problem,) = config.validate()
    assert said in problem
    (name,) = given
    assert getattr(config, name) == OPTIONS[name].default


def test_no_value_can_make_it_raise() -> None:
    """Nor can a value whose representation raises."""

    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError

        __str__ = __bool__ = __repr__

    for name in OPTIONS:
        assert len(ObservabilityConfig(**{name: Hostile()}).validate()) == 1, name


def test_assigning_goes_the_same_way() -> None:
    """A valid value is taken, an invalid one listed, an unknown name raises; a later valid one clears the problem."""
    config = ObservabilityConfig()
    config.sentry_traces_sample_rate = 7
    assert config.sentry_traces_sample_rate == 0.1
    assert len(config.validate()) == 1
    config.sentry_traces_sample_rate = 0.7
    assert (config.sentry_traces_sample_rate, config.validate()) == (0.7, [])
    with pytest.raises(ConfigurationError, match="did you mean 'log_level'"):
        config.log_levl = "debug"


def test_what_stands_in_for_an_empty_setting_follows() -> None:
    """Sentry and Datadog are in the program's environment, unless they are given one of their own."""
    config = ObservabilityConfig(sentry_environment="eu", service_name="orders")
    config.environment = "prod"
    assert (config.datadog_env, config.sentry_environment, config.datadog_service) == ("prod", "eu", "orders")
    assert config.source("datadog_env") == "environment"
    assert ObservabilityConfig(otel_headers="a=b").otel_logs_headers == "a=b"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"sentry_enabled": True}, ("SENTRY_ENABLED", "SENTRY_DSN")),
        ({"datadog_enabled": True, "datadog_host": ""}, ("DATADOG_ENABLED", "ODIBI_DATADOG__HOST")),
        ({"datadog_enabled": True, "datadog_port": 0}, ("DATADOG_ENABLED", "ODIBI_DATADOG__PORT")),
        ({"metrics_enabled": True, "metrics_host": "0.0.0.0"}, ("METRICS_ENABLED", "ODIBI_METRICS__TOKEN")),
        ({"metrics_enabled": True, "metrics_host": ""}, ("METRICS_ENABLED", "ODIBI_METRICS__HOST")),
        ({"metrics_enabled": True, "prometheus_port": "x"}, ("prometheus_port", "a port")),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_told(given: dict[str, Any], named: tuple[str, str]) -> None:
    """One sentence, with the variables to look at."""
    (problem,) = ObservabilityConfig(**given).validate()
    assert all(name in problem for name in named)


@pytest.mark.parametrize(
    "given",
    [
        {"sentry_enabled": True, "sentry_dsn": "https://key@sentry.example/7"},
        {"metrics_enabled": True, "metrics_host": "0.0.0.0", "metrics_token": "t"},
        {"metrics_enabled": True, "metrics_host": "localhost", "prometheus_port": 0},
        {"datadog_enabled": True},
    ],
)
def test_what_goes_together_is_not_told(given: dict[str, Any]) -> None:
    """A warning that is always there is not read."""
    assert ObservabilityConfig(**given).validate() == []


def test_a_dsn_that_is_wrong_is_one_problem_and_not_two() -> None:
    """It is not missing as well."""
    assert len(ObservabilityConfig(sentry_enabled=True, sentry_dsn="nowhere").validate()) == 1


@pytest.mark.parametrize(
    ("given", "prevented"),
    [
        ({"sentry_enabled": True}, {"sentry_enabled": 1}),
        ({"sentry_enabled": True, "sentry_dsn": "nowhere"}, {"sentry_enabled": 1}),
        ({"datadog_enabled": True, "datadog_host": "", "datadog_port": 0}, {"datadog_enabled": 2}),
        ({"metrics_enabled": True, "metrics_host": "0.0.0.0"}, {"metrics_enabled": 1}),
        ({"metrics_enabled": True, "prometheus_port": "x", "metrics_host": "http://x"}, {}),
        ({"datadog_enabled": True, "datadog_tags": ":x", "datadog_site": "http://x"}, {}),
        ({"sentry_dsn": "nowhere", "sentry_traces_sample_rate": 7}, {}),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_said_by_what_asks_for_it(
    given: dict[str, Any], prevented: dict[str, int]
) -> None:
    """Each time with sentences of `validate()`; a wrong value whose default can be used prevents nothing."""
    config = ObservabilityConfig(**given)
    found = config.prevented()
    assert {name: len(problems) for name, problems in found.items()} == prevented
    assert {problem for problems in found.values() for problem in problems} <= set(config.validate())
    assert len(config.validate()) == len(set(config.validate()))


def test_a_misspelt_name_prevents_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed, with any prefix; the setting that it was meant for has its default."""
    names = ("ODIBI_DATADOG__TGAS", "ODIBI_METRICS__TOKENS", "ODIBI_METRICS__TOKEN_", "ODIBI_SENTRY_DSN")
    for name in names:
        monkeypatch.setenv(name, "x")
    dsn = "https://key@sentry.example/7"
    config = ObservabilityConfig(
        datadog_enabled=True, metrics_enabled=True, sentry_enabled=True, sentry_dsn=dsn
    )
    assert len(config.validate()) == len(names)
    assert config.prevented() == {}


SECRET = "canary-3f9a"
SECRETS = {
    "DATADOG_API_KEY": SECRET,
    "SENTRY_DSN": f"https://{SECRET}@sentry.example/7",
    "ODIBI_METRICS__TOKEN": SECRET,
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={SECRET}",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"authorization={SECRET}",
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:{SECRET}@collector:4318",
}


def test_the_representation_masks_every_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the user of an address; the attributes have them as they are."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    config = ObservabilityConfig()
    assert config.datadog_api_key == SECRET
    assert SECRET not in repr(config)
    assert "http://********@collector:4318" in repr(config)


@pytest.mark.parametrize(
    "variable", ["SENTRY_DSN", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_ENDPOINT"]
)
def test_a_wrong_secret_is_not_shown_in_the_message(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message goes to a log."""
    monkeypatch.setenv(variable, f"ftp://user:{SECRET}@x")
    (problem,) = ObservabilityConfig().validate()
    assert variable in problem
    assert SECRET not in problem


def test_everything_wrong_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables, keys, the file, and unknown names."""
    Path("odibi.toml").write_text('[log]\nlevel = "loud"\nfromat = "json"\n')
    monkeypatch.setenv("PROMETHEUS_PORT", "eight")
    monkeypatch.setenv("ODIBI_STORE__DURABILTY", "synced")
    monkeypatch.setenv("ODIBI_STROE__DIR", "x")
    problems = ObservabilityConfig(sentry_enabled=True).validate()
    for part in ("odibi.toml: log.level is 'loud'", "odibi.toml: log.fromat", "PROMETHEUS_PORT is 'eight'",
                 "ODIBI_STORE__DURABILTY", "ODIBI_STROE__DIR", "SENTRY_ENABLED"):  # fmt: skip
        assert len([problem for problem in problems if part in problem]) == 1, part
    assert len(problems) == 6


def test_what_is_wrong_with_one_section_is_had_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With unknown variables of odibi; an invalid value of another section is not listed."""
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("PROMETHEUS_PORT", "eight")
    monkeypatch.setenv("ODIBI_LOG_FORMAT", "json")
    problems = ObservabilityConfig(sentry_enabled=True).validate("log")
    assert [problem.split()[0] for problem in problems] == ["LOG_LEVEL", "ODIBI_LOG_FORMAT"]


def test_a_file_that_cannot_be_read_is_told_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program goes on with the defaults."""
    monkeypatch.setenv("ODIBI_CONFIG_FILE", "nowhere.toml")
    (problem,) = ObservabilityConfig().validate()
    assert problem == "ODIBI_CONFIG_FILE is 'nowhere.toml', which cannot be read: No such file or directory"


def test_set_config_takes_a_config_only() -> None:
    """A dict would go wrong much later."""
    with pytest.raises(ConfigurationError, match="ObservabilityConfig"):
        set_config({"log_level": "debug"})  # type: ignore[arg-type]
    assert get_config().log_level == "info"
