"""The functions of the conformance pipeline, which each host calls in nodes of its own: `load`, `clean`, `total`."""

import logging
import os
import signal
from pathlib import Path

import pandas as pd


def orders(rows: int = 100) -> pd.DataFrame:
    return pd.DataFrame({"id": range(rows), "amount": [float(each % 4) for each in range(rows)]})


def paid(orders: pd.DataFrame, fault: str) -> pd.DataFrame:
    logging.getLogger("shop").warning("cleaning %d rows", len(orders))
    if fault == "retry" and not Path("tried").exists():
        Path("tried").touch()
        raise ValueError("fails once")
    if fault == "failure":
        raise ValueError("amount must be positive")
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return orders[orders.amount > 0]


def revenue(paid: pd.DataFrame) -> float:
    return float(paid.amount.sum())
