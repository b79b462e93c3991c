"""No test of a delivery waits for the pause between two attempts."""

import pytest
from tests.delivery.pauses import shorten_pauses


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for."""
    return shorten_pauses(monkeypatch)
