"""The engines, each in turn."""

from __future__ import annotations

from typing import Any

import pytest
from tests.families.seen import loaded

from odibi_core.engines import BUILTIN


@pytest.fixture(params=sorted(BUILTIN))
def engine(request: pytest.FixtureRequest) -> Any:
    """One built-in engine."""
    return loaded(request.param)
