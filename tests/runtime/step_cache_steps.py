"""Steps of the tests of the step cache, in a module of their own: worker processes import it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd

LIMIT = 1
MARKS: list[str] = []


def raw() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3], "s": ["x", None, "z"]})


def big(raw: Any, least: int = 1) -> Any:
    return raw[raw["a"] > max(LIMIT, least)]


def doubled(big: Any) -> Any:
    big["a"] = big["a"] * 2
    return big


def both(big: Any, doubled: Any) -> Any:
    return pd.concat([big, doubled], ignore_index=True)


def slow(mark: str) -> Any:
    """Leave a mark that it ran; a step of this kind needs `cache="anyway"`."""
    with Path(mark).open("a") as file:
        file.write("ran\n")
    time.sleep(0.5)
    return pd.DataFrame({"a": [1]})


def fails(raw: Any) -> Any:
    raise ValueError("it fails")


def hidden(path: str) -> Any:
    return getattr(pd, "read" + "_csv")(path)
