"""The table of variables: the order among the names of a setting, and the message for an unknown name."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_core.settings import OPTIONS, ObservabilityConfig, Option
from odibi_core.settings.options import unknown_variables
from odibi_core.settings.sections import SECTIONS


def test_no_variable_sets_two_things() -> None:
    """Nor do two settings have one attribute."""
    names = [name for option in OPTIONS.values() for name in option.variables]
    assert len(names) == len(set(names))
    assert len(OPTIONS) == sum(len(kind.__struct_fields__) for kind in SECTIONS.values())


# By the end of an attribute's name, or else by the type of its default: values that it may have, all different.
FITTING = {
    "file_mode": "640",
    "log_level": "error debug", "log_format": "json text", "preset": "ecs otel", "durability": "synced written",
    "snapshot_level": "stats off", "dsn": "https://a@x/1 https://b@x/1", "attributes": "a=1 a=2", "headers": "a=1 a=2",
    "endpoint": "http://a http://b", "store_url": "s3://a s3://b", "_url": "http://a http://b",
    "export_to": "sqlite:///a duckdb:///b", "compression": "gzip none", "protocol": "grpc http/json",
    "run_tags": "a=b", "store_compact": "off auto", "keep_frames": "all none",
    "rows_explain": "all off", "rows_show": "keys none",
    "pushgateway": "http://a", "buckets": "a=1", "remote_write": "http://a", "_level": "error",
    "syslog_address": "/dev/log", "syslog_facility": "daemon",
    "bool": "true false", "int": "1 2", "float": "0.1 0.2", "tuple": "a b", "str": "a b c",
}  # fmt: skip


def fitting(option: Option) -> list[str]:
    """Values for the variables of a setting."""
    names = (option.attribute, type(option.default).__name__)
    return next(values for name in names for end, values in FITTING.items() if name.endswith(end)).split()


@pytest.mark.parametrize("attribute", OPTIONS)
def test_the_names_of_a_setting_go_before_one_another_in_their_order(
    attribute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one first, then with each the one that goes before it set as well."""
    option = OPTIONS[attribute]
    for variable, value in reversed(list(zip(option.variables, fitting(option), strict=False))):
        monkeypatch.setenv(variable, value)
        config = ObservabilityConfig()
        assert config.source(attribute) == variable
        assert getattr(config, attribute) == getattr(ObservabilityConfig(**{attribute: value}), attribute)


def test_there_are_values_for_all_variables() -> None:
    """So that the test above passes none over."""
    assert all(len(fitting(option)) >= len(option.variables) for option in OPTIONS.values())


def test_the_order_is_short_long_ecosystem() -> None:
    """As on the page."""
    for option in OPTIONS.values():
        place = option.variables.index(option.own_variable)
        assert place <= 1
        if place:
            assert option.variables[0].lower() == option.attribute


def test_code_environment_file_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of the order, one after the other."""
    seen = [ObservabilityConfig().service_name]
    Path("odibi.toml").write_text('[service]\nname = "of_file"\n')
    seen.append(ObservabilityConfig().service_name)
    for variable in ("OTEL_SERVICE_NAME", "ODIBI_SERVICE__NAME", "SERVICE_NAME"):
        monkeypatch.setenv(variable, variable)
        seen.append(ObservabilityConfig().service_name)
    seen.append(ObservabilityConfig(service_name="of_code").service_name)
    seen.append(ObservabilityConfig(service_name=None).service_name)
    assert seen == [
        "odibi", "of_file", "OTEL_SERVICE_NAME", "ODIBI_SERVICE__NAME", "SERVICE_NAME", "of_code", "SERVICE_NAME",
    ]  # fmt: skip


def test_a_short_name_that_is_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files and CI systems set what they do not know to nothing."""
    monkeypatch.setenv("PROMETHEUS_PORT", "")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "")
    monkeypatch.setenv("ODIBI_METRICS__PORT", "9100")
    config = ObservabilityConfig()
    assert (config.prometheus_port, config.validate()) == (9100, [])


def test_a_long_name_that_is_empty_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """It overrides the file; if an empty value is invalid, it is listed."""
    Path("odibi.toml").write_text('[log]\nfile = "app.jsonl"\n')
    monkeypatch.setenv("ODIBI_LOG__FILE", "")
    monkeypatch.setenv("ODIBI_METRICS__PORT", "")
    config = ObservabilityConfig()
    assert config.log_file == ""
    assert config.validate()[0].startswith("ODIBI_METRICS__PORT is ''")


def test_a_variable_that_nobody_knows_is_told_with_the_nearest_name() -> None:
    """Only those with odibi's prefix, and none that has a meaning."""
    found = unknown_variables(
        {
            "ODIBI_STROE__DIR": "x", "ODIBI_DEBG": "1", "ODIBI_HOME": "x", "HOME": "x", "STROE__DIR": "x",
            "odibi_log__level": "debug",
            "ODIBI_DEBUG": "1", "ODIBI_CONTEXT": "{}", "ODIBI_CONFIG_FILE": "x", "ODIBI_STORE__DIR": "x",
        }
    )  # fmt: skip
    assert [sentence.split()[0] for sentence in found] == [
        "ODIBI_DEBG", "ODIBI_HOME", "ODIBI_STROE__DIR", "odibi_log__level",
    ]  # fmt: skip
    assert "did you mean 'ODIBI_DEBUG'?" in found[0]
    assert "did you mean 'ODIBI_STORE__DIR'?" in found[2]
    assert "did you mean 'ODIBI_LOG__LEVEL'?" in found[3]
