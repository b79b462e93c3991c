"""The engines, each in turn."""

from __future__ import annotations

from typing import Any

import pytest
from tests.families.seen import IN_ORDER, loaded


@pytest.fixture(params=IN_ORDER)
def engine(request: pytest.FixtureRequest) -> Any:
    """One built-in engine."""
    return loaded(request.param)
