"""Changes of TOML files that keep their comments, their order and everything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from odibi_core import private_files
from odibi_core.errors import ConfigurationError
from odibi_core.plugins import missing_extra


def set_values(path: Path, values: Mapping[tuple[str, str], Any]) -> None:
    """Set values by section and key; a file that is not there is created, for its owner alone.

    Raises:
        ConfigurationError: The file is no TOML, or a section is no table.
        MissingExtraError: tomlkit is not installed.
        OSError: The file cannot be read or written.
    """
    kit, document = _opened(path)
    for (section, key), value in values.items():
        if section not in document:
            if document.as_string().strip():
                document.add(kit.nl())
            document.add(section, kit.table())
        table = document[section]
        if not hasattr(table, "keys"):
            raise ConfigurationError(f"{path}: {section} must be a section, got a value; write [{section}]")
        table[key] = list(value) if isinstance(value, tuple) else value
    private_files.write_atomic(path, kit.dumps(document))


def set_row(path: Path, array: str, row: Mapping[str, Any]) -> None:
    """Set a table `[[array]]` of a file: the one of this `name` is changed, else one is added at the end.

    Raises:
        ConfigurationError: The file is no TOML, or `array` is none.
        MissingExtraError: tomlkit is not installed.
        OSError: The file cannot be read or written.
    """
    kit, document = _opened(path)
    if array not in document:
        document.add(array, kit.aot())
    rows = document[array]
    if not isinstance(rows, kit.items.AoT):
        raise ConfigurationError(f"{path}: {array} must be tables [[{array}]], got a value")
    there = next((each for each in rows if each.get("name") == row["name"]), None)
    if there is None:
        there = kit.table()
        rows.append(there)
    for key, value in row.items():
        there[key] = value
    private_files.write_atomic(path, kit.dumps(document))


def _opened(path: Path) -> tuple[Any, Any]:
    try:
        import tomlkit
    except ImportError:
        raise missing_extra("tomlkit", "writing settings") from None
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        text = ""
    try:
        return tomlkit, tomlkit.parse(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} must be TOML, got {str(error)[:200]}; mend it first") from None
