"""The file of settings: its place, its content, and the message for an invalid one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.settings import OPTIONS, ObservabilityConfig, read_settings


def test_the_file_of_the_working_directory_is_read() -> None:
    """No variable is needed for it."""
    Path("odibi.toml").write_text('[store]\ndir = "from_file"\n[metrics]\nenabled = true\nport = 9100\n')
    assert read_settings().store.dir == "from_file"
    config = ObservabilityConfig()
    assert (config.metrics_enabled, config.prometheus_port, config.source("prometheus_port")) == (
        True, 9100, "odibi.toml",
    )  # fmt: skip
    assert config.validate() == []


def test_the_file_that_is_named_goes_instead() -> None:
    """And the one of the working directory is not looked at."""
    Path("odibi.toml").write_text("not TOML")
    Path("other.toml").write_text('[store]\ndir = "from_other"\n')
    assert read_settings({"ODIBI_CONFIG_FILE": "other.toml"}).store.dir == "from_other"


def test_a_file_that_is_named_must_be_there() -> None:
    """Its settings were wanted."""
    with pytest.raises(ConfigurationError, match=r"ODIBI_CONFIG_FILE is 'no\.toml', which cannot be read"):
        read_settings({"ODIBI_CONFIG_FILE": "no.toml"})


@pytest.mark.parametrize("named", [".", "\0", "x" * 5000])
def test_a_name_that_is_no_file_is_told(named: str) -> None:
    """A folder, a name that cannot be."""
    with pytest.raises(ConfigurationError, match="ODIBI_CONFIG_FILE"):
        read_settings({"ODIBI_CONFIG_FILE": named})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[log", "odibi.toml is not TOML"),
        ("\udcff", "odibi.toml is not TOML"),
        (f"x = {'[' * 100_000}", "odibi.toml is not TOML"),
        ("[stroe]\ndir = 'x'", "odibi.toml: 'stroe' is not a section (did you mean 'store'?)"),
        ("store = 'x'", "odibi.toml: 'store' is a section: write [store]"),
        (
            "[store]\ndri = 'x'",
            "odibi.toml: store.dri is not a setting (did you mean 'dir'?); store has: dir",
        ),
        ("[store]\ndir = 5", "odibi.toml: store.dir is 5, which cannot be right: it is a text"),
        ("[store]\ndurability = 'writen'", "did you mean 'written'?"),
        ("[snapshot]\nrows = 1979-05-27", "odibi.toml: snapshot.rows"),
    ],
    ids=range(9),
)
def test_what_is_wrong_is_named_with_file_key_and_reason(text: str, said: str) -> None:
    """And the nearest right name."""
    Path("odibi.toml").write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert said in str(error.value)
    assert len(str(error.value)) < 600


def test_a_wrong_section_costs_no_other() -> None:
    """A program uses the rest, which may hold rules of redaction; each wrong one is named."""
    Path("odibi.toml").write_text("tags = 1\n[redaction]\nnames = ['badge']\n[lgo]\nlevel = 'debug'\n")
    config = ObservabilityConfig()
    assert config.redaction_names == ("badge",)
    (problem,) = config.validate()
    assert "'lgo' is not a section (did you mean 'log'?)" in problem
    assert "'tags' is not a section" in problem


def test_a_setting_of_another_part_does_not_stop_a_run() -> None:
    """A run needs where its record goes, and how closely it looks; a wrong port does not concern it."""
    Path("odibi.toml").write_text("[metrics]\nport = -1\n[log]\nlevel = 'loud'\n")
    assert read_settings().store.dir == ".odibi"


def test_a_mark_at_the_beginning_is_no_fault() -> None:
    """Some editors write one."""
    Path("odibi.toml").write_bytes(b"\xef\xbb\xbf[store]\ndir = 'x'\n")
    assert read_settings().store.dir == "x"


def test_every_setting_can_stand_in_the_file() -> None:
    """With its default, none is wrong."""
    lines = []
    for option in OPTIONS.values():
        value = option.default
        written = (
            str(value).lower()
            if isinstance(value, bool)
            else list(value)
            if isinstance(value, tuple)
            else value
        )
        lines.append(f"[{option.section}]" if f"[{option.section}]" not in lines else "")
        lines.append(f"{option.key} = {written!r}")
    text = "\n".join(lines).replace("'true'", "true").replace("'false'", "false")
    Path("odibi.toml").write_text(text)
    config = ObservabilityConfig()
    assert config.validate() == []
    assert {config.source(name) for name in OPTIONS} == {"odibi.toml"}


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """A loop of links, which not even the superuser can follow."""
    os.symlink("odibi.toml", "odibi.toml")
    with pytest.raises(ConfigurationError, match=r"the file odibi\.toml cannot be read"):
        read_settings()
