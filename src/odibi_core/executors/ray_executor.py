"""An executor that runs steps on a Ray cluster: an existing one, or processes of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odibi_core.errors import ConfigurationError
from odibi_core.executors.ray_connection import Connection, check_address
from odibi_core.executors.ray_place import RayPlace
from odibi_core.executors.threads import ThreadsExecutor
from odibi_core.settings import read_settings


class RayExecutor(ThreadsExecutor):
    """Runs at most `max_workers` steps at a time on a Ray cluster, where their frames stay.

    A process has one connection to Ray. If the program has called `ray.init`, the run uses that, and leaves it open.

    Args:
        max_workers: Steps at the same time; without an address also the number of processes.
        address: Address of the head of a cluster, `host:6379`, or `auto` for the one of this machine (default: the
            setting `executor.address`); without one, a cluster of this machine begins and ends with the run.
        task_options: The needs of each step, as `ray.remote` takes it, such as `{"num_gpus": 1}`.
        keep_workers: Hold up to `max_workers` processes, with these needs, until the end of the run. A step then starts
            without the scheduler of Ray; other programs do not get these processes between the steps.

    Raises:
        ConfigurationError: An argument is invalid. The cluster is asked when the run begins.
    """

    name = "ray"

    def __init__(
        self, max_workers: int = 4, *, address: str | None = None, task_options: Mapping[str, Any] | None = None,
        keep_workers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(max_workers)
        address = read_settings().executor.address if address is None else address
        if address:
            check_address(address, "the address of the executor 'ray'")
        if type(keep_workers) is not bool:
            raise ConfigurationError(f"keep_workers must be True or False, got {str(keep_workers)[:80]!r}")
        connection = Connection(address or None, max_workers)
        self._ray = self.place = RayPlace(connection, task_options or {}, keep_workers=keep_workers)

    def cancel(self, *, abandon: bool = False) -> None:
        super().cancel(abandon=abandon)
        if abandon:
            self._ray.kill()
