import logging
import os
import signal

import pandas as pd
from kedro.pipeline import Pipeline, node


def load(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"id": range(rows), "amount": [float(each % 4) for each in range(rows)]})


def clean(orders: pd.DataFrame, fault: str) -> pd.DataFrame:
    logging.getLogger("shop").warning("cleaning %d rows", len(orders))
    if fault == "failure":
        raise ValueError("amount must be positive")
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return orders[orders.amount > 0]


def total(paid: pd.DataFrame) -> float:
    return float(paid.amount.sum())


def register_pipelines() -> dict[str, Pipeline]:
    shop = Pipeline(
        [
            node(load, "params:rows", "orders", name="load", tags="reading"),
            node(clean, ["orders", "params:fault"], "paid", name="clean"),
            node(total, "paid", "total", name="total"),
        ]
    )
    return {"__default__": shop}
