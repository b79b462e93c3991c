"""No test of a delivery waits for the pause between two attempts."""

import pytest

from odibi_core.delivery.delivery import Delivery


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; none of them is made longer than a moment."""
    found: list[float] = []

    def pause(self: Delivery[object], seconds: float) -> None:
        found.append(seconds)
        self._report()
        self._closing.wait(min(seconds, 0.002))

    monkeypatch.setattr(Delivery, "_pause", pause)
    return found
