"""The sink of the events that instruments publish."""

from __future__ import annotations

import pytest

from odibi_core.process.state import current_bus
from odibi_core.testing import RecordingSink


@pytest.fixture
def heard() -> RecordingSink:
    """Every event of the program."""
    sink = RecordingSink()
    current_bus().subscribe(sink)
    return sink
