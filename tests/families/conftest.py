"""The engines, each in turn."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.engines import BUILTIN
from odibi_core.plugins import load


@pytest.fixture(params=sorted(BUILTIN))
def engine(request: pytest.FixtureRequest) -> Any:
    """One built-in engine."""
    return load("engines", request.param)()
