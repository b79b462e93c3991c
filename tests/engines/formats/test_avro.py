"""Avro: files of other writers, and the names and types that it has not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import fastavro
import polars as pl
import pytest

from odibi_core.errors import EngineError, UnreadableSourceError


def _polars() -> Any:
    from odibi_core.plugins import load

    return load("engines", "polars")()


def _file(fields: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    with open("x.avro", "wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "row", "fields": fields}, rows)


def test_types_of_other_writers(engine: Any) -> None:
    """Enums, fixed bytes, named types used twice, maps, columns that are never null."""
    point = {"type": "record", "name": "point", "fields": [{"name": "x", "type": "int"}]}
    _file(
        [
            {"name": "e", "type": {"type": "enum", "name": "colour", "symbols": ["red", "blue"]}},
            {"name": "f", "type": {"type": "fixed", "name": "two", "size": 2}},
            {"name": "a", "type": point},
            {"name": "b", "type": ["null", "point"]},
            {"name": "m", "type": {"type": "map", "values": "long"}},
            {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}},
        ],
        [{"e": "red", "f": b"ab", "a": {"x": 1}, "b": None, "m": {"k": 5}, "d": Decimal("1.10")}],
    )
    found = engine.read("x.avro")
    assert found["e"].to_list() == ["red"]
    assert found["f"].to_list() == [b"ab"]
    assert found["a"].to_list() == [{"x": 1}]
    assert found["d"].to_list() == [Decimal("1.10")]
    assert list(engine.read("x.avro", columns=["d", "e"]).columns) == ["d", "e"]
    with pytest.raises(UnreadableSourceError, match="no column 'z'; its columns are e, f, a"):
        engine.read("x.avro", columns=["z"])


def test_a_column_of_several_types_is_unreadable(engine: Any) -> None:
    """A union of more than null and one type."""
    _file([{"name": "u", "type": ["null", "int", "string"]}], [{"u": "x"}])
    with pytest.raises(UnreadableSourceError, match="'u' is one of several types"):
        engine.read("x.avro")


@pytest.mark.parametrize("name", ["a b", "é", "1", ""])
def test_a_name_that_avro_has_not_is_an_error(name: str) -> None:
    """It is not renamed silently."""
    with pytest.raises(EngineError, match="has no name for Avro"):
        _polars().write(pl.DataFrame({name: [1]}), "x.avro")


def test_an_unknown_codec_is_refused(engine: Any) -> None:
    """Before anything is written; those that are known work."""
    with pytest.raises(EngineError, match="codec must be one of null, deflate"):
        engine.write([{"n": 1}], "x.avro", codec="gzip")
    for codec in ("null", "deflate", "bzip2", "xz"):
        engine.write([{"n": 1}], "x.avro", codec=codec)
        assert len(engine.read("x.avro")) == 1
