"""The family's table."""

from __future__ import annotations

from odibi_core import plugins
from odibi_core.views import BUILTIN


def test_each_entry_opens() -> None:
    """A name in the table leads to a class."""
    assert plugins.names("views") == sorted(BUILTIN)
    assert all(isinstance(plugins.load("views", name), type) for name in BUILTIN)
