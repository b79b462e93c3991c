"""`odibi store`: the commands that care for a store."""

from __future__ import annotations

from odibi_core.cli import help
from odibi_core.cli.store_places import export, move
from odibi_core.cli.store_ship import ship
from odibi_core.cli.store_status import status
from odibi_core.cli.store_upkeep import compact, prune, rebuild, verify

store = help.group("store", "Care for the store.")
for command in (status, compact, prune, verify, rebuild, export, move, ship):
    store.command(cls=help.Command)(command)
