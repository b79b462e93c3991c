"""A pipeline that runs three times: everything, nothing, and the one step whose parameter changed.

    python examples/step_cache.py

Needs the extra `cache`.
"""

from __future__ import annotations

import tempfile

import pandas as pd

from odibi_core import Orchestrator
from odibi_core.observability import EventBus

RATES = {"UK": 1.27, "NO": 0.095}


def orders() -> pd.DataFrame:
    return pd.DataFrame({"country": ["UK", "NO", "UK", "NO"], "amount": [10.0, 200.0, None, 120.0]})


def paid(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.dropna(subset=["amount"])


def in_dollars(paid: pd.DataFrame, digits: int = 2) -> pd.DataFrame:
    return paid.assign(amount=(paid["amount"] * paid["country"].map(RATES)).round(digits))


def answers(store: str, **params: int) -> list[str]:
    """Run the pipeline; return the answer of the cache for each step."""
    bus, found = EventBus(), []
    bus.subscribe(lambda event: found.append(str(event.message)), kinds=["cache_hit", "cache_miss", "cache_skipped"])
    Orchestrator([orders, paid, in_dollars], store=store, cache=True, event_bus=bus, params=params).execute()
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for params in ({}, {}, {"digits": 0}):
            print("\n".join(answers(folder, **params)), end="\n\n")
