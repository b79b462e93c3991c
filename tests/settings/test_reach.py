"""A file that is only found in the working directory: the settings that it may not set; all others of it hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.settings import OPTIONS, ObservabilityConfig, read_settings

OUTSIDE = {
    "path": [
        "~/app.log",
        "~root/app.log",
        "~nobody-of-that-name/x",
        "/etc/cron.d/x",
        "/tmp/app.log",
        "../app.log",
        "logs/../../app.log",
        "link/app.log",
        "loop/x",
        "./../x",
    ],
    "host": [
        "0.0.0.0",
        "::",
        "192.0.2.1",
        "agent.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[::1].evil",
        "127.1",
    ],
    "url": [
        "http://collector.example:4318",
        "https://k@o1.sentry.example/1",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "http://localhost:x@evil.example:80",
        "http://0.0.0.0:4318",
        "http://[2001:db8::1]:4318",
        "https://localhost.evil.example/1",
    ],
}
INSIDE = {
    "path": [
        "app.log",
        "logs/app.jsonl",
        "./logs/x",
        "logs/../app.log",
        "{here}/logs/app.log",
        "{here}",
        "a b/ c",
        "straight/app.log",
    ],
    "host": ["localhost", "127.0.0.1", "127.0.0.53", "::1"],
    "url": ["http://localhost:4318", "https://k@127.0.0.1/1", "http://[::1]:4318/v1"],
}
DSNS = [url for url in OUTSIDE["url"] if "@" in url and url.count("/") == 3]


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path) -> None:
    """Links inside of the directory: one leads out of it, one to itself, one to a folder of its own."""
    os.symlink(tmp_path, "link")
    os.symlink("loop", "loop")
    Path("folder").mkdir()
    os.symlink("folder", "straight")


def found(name: str, value: str, more: str = "") -> ObservabilityConfig:
    """The settings with a file in the working directory."""
    section, key = name.split(".")
    Path("odibi.toml").write_text(f"[{section}]\n{key} = {value!r}\n{more}[service]\nname = 'holds'\n")
    return ObservabilityConfig()


@pytest.mark.parametrize("value", OUTSIDE["path"])
@pytest.mark.parametrize("name", ["log.file", "store.dir"])
def test_it_writes_nothing_outside(name: str, value: str) -> None:
    """One sentence asks for the variable; the default is used, and the other settings hold."""
    config = found(name, value)
    attribute = name.replace(".", "_")
    assert getattr(config, attribute) == OPTIONS[attribute].default
    (problem,) = config.validate()
    assert "ODIBI_CONFIG_FILE=odibi.toml" in problem
    assert name in problem
    assert config.service_name == "holds"


@pytest.mark.parametrize("value", OUTSIDE["host"])
@pytest.mark.parametrize("name", ["metrics.host", "datadog.host", "datadog.site"])
def test_it_binds_and_names_no_host_outside(name: str, value: str) -> None:
    """Neither an address that others reach, nor an agent elsewhere."""
    config = found(name, value)
    attribute = name.replace(".", "_")
    assert getattr(config, attribute) == OPTIONS[attribute].default
    assert "ODIBI_CONFIG_FILE" in " ".join(config.validate())


@pytest.mark.parametrize("value", OUTSIDE["url"])
@pytest.mark.parametrize(
    "name", ["otel.endpoint", "otel_traces.endpoint", "otel_metrics.endpoint", "otel_logs.endpoint"]
)
def test_it_sends_to_no_url_outside(name: str, value: str) -> None:
    """A host that is written to look like this machine is none."""
    config = found(name, value)
    assert getattr(config, name.replace(".", "_")) == ""
    assert "ODIBI_CONFIG_FILE" in " ".join(config.validate())


@pytest.mark.parametrize(
    "value", ["s3://bucket/x", "file:///etc/x", "file://localhost/etc/x", "/etc/x", "~/elsewhere"]
)
def test_it_ships_to_no_store_outside(value: str) -> None:
    """A folder of others may not decide where the record goes; a URL of this machine leads out as well."""
    config = found("store.url", value)
    assert config.store_url == ""
    assert "ODIBI_CONFIG_FILE" in " ".join(config.validate())


@pytest.mark.parametrize("value", DSNS)
def test_it_reports_no_error_elsewhere(value: str) -> None:
    """Sentry does not begin, with the reason in the log; the key is not shown."""
    config = found("sentry.dsn", value, "enabled = true\n")
    assert config.sentry_dsn == ""
    (problem,) = config.prevented()["sentry_enabled"]
    assert "ODIBI_CONFIG_FILE" in problem
    assert "k@" not in problem


@pytest.mark.parametrize(("reach", "value"), [(reach, value) for reach in INSIDE for value in INSIDE[reach]])
def test_what_stays_inside_holds(reach: str, value: str) -> None:
    """A path in the directory, and this machine."""
    value = value.replace("{here}", str(Path.cwd()))
    name = {"path": "log.file", "host": "metrics.host", "url": "otel.endpoint"}[reach]
    config = found(name, value)
    assert getattr(config, name.replace(".", "_")) == value
    assert config.validate() == []


def test_a_file_that_is_named_says_what_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was chosen, even where it is the one that would have been found."""
    monkeypatch.setenv("ODIBI_CONFIG_FILE", "odibi.toml")
    config = found("log.file", "/var/log/shop.jsonl")
    assert (config.log_file, config.validate()) == ("/var/log/shop.jsonl", [])


def test_what_goes_before_the_file_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is the user's, and so is code."""
    monkeypatch.setenv("LOG_FILE", "/var/log/shop.jsonl")
    config = found("log.file", "/etc/x")
    assert (config.log_file, config.validate()) == ("/var/log/shop.jsonl", [])
    assert read_settings(store={"dir": "/data"}).store.dir == "/data"


def test_a_run_does_not_begin_with_a_record_elsewhere() -> None:
    """As with every setting of a run that cannot be obeyed: an error, before anything is written."""
    found("store.dir", "../record")
    with pytest.raises(ConfigurationError, match="ODIBI_CONFIG_FILE"):
        read_settings()
    assert read_settings({"ODIBI_STORE__DIR": "mine"}).store.dir == "mine"
    assert read_settings({}, store={"dir": "/code"}).store.dir == "/code"


def test_how_far_a_setting_reaches_is_said_by_its_type() -> None:
    """Every text whose name is one of a place has such a type; one that is added without is found here."""
    words = (
        "dir", "file", "path", "host", "url", "uri", "endpoint", "dsn", "site", "webhook", "address", "rules",
        "certificate", "export", "pushgateway", "textfile",
    )  # fmt: skip
    places = {
        option.name
        for option in OPTIONS.values()
        if isinstance(option.default, str)
        and (set(option.key.split("_")) & set(words) or option.key in ("client_key", "remote_write"))
        and option.name not in ("store.file_mode", "openlineage.endpoint")  # the latter is a path behind a URL
    }
    reaching = {option.name for option in OPTIONS.values() if option.reach}
    assert places == reaching
    assert len(reaching) == 40
