"""Fixtures of the tests of the settings."""

import pytest


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the one that keeps tests off port 8000."""
    monkeypatch.delenv("METRICS_ENABLED")
