"""One history of many hosts: shipping a store to a shared one, and reading the shared one through a local copy.

Each writer writes only its own names, so that there is no lock and no catalogue; `parts` has the names. The names here
are loaded on first use: a program that ships loads nothing of the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core import _lazy

if TYPE_CHECKING:
    from odibi_core.history.remote.address import Address as Address
    from odibi_core.history.remote.address import read_address as read_address
    from odibi_core.history.remote.mirror import Mirror as Mirror
    from odibi_core.history.remote.mirror import mirror_folder as mirror_folder
    from odibi_core.history.remote.mirror import sync as sync
    from odibi_core.history.remote.shipping import ship as ship

__all__ = ["Address", "Mirror", "mirror_folder", "read_address", "ship", "sync"]

_MODULES: Final = {
    "Address": "history.remote.address", "read_address": "history.remote.address",
    "Mirror": "history.remote.mirror", "mirror_folder": "history.remote.mirror", "sync": "history.remote.mirror",
    "ship": "history.remote.shipping",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
