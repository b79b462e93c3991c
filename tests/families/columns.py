"""Columns of the frames of every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def values(frame: Any, name: str = "x") -> list[Any]:
    """Return a column as Python values; missing values of pandas are None."""
    if isinstance(frame, pd.DataFrame):
        return [None if np.ndim(v) == 0 and pd.isna(v) else v for v in frame[name].tolist()]
    found: list[Any] = frame[name].to_list()
    return found
