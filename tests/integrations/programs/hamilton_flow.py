"""The conformance pipeline as functions of Hamilton."""

import logging
import os
import signal

import pandas as pd


def load(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"id": range(rows), "amount": [float(each % 4) for each in range(rows)]})


def clean(load: pd.DataFrame, fault: str) -> pd.DataFrame:
    logging.getLogger("shop").warning("cleaning %d rows", len(load))
    if fault == "failure":
        raise ValueError("amount must be positive")
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return load[load.amount > 0]


def total(clean: pd.DataFrame) -> float:
    return float(clean.amount.sum())
