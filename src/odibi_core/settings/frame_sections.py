"""The settings of how closely frames and their rows are looked at.

Annotations are objects and not texts here (no `from __future__ import annotations`), as in `sections`.
"""

from typing import Literal

from odibi_core.settings.field_types import Count, Section


class Snapshot(Section, frozen=True):
    """How closely frames are looked at."""

    level: Literal["off", "schema", "counts", "sample", "auto", "stats"] = "auto"
    """`off`, `schema`, `counts`, `sample` (first rows), `auto` (and statistics of a sample), `stats` (of all rows)."""
    rows: Count = 5
    """Rows of a sample."""
    joins: bool = True
    """Measure how many rows of two inputs with a common key find a partner, on a sample."""
    lineage: bool = True
    """Record the columns that each column of a frame comes from, as far as they are known."""


class Rows(Section, frozen=True):
    """The rows that steps lose, gain or leave without a match."""

    explain: Literal["off", "unusual", "changed", "all"] = "unusual"
    """The frames for which a rule is looked for: `off` (none), `unusual` (against the last good run, or without one),
    `changed` (each with other rows than its input), `all`. Rows are counted for each frame."""
    budget: Count = 40_000_000
    """The work for one frame, in units of about 0.1 microseconds; a run may take four times as much. 0: none."""
    confirm: Count = 500_000
    """The work in one run, in the same units, for confirming the rules of the last good run. 0: none."""
    show: Literal["rule", "keys", "none"] = "rule"
    """`rule` (with its constants), `keys` (and keys of some rows), `none` (only numbers of rows)."""
    operators: bool = True
    """Record the rows after each operator of SQL and of plans of polars and Spark, as the engine counted them."""
