"""The Dask cluster of a run: an existing one, or processes of this machine that begin and end with the run."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from contextlib import suppress
from functools import partial
from shutil import rmtree
from typing import Any, Final

from distributed import Client, Scheduler
from distributed.deploy.spec import SpecCluster
from distributed.deploy.subprocess import SubprocessWorker
from distributed.versions import get_versions
from distributed.worker_memory import parse_memory_limit

from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.executors.base import worker_command
from odibi_core.executors.versions import ALIKE, check_versions

_log = logging.getLogger("odibi_core")
CONNECT_S: Final = 5.0
"""Seconds for the answer of a scheduler."""
_SEND_S: Final = 0.001
"""Seconds between two messages to the scheduler. Dask's own 10 ms are most of a short step (benchmark: a step on Dask);
after a lost connection they are back."""
_START_S: Final = 60.0
_END_S: Final = 5.0
_ONLY_ERRORS: Final = 40
_SAME: Final = ("odibi_core", "dask", "distributed", "cloudpickle")
_SCHEDULER_NAME: Final = "the scheduler"
_SCHEDULER: Final = {
    "host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0", "allowed_failures": 0,
}  # fmt: skip
"""A worker that dies is a failed attempt: the retries of the step decide, and not the scheduler."""


class Cluster:
    """A connection of the run's own, and the cluster at its other end.

    Args:
        address: The scheduler; None for processes of this machine.
        security: The certificates of the connection, a `distributed.Security`; None for none.
        workers: Number of processes of a cluster of this machine.
    """

    def __init__(self, address: str | None, security: Any, workers: int) -> None:
        self.is_own = address is None
        self._address = address
        self._security = security
        self._workers = workers
        self._local: Any = None
        self._folder: str | None = None

    def connect(self) -> Any:
        """Return a client that belongs to the run.

        Raises:
            ConfigurationError: No scheduler answers, or its workers have other versions.
        """
        client = None
        try:
            client = self._client()
            if self.is_own:
                client.wait_for_workers(1, timeout=_START_S)
            else:
                self._check_versions(client)
            with suppress(AttributeError):
                client.scheduler_comm.interval = _SEND_S
        except BaseException:
            self.close(client)
            raise
        return client

    def _client(self) -> Any:
        if self.is_own:
            self._start_local()
        address = self._local.scheduler_address if self.is_own else self._address
        try:
            return Client(
                address, timeout=_START_S if self.is_own else CONNECT_S, security=self._security, name="odibi-core",
                set_as_default=False, direct_to_workers=self.is_own,
            )  # fmt: skip
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigurationError(
                f"no Dask scheduler answers at {address} within {CONNECT_S:g} s: {error}; "
                "start it, correct the address, or give none for a cluster of this machine"
            ) from error

    def _check_versions(self, client: Any) -> None:
        """Compare the versions of the workers that answer; one that just ends does not."""
        asked = partial(get_versions, packages=[*_SAME, *ALIKE])
        workers = client.run(asked, on_error="ignore")
        if not workers:
            _log.warning("the Dask scheduler at %s has no workers: the steps wait for the first one", self._address)
        about = {_SCHEDULER_NAME: client.run_on_scheduler(asked), **workers}
        others = {place: answer["packages"] for place, answer in about.items()}
        check_versions("Dask", asked()["packages"], others, _SAME, without_work=_SCHEDULER_NAME)

    def _start_local(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="odibi-dask-")
        options = {
            "nthreads": 1, "host": "127.0.0.1", "dashboard": False, "silence_logs": _ONLY_ERRORS,
            "local_directory": self._folder, "memory_limit": parse_memory_limit("auto", 1, self._workers, logger=_log),
        }  # fmt: skip
        worker = {"cls": _LocalWorker, "options": {"worker_kwargs": options}}
        self._local = SpecCluster(
            scheduler={"cls": Scheduler, "options": _SCHEDULER},
            workers=dict.fromkeys(range(self._workers), worker),
            worker=worker, name="odibi-core", silence_logs=_ONLY_ERRORS,
        )  # fmt: skip

    def close(self, client: Any) -> None:
        """Close the connection, and end a cluster of this machine. Never raises."""
        for close in (client and client.close, self._local and self._local.close):
            if close:
                with suppress(Exception):
                    close(timeout=_END_S)
        self._local = None
        if self._folder is not None:
            rmtree(self._folder, ignore_errors=True)
            self._folder = None


class _LocalWorker(SubprocessWorker):  # type: ignore[misc]
    """A worker process with the import path of this process, which does not run its main program again."""

    async def _start(self) -> None:
        options = json.dumps({**self.worker_kwargs, "name": self.name})
        self.process = await asyncio.create_subprocess_exec(
            *worker_command("odibi_core.executors.dask_nanny"), self.scheduler, options, json.dumps(sys.argv),
            stdin=asyncio.subprocess.PIPE,
        )  # fmt: skip


def stop_worker(client: Any, address: str) -> bool:
    """End and replace a worker process that has a nanny; return False if that failed."""
    try:
        client.restart_workers([address], timeout=_START_S)
    except STOPS:
        raise
    except BaseException:
        return False
    return True
