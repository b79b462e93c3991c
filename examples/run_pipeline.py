"""A pipeline of plain functions: a parameter names the function whose result it takes."""

import pandas as pd

import odibi_core


def orders() -> pd.DataFrame:
    return pd.DataFrame(
        {"order": [1, 2, 3, 4], "customer": ["ada", "bob", "ada", "eve"], "amount": [12.5, 80.0, None, 7.5]}
    )


def customers() -> pd.DataFrame:
    return pd.DataFrame({"customer": ["ada", "bob"], "country": ["UK", "NO"]})


def paid(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.dropna(subset=["amount"])


def by_country(paid: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    known = paid.merge(customers, on="customer")
    return known.groupby("country", as_index=False)[["amount"]].sum()


if __name__ == "__main__":
    result = odibi_core.run([orders, customers, paid, by_country])
    print(result["data"]["by_country"])
