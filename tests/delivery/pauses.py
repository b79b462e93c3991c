"""Deliveries without the pause between two attempts."""

from __future__ import annotations

import pytest

from odibi_core.delivery.delivery import Delivery


def shorten_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make no pause longer than a moment; return those that were asked for."""
    found: list[float] = []

    def pause(self: Delivery[object], seconds: float) -> None:
        found.append(seconds)
        self._report()
        self._closing.wait(min(seconds, 0.002))

    monkeypatch.setattr(Delivery, "_pause", pause)
    return found
