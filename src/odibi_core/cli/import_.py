"""`odibi import`: record runs that ended, from the files that another system left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odibi_core.cli import help, options, output
from odibi_core.errors import ConfigurationError

import_ = help.group("import", "Record runs that ended, from the files of another system.")


@import_.command(cls=help.Command)
def dbt(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Folder with run_results.json.")] = "target",
    store: options.Store = None,
) -> None:
    """Record the latest invocation of dbt, from its folder target.

    Models, seeds and snapshots are steps, tests are checks, with the times of
    dbt. An invocation that is in the store is not recorded again.

    odibi import dbt
    odibi import dbt shop/target
    """
    from odibi_core.integrations.dbt import import_invocation
    from odibi_core.integrations.dbt_files import read_invocation

    invocation = read_invocation(Path(target))
    if invocation is None:
        raise ConfigurationError(f"{target} has neither run_results.json nor sources.json; run dbt first")
    run_id, is_new = import_invocation(invocation, store)
    output.notice(f"{run_id} {'was recorded' if is_new else 'is in the store already'}")
