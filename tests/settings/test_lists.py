"""Lists in one text: how they are read, and their values for other settings, in the precedence of all settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_core.settings import ObservabilityConfig
from odibi_core.settings.lists import resource_attributes, tags


def test_resource_attributes_are_percent_decoded() -> None:
    """As in the specification; space around a name or a value is none of it, and the last of two wins."""
    text = " service.name = my%20shop ,a=1,,team=caf%C3%A9%2C%3D ,a=2, empty= "
    assert resource_attributes(text) == {
        "service.name": "my shop", "a": "2", "team": "café,=", "empty": "",
    }  # fmt: skip
    assert resource_attributes("") == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("team:a,team:b", [("team", "a"), ("team", "b")]),
        ("team:a  url:http://x:1", [("team", "a"), ("url", "http://x:1")]),
        ("team:data platform, urgent", [("team", "data platform"), ("urgent", None)]),
        ("urgent empty:", [("urgent", None), ("empty", "")]),
        (" , ", []),
    ],
)
def test_tags_are_read_as_datadogs_own_software_reads_them(
    text: str, found: list[tuple[str, str | None]]
) -> None:
    """Where there is a comma it separates, and a space does not; the key ends at the first colon."""
    assert tags(text) == found


OF_THE_PROGRAM = "service.name=listed,service.version=1.2,deployment.environment.name=qa,deployment.environment=old"


def test_resource_attributes_say_what_nobody_else_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, version and environment, with the variable as their source; what follows these follows them there."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", OF_THE_PROGRAM)
    config = ObservabilityConfig()
    assert (config.service_name, config.service_version, config.environment) == ("listed", "1.2", "qa")
    assert (config.datadog_service, config.datadog_version, config.sentry_environment) == ("listed", "1.2", "qa")
    assert config.source("service_name") == config.source("environment") == "OTEL_RESOURCE_ATTRIBUTES"
    assert config.validate() == []


def test_the_older_name_of_the_environment_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The older name counts too; an empty value counts as not set."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=old,service.name=")
    config = ObservabilityConfig()
    assert (config.environment, config.service_name, config.source("service_name")) == ("old", "odibi", "default")


@pytest.mark.parametrize("variable", ["SERVICE_NAME", "ODIBI_SERVICE__NAME", "OTEL_SERVICE_NAME"])
def test_a_settings_own_variable_goes_before_a_list(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTEL_SERVICE_NAME` before `service.name`, as OpenTelemetry has it; for the others the list still counts."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", OF_THE_PROGRAM)
    monkeypatch.setenv(variable, "own")
    config = ObservabilityConfig()
    assert (config.service_name, config.source("service_name")) == ("own", variable)
    assert config.service_version == "1.2"


def test_a_list_is_of_the_rank_of_where_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """In code before the environment, there before the file, there before the default; taken back, all is as before."""
    file = Path("odibi.toml")
    file.write_text('[service]\nname = "of_file"\n[otel]\nresource_attributes = "service.name=l,service.version=2"\n')
    config = ObservabilityConfig()
    assert (config.service_name, config.service_version) == ("of_file", "2")
    assert config.source("service_version") == "odibi.toml"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=of_environment")
    assert ObservabilityConfig().service_name == "of_environment"
    monkeypatch.setenv("SERVICE_NAME", "own")
    config = ObservabilityConfig(otel_resource_attributes="service.name=of_code")
    assert (config.service_name, config.source("service_name")) == ("of_code", "code")
    config.otel_resource_attributes = ""
    assert (config.service_name, config.source("service_name")) == ("own", "SERVICE_NAME")
    assert ObservabilityConfig(service_name="c", otel_resource_attributes="service.name=l").service_name == "c"


@pytest.mark.parametrize(
    "text", ["service.name", "service.name=a%2", "service.name=%zz,b=1", "=x", "a=1,service.name"]
)
def test_a_malformed_list_is_one_sentence_and_says_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even its valid half: half of a list means something else than the whole."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", text)
    config = ObservabilityConfig()
    (problem,) = config.validate()
    assert problem.startswith("OTEL_RESOURCE_ATTRIBUTES is ")
    assert "percent-encoded" in problem
    assert config.service_name == "odibi"


def test_datadogs_tags_say_what_nobody_else_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """`env` in `DD_TAGS` goes before the program's environment, as `DD_ENV` does, and after `DD_ENV` itself."""
    monkeypatch.setenv("ENVIRONMENT", "program")
    monkeypatch.setenv("DD_TAGS", "env:listed,team:a,service:s,version:3")
    config = ObservabilityConfig()
    assert (config.datadog_env, config.datadog_service, config.datadog_version) == ("listed", "s", "3")
    assert (config.source("datadog_env"), config.environment) == ("DD_TAGS", "program")
    monkeypatch.setenv("DD_ENV", "own")
    assert ObservabilityConfig().datadog_env == "own"


def test_malformed_tags_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value without a key is none."""
    monkeypatch.setenv("DD_TAGS", "team:a,:b")
    config = ObservabilityConfig()
    (problem,) = config.validate()
    assert "key:value" in problem
    assert config.datadog_tags == ""
