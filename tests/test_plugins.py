"""Families of plugins: lookup by name, loading on first use, and errors with a fix."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from tests.conftest import ROOT

from odibi_core import plugins
from odibi_core.errors import MissingExtraError, PluginError


def test_a_built_in_is_loaded_by_its_name() -> None:
    """A built-in plugin is loaded by its name, and listed."""
    assert plugins.load("engines", "pandas").__name__ == "PandasEngine"
    assert {"pandas", "polars"} <= set(plugins.names("engines"))
    assert plugins.names("engines") == sorted(plugins.names("engines"))


def test_a_misspelling_gets_the_nearest_name() -> None:
    """The error for an unknown plugin or family names the nearest one."""
    with pytest.raises(
        PluginError, match=r"no engine is called 'panda' \(did you mean 'pandas'\?\); there are: "
    ):
        plugins.load("engines", "panda")
    with pytest.raises(PluginError, match=r"did you mean 'engines'"):
        plugins.load("engine", "pandas")


def test_a_missing_library_is_an_error_that_names_the_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra that installs the library, not the library's own name."""
    monkeypatch.setattr(plugins, "_builtin", lambda family: {"ghost": "no_such_library.part:Thing"})
    with pytest.raises(
        MissingExtraError, match=r"engine 'ghost' needs no_such_library.*odibi-core\[no_such_library\]"
    ):
        plugins.load("engines", "ghost")
    assert "odibi-core[parquet]" in str(plugins.missing_extra("pyarrow.parquet", "writing Parquet"))


def test_an_external_plugin_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin of another package is found by its entry point; a built-in of the same name has precedence."""
    points = {
        name: EntryPoint(name, "collections:OrderedDict", "odibi_core.engines") for name in ("mine", "pandas")
    }
    monkeypatch.setattr(plugins, "_from_outside", lambda family: points)
    found: Any = plugins.load("engines", "mine")
    assert found.__name__ == "OrderedDict"
    assert plugins.load("engines", "pandas").__name__ == "PandasEngine"
    assert "mine" in plugins.names("engines")


def test_a_library_missing_in_an_external_plugin_is_named_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the library itself, because no extra of the package installs it."""
    points = {"mine": EntryPoint("mine", "no_such_library.part:Thing", "odibi_core.engines")}
    monkeypatch.setattr(plugins, "_from_outside", lambda family: points)
    with pytest.raises(MissingExtraError, match=r"needs no_such_library.*: pip install no_such_library$"):
        plugins.load("engines", "mine")


def test_every_extra_that_is_named_can_be_installed() -> None:
    """Every extra that an error proposes is in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(plugins.EXTRAS.values()) <= set(project["optional-dependencies"])
