"""A flow with a validator."""

import pandas as pd
from hamilton.function_modifiers import check_output


def orders(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"id": range(rows), "amount": [float(each) for each in range(rows)]})


@check_output(range=(0.0, 100.0), importance="warn")
def checked(orders: pd.DataFrame) -> pd.Series:
    return orders.amount
