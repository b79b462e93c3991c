"""The conformance pipeline as functions of Hamilton."""

import pandas as pd
import shop_functions


def load(rows: int) -> pd.DataFrame:
    return shop_functions.orders(rows)


def clean(load: pd.DataFrame, fault: str) -> pd.DataFrame:
    return shop_functions.paid(load, fault)


def total(clean: pd.DataFrame) -> float:
    return shop_functions.revenue(clean)
