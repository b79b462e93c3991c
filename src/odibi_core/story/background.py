"""The background of a run: its purpose, its findings, its differences to the last good run, and the runs before it.

The story package reads no store. Code above it hands in rows of the tables of a history, and lists of plain records.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from odibi_core.story.masking import safe

Row = dict[str, Any]
MOST_RUNS: Final = 30


class Background(Struct, frozen=True):
    """The background of one run; a part that is not known is empty.

    `run`, `nodes`, `files` and `alerts` are rows of the tables of this run, `earlier_runs` and `earlier_nodes` those of
    the runs before it, the newest first. `sources` has texts by their hashes. Each of `changes` has a `text` and may
    have `step`, `before`, `after`, `why`, and in `follows` the place of the change before it that it follows from;
    `compared_with` is the run that they refer to. `good_columns` has rows of the table `columns` of that run. `usual`
    has the number of comparable `compared_runs`, and the `bands` of statistics of columns: each has `node_name`,
    `dataset`, `column_name`, `metric`, `values`, `low`, `high`, `is_share`.
    """

    run: Row = {}
    nodes: list[Row] = []
    files: list[Row] = []
    alerts: list[Row] = []
    earlier_runs: list[Row] = []
    earlier_nodes: list[Row] = []
    sources: dict[str, str] = {}
    changes: list[Row] | None = None
    compared_with: str | None = None
    good_columns: list[Row] = []
    usual: Row = {}


NOTHING: Final = Background()


def read_background(given: Background | dict[str, Any] | None) -> Background:
    """Return the background of a run from a dict of anywhere, without secrets; parts of a wrong type are empty."""
    if given is None:
        return NOTHING
    if isinstance(given, Background):
        return given
    known = safe(given)
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Background):
        try:
            value = msgspec.convert(known[field.name], field.type)
        except (KeyError, msgspec.ValidationError):
            continue
        found[field.name] = list(map(_scalars, value)) if isinstance(value, list) else value
    return Background(**found)


def _scalars(row: Row) -> Row:
    """Return a row without values that no column has."""
    return {name: value for name, value in row.items() if not isinstance(value, list | dict)}
