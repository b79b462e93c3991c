"""The connection of this process to Ray, which it has once: to an existing cluster, or to processes of this machine."""

from __future__ import annotations

import logging
import re
import signal
import socket
import threading
from contextlib import suppress
from shutil import rmtree
from typing import Any, Final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from odibi_core._state import STATE
from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.executors.versions import ALIKE, check_versions
from odibi_core.settings.environment import environment_value

_log = logging.getLogger("odibi_core")
CONNECT_S: Final = 5.0
"""Seconds for the answer of a head node."""
_PROBE_S: Final = 30.0
"""Seconds for the first worker process of each node."""
_ADDRESS: Final = re.compile(r"auto|[^\s/:]+:\d+|\[[0-9a-fA-F:]+\]:\d+")
_OF_JOB: Final = "RAY_ADDRESS"
_SAME: Final = ("odibi-core", "ray", "cloudpickle")
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
"""The first bytes of a connection of gRPC, which is the protocol of a head node."""
_SETTINGS_FRAME: Final = 4


class _Shared:
    """How many runs use the connection, and the folder of a cluster that the first of them started."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users = 0
        self.is_own = False
        """True if a run opened the connection, and not the program."""
        self.folder: str | None = None


_shared: Final = STATE.part(_Shared)


class Connection:
    """The use of the connection by one run.

    Args:
        address: The head of a cluster; None for processes of this machine, unless the program is connected.
        workers: Number of processes of a cluster of this machine.
    """

    def __init__(self, address: str | None, workers: int) -> None:
        self._address = address
        self._workers = workers
        self._is_open = False

    def open(self) -> None:
        """Connect this process, if it is not connected.

        Raises:
            ConfigurationError: No head node answers, its nodes have other versions, or the process is connected to
                another cluster.
        """
        with _shared.lock:
            if ray.is_initialized():
                self._check_same()
            else:
                _shared.folder = self._connect()
                _shared.is_own = True
            _shared.users += 1
            self._is_open = True
        if _shared.folder is None:
            try:
                _check_versions()
            except BaseException:
                self.close()
                raise

    def _check_same(self) -> None:
        here = str(ray.get_runtime_context().gcs_address)
        if self._address in (None, "auto", here):
            return
        host, _, port = str(self._address).rpartition(":")
        with suppress(OSError):
            found = socket.gethostbyname(host)
            own = here.rpartition(":")[0]
            if port == here.rpartition(":")[2] and (found == own or found.startswith("127.")):
                return
        raise ConfigurationError(
            f"this process is connected to the Ray cluster at {here}, and the executor 'ray' got the address "
            f"{self._address}; leave the address out, or call ray.shutdown() first"
        )

    def _connect(self) -> str | None:
        """Connect to a cluster; return the folder of a new one."""
        address = self._address or _address_of_job()
        before = signal.getsignal(signal.SIGTERM)
        try:
            if address is None:
                found = ray.init(
                    "local", num_cpus=self._workers, include_dashboard=False, logging_level=logging.ERROR
                ).address_info
                return str(found["session_dir"])
            if address != "auto":
                _check_answers(address)
            ray.init(address, logging_level=logging.ERROR)
            return None
        except ConfigurationError:
            raise
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            ray.shutdown()
            raise ConfigurationError(
                f"cannot connect to the Ray cluster at {address or 'this machine'}: {error}; with token authentication "
                "this process needs RAY_AUTH_MODE=token and the token of the cluster, as Ray's pages describe"
            ) from error
        finally:
            if before is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)  # Ray's own handler ends the program before the record is closed

    def close(self) -> None:
        """Disconnect, if no other run needs the connection and the program did not open it. Never raises."""
        with _shared.lock:
            if not self._is_open:
                return
            self._is_open = False
            _shared.users -= 1
            if _shared.users or not _shared.is_own:
                return
            with suppress(Exception):
                ray.shutdown()
            if _shared.folder is not None:
                rmtree(_shared.folder, ignore_errors=True)
            _shared.is_own, _shared.folder = False, None


def check_address(address: object, name: str) -> None:
    """Raise ConfigurationError if an address cannot be that of a head node."""
    if not (isinstance(address, str) and _ADDRESS.fullmatch(address)):
        raise ConfigurationError(
            f"{name} must be host:port or 'auto', got {str(address)[:80]!r}; "
            "`ray start --head` prints it, and the program runs on a node of the cluster"
        )


def _address_of_job() -> str | None:
    """Return the address that a job has which Ray itself submitted."""
    address = environment_value(_OF_JOB)
    if address in (None, "", "local"):
        return None
    check_address(address, _OF_JOB)
    return address


def _check_answers(address: str) -> None:
    """Ask whether a head node listens at an address; `ray.init` would wait for two minutes.

    Raises:
        ConfigurationError: Nothing answers there, or another program.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S) as found:
            found.sendall(_PREFACE)
            answer = found.recv(9)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"no Ray cluster answers at {address} within {CONNECT_S:g} s: {error}; "
            "start it, correct the address, or give none for a cluster of this machine"
        ) from error
    if len(answer) > 3 and answer[3] != _SETTINGS_FRAME:
        raise ConfigurationError(
            f"another program than Ray answers at {address}; the head of a cluster listens at the port that "
            "`ray start --head` prints, by default 6379"
        )


def other_nodes() -> bool:
    """Return whether the cluster has nodes beside that of this process."""
    own = ray.get_runtime_context().get_node_id()
    return any(node["Alive"] and node["NodeID"] != own for node in ray.nodes())


def _check_versions() -> None:
    """Compare the versions of the nodes that answer; one that just ends does not."""
    names = [*_SAME, *ALIKE]

    def versions(names: list[str]) -> dict[str, str | None]:
        """Return the versions of packages; it travels by value, because a node may lack odibi-core."""
        import platform
        from importlib.metadata import PackageNotFoundError, version

        found: dict[str, str | None] = {}
        for name in names:
            try:
                found[name] = platform.python_version() if name == "python" else version(name)
            except PackageNotFoundError:
                found[name] = None
        return found

    probe = ray.remote(max_retries=0, num_cpus=0)(versions)
    asked = {
        probe.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(names): (
            f"the node {node['NodeManagerAddress']}"
        )
        for node in ray.nodes()
        if node["Alive"]
    }
    others: dict[str, Any] = {}
    for ref in ray.wait(list(asked), num_returns=len(asked), timeout=_PROBE_S)[0]:
        try:
            others[asked[ref]] = ray.get(ref)
        except STOPS:
            raise
        except BaseException as error:
            _log.warning("%s of the Ray cluster does not answer and its versions are unknown: %s", asked[ref], error)
    check_versions("Ray", versions(names), others, _SAME)
