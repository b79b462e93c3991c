"""Sixty functions over frames of pandas and polars, as pipelines have them, for the oracle of column lineage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

Function = Callable[..., Any]
_CUSTOMERS: Final = ["ada", "bob", "eve", "joe", "kim", "lea", "max", "zoe"]


def orders(rows: int = 200, seed: int = 1, first: int = 0) -> pd.DataFrame:
    """Return orders: an id, texts, numbers, a time, a flag, and a column with missing values."""
    some = np.random.default_rng(seed)
    amount = some.random(rows).round(5) * 100
    return pd.DataFrame(
        {
            "id": (np.arange(rows) + first) * 13 + 5,
            "customer": some.choice(_CUSTOMERS, rows),
            "amount": amount,
            "qty": some.integers(1, 9, rows).astype("float64") + some.random(rows).round(4),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(some.permutation(rows) * 7_001, unit="s"),
            "paid": some.random(rows) > 0.4,
            "note": pd.Series(some.choice(np.array(["a", "b", None], dtype=object), rows), dtype="object"),
        }
    )


def people() -> pd.DataFrame:
    """Return people: one row for most customers."""
    return pd.DataFrame(
        {
            "customer": _CUSTOMERS[:6],
            "country": ["UK", "NO", "DE", "FR", "SE", "FI"],
            "age": [31.5, 42.25, 53.125, 64.0, 25.5, 36.75],
        }
    )


def _set(frame: pd.DataFrame, name: str, values: Any) -> pd.DataFrame:
    frame[name] = values
    return frame


PANDAS_ONE: Final[dict[str, Function]] = {
    "same": lambda o: o,
    "copy": lambda o: o.copy(),
    "select": lambda o: o[["id", "amount"]],
    "drop": lambda o: o.drop(columns=["note"]),
    "reorder": lambda o: o[list(reversed(list(o.columns)))],
    "rename": lambda o: o.rename(columns={"amount": "total", "customer": "buyer"}),
    "rename all": lambda o: o.rename(columns=str.upper),
    "filter": lambda o: o[o["amount"] > 50],
    "filter text": lambda o: o[o["customer"].str.len() == 3],
    "query": lambda o: o.query("qty > 3 and paid"),
    "sort": lambda o: o.sort_values("amount"),
    "sort, new labels": lambda o: o.sort_values("day", ignore_index=True),
    "head": lambda o: o.head(20),
    "tail, renamed": lambda o: o.tail(40).rename(columns={"amount": "last"}),
    "sample": lambda o: o.sample(50, random_state=3),
    "filter, new labels, renamed": lambda o: o[o["paid"]].reset_index(drop=True).rename(columns={"qty": "number"}),
    "product": lambda o: o.assign(value=o["amount"] * o["qty"]),
    "constant": lambda o: o.assign(source="shop", rate=0.2),
    "overwrite": lambda o: o.assign(amount=o["amount"] * 2),
    "overwrite by another": lambda o: o.assign(qty=o["amount"]),
    "swap": lambda o: o.rename(columns={"amount": "qty", "qty": "amount"}),
    "in place": lambda o: _set(o, "value", o["amount"] + o["qty"]),
    "in place, overwritten": lambda o: _set(o, "amount", o["qty"] * 3),
    "drop missing": lambda o: o.dropna(subset=["note"]),
    "fill": lambda o: o.fillna({"note": "none"}),
    "rank": lambda o: o.assign(rank=o["amount"].rank()),
    "row number": lambda o: o.assign(number=range(len(o))),
    "cumulative": lambda o: o.assign(total=o["amount"].cumsum()),
    "date part": lambda o: o.assign(hour=o["day"].dt.hour),
    "group": lambda o: o.groupby("customer", as_index=False).agg(total=("amount", "sum"), n=("id", "count")),
    "group, first": lambda o: o.groupby("customer", as_index=False).agg(first=("id", "min")),
    "distinct": lambda o: o.drop_duplicates("customer"),
    "bins": lambda o: o.assign(size=pd.cut(o["amount"], 3, labels=False)),
    "melt": lambda o: o.melt(id_vars=["id"], value_vars=["amount", "qty"]),
}
PANDAS_TWO: Final[dict[str, Function]] = {
    "merge": lambda o, p: o.merge(p, on="customer"),
    "left merge": lambda o, p: o.merge(p, on="customer", how="left"),
    "merge, renamed": lambda o, p: o.merge(p, on="customer").rename(columns={"country": "land", "age": "years"}),
    "merge, computed": lambda o, p: o.merge(p, on="customer").assign(share=lambda f: f["amount"] / f["age"]),
    "map": lambda o, p: o.assign(country=o["customer"].map(p.set_index("customer")["country"])),
    "semi join": lambda o, p: o[o["customer"].isin(p["customer"])],
}
POLARS_ONE: Final[dict[str, Function]] = {
    "select": lambda o: o.select("id", "amount"),
    "rename": lambda o: o.rename({"amount": "total", "customer": "buyer"}),
    "filter": lambda o: o.filter(pl.col("amount") > 50),
    "filter, renamed": lambda o: o.filter(pl.col("paid")).rename({"qty": "number"}),
    "sort": lambda o: o.sort("amount"),
    "head": lambda o: o.head(20),
    "reverse": lambda o: o.reverse(),
    "with product": lambda o: o.with_columns(value=pl.col("amount") * pl.col("qty")),
    "with alias": lambda o: o.with_columns(pl.col("amount").alias("copy")),
    "overwrite": lambda o: o.with_columns(pl.col("amount") * 2),
    "cast": lambda o: o.with_columns(pl.col("paid").cast(pl.Int64)),
    "drop missing": lambda o: o.drop_nulls("note"),
    "group": lambda o: o.group_by("customer").agg(pl.col("amount").sum().alias("total")).sort("customer"),
    "distinct": lambda o: o.unique("customer", keep="first", maintain_order=True),
    "row index": lambda o: o.with_row_index("number"),
    "when": lambda o: o.with_columns(sign=pl.when(pl.col("paid")).then(pl.col("amount")).otherwise(0.0)),
}
POLARS_TWO: Final[dict[str, Function]] = {
    "join": lambda o, p: o.join(p, on="customer"),
    "left join": lambda o, p: o.join(p, on="customer", how="left"),
    "join, renamed": lambda o, p: o.join(p, on="customer").rename({"country": "land"}),
    "anti join": lambda o, p: o.join(p, on="customer", how="anti"),
}
