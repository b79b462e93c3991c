"""Each setting has code that reads it, or is marked as not used yet."""

from __future__ import annotations

import ast
import re

import pytest
from tests.architecture.plan import ROOT, Module, modules

from odibi_core.settings import OPTIONS, SECTIONS, Option

READERS = [each for each in modules() if each.unit != "settings" and each.path != "cli/config.py"]
"""All code but the table itself and the command that shows it."""
PROPERTIES = {"store.file_mode": "mode", "store.dir": "root"}
"""Settings that are read by another name: a property."""
LISTS = {option.within[0] for option in OPTIONS.values() if option.within}
"""Settings whose value is read for another one."""
GENERAL = {option.instead for option in OPTIONS.values() if option.instead and option.is_used}
"""Settings whose value is that of another, more exact one, while that is not given."""


def _attributes(module: Module) -> set[str]:
    return {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}


def _is_read(option: Option, attributes: dict[str, set[str]]) -> bool:
    """Return true if a module reads the flat attribute, or the key where the section has its own type."""
    key = PROPERTIES.get(option.name, option.key)
    section = re.compile(rf"\b(?:{option.section}|{SECTIONS[option.section].__name__})\b")
    return option.attribute in LISTS | GENERAL or any(
        option.attribute in attributes[module.name]
        or (key in attributes[module.name] and "settings" in module.text and section.search(module.text))
        for module in READERS
    )


@pytest.fixture(scope="module")
def attributes() -> dict[str, set[str]]:
    """Return the attributes that each module reads."""
    return {module.name: _attributes(module) for module in READERS}


def test_a_setting_is_used_unless_it_is_marked(attributes: dict[str, set[str]]) -> None:
    """A setting without a reader is marked; the mark is removed with the first reader."""
    read = {name for name, option in OPTIONS.items() if _is_read(option, attributes)}
    marked = {name for name, option in OPTIONS.items() if not option.is_used}
    assert sorted(OPTIONS.keys() - read) == sorted(marked)


def test_a_setting_without_a_reader_is_found(attributes: dict[str, set[str]]) -> None:
    """Sabotage: a setting that no code reads is found."""
    stranger = OPTIONS["log_format"]._replace(key="nothing_reads_this", attribute="log_nothing_reads_this")
    assert not _is_read(stranger, attributes)


def test_the_page_marks_the_settings_that_are_not_used_yet() -> None:
    """The page marks each setting without a reader in the meaning of its row."""
    rows = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    said = {row.split("`")[1] for row in rows if row.startswith("| `ODIBI_") and "(not used yet)" in row}
    assert said == {option.own_variable for option in OPTIONS.values() if not option.is_used}
