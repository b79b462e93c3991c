"""One history of many hosts: shipping a store to a shared one, and reading the shared one through a local copy.

Each writer writes only its own names, so that there is no lock and no catalogue; `parts` has the names.
"""

from odibi_core.history.remote.address import Address, is_url, read_address
from odibi_core.history.remote.mirror import Mirror, mirror_folder, sync
from odibi_core.history.remote.shipping import ship

__all__ = ["Address", "Mirror", "is_url", "mirror_folder", "read_address", "ship", "sync"]
