"""An executor that runs steps on a Dask cluster: the workers of a scheduler, or processes of this machine."""

from __future__ import annotations

import re
import sys
from typing import Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.executors.dask_cluster import Cluster
from odibi_core.executors.dask_place import DaskPlace
from odibi_core.executors.threads import ThreadsExecutor
from odibi_core.settings import read_settings

_ADDRESS: Final = re.compile(r"(?:(?:tcp|tls|ws|wss|ucx|inproc)://)?\S+:\d+(?:/\S*)?")


class DaskExecutor(ThreadsExecutor):
    """Runs at most `max_workers` steps at a time on a Dask cluster, where their frames stay.

    Args:
        max_workers: Steps at the same time; without an address also the number of processes.
        address: Address of a scheduler, `tcp://host:8786` (default: the setting `executor.address`); without one, a
            cluster of processes of this machine begins and ends with the run.
        client: A Dask client whose scheduler and certificates are used. It stays open.

    Raises:
        ConfigurationError: An argument is invalid. The scheduler is asked when the run begins.
    """

    name = "dask"

    def __init__(self, max_workers: int = 4, *, address: str | None = None, client: Any = None) -> None:
        super().__init__(max_workers)
        if address is not None and client is not None:
            raise ConfigurationError("executor_options must have address or client, got both; leave one out")
        security = None
        if client is not None:
            scheduler = getattr(client, "scheduler", None)
            if scheduler is None:
                raise ConfigurationError(
                    f"client must be an open distributed.Client, got a {type(client).__name__}; give it or its address"
                )
            address, security = str(scheduler.address), getattr(client, "security", None)
        address = read_settings().executor.address if address is None else address
        if address and not (isinstance(address, str) and _ADDRESS.fullmatch(address)):
            raise ConfigurationError(
                f"the address of the executor 'dask' must be tcp://host:port, got {str(address)[:80]!r}; "
                "`dask scheduler` prints it when it starts"
            )
        if not address and sys.platform == "win32":
            raise ConfigurationError(
                "the executor 'dask' needs an address on Windows, got none; start a scheduler, or use 'threads'"
            )
        self._dask = self.place = DaskPlace(Cluster(address or None, security, max_workers))

    def cancel(self, *, abandon: bool = False) -> None:
        super().cancel(abandon=abandon)
        if abandon:
            self._dask.kill()
