"""A local copy of a shared store, which opens as an ordinary store."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.errors import RemoteStoreError
from odibi_core.events.clock import utc_now
from odibi_core.events.paths import absolute_path
from odibi_core.history.remote.address import Address
from odibi_core.history.remote.cold_copy import MANIFESTS, ColdCopy
from odibi_core.history.remote.hot_copy import HotCopy, silent
from odibi_core.history.remote.leases import mark_lost
from odibi_core.history.remote.listing import Listing
from odibi_core.history.remote.objects import Found, Objects, open_objects
from odibi_core.history.remote.overlay import add_local
from odibi_core.settings.environment import cache_folder
from odibi_core.settings.sections import Store as StoreSettings
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore
from odibi_core.views.wording import count, duration

_STATE: Final = "mirror.json"
_LOCK_WITHIN_S: Final = 30.0
_TRIES: Final = 4


class Mirror(msgspec.Struct, frozen=True):
    """The local copy of a shared store after `sync`."""

    root: Path
    """The folder, which opens as an ordinary store."""
    synced: datetime | None
    """The time of the last complete comparison with the shared store; None if there was none yet."""
    problem: str = ""
    """The reason why this comparison failed: the answers are those of `synced`, and this machine's own runs."""
    damaged: int = 0
    """Objects that could not be read."""
    incomplete: int = 0
    """Segments of which a part in the middle is missing; their lines before it are read."""
    left_out: int = 0
    """Runs that are not in the copy, because its Parquet files would take more than `store.cache_mb`."""

    is_busy: bool = False
    """True if another process was bringing it up to date for longer than this one waits: it is as that one left it."""

    @property
    def problems(self) -> list[str]:
        """A sentence for each reason why an answer may not be complete."""
        found = []
        if self.problem:
            copy = "there is no copy yet: the answer has the runs of this machine"
            if self.synced:
                age = duration((utc_now() - self.synced).total_seconds() * 1e3)
                copy = f"the answer is that of {age} ago, and the runs of this machine"
            found.append(f"{self.problem}; {copy}")
        if self.is_busy:
            found.append("another process is bringing the local copy up to date; runs may be missing in the answer")
        if self.damaged:
            found.append(f"{count(self.damaged)} objects of the shared store could not be read")
        if self.incomplete:
            found.append(f"of {count(self.incomplete)} segments a part is missing in the shared store")
        if self.left_out:
            found.append(
                f"{count(self.left_out)} runs of the oldest batches are left out, because the local copy would become "
                "too large; raise ODIBI_STORE__CACHE_MB"
            )
        return found


class State(msgspec.Struct):
    """The state of a mirror, in its folder; without it everything is listed again."""

    address: str
    synced: datetime | None = None
    listing: Listing = msgspec.field(default_factory=Listing)
    checked: dict[str, str] = msgspec.field(default_factory=dict)
    """Parts of runs in batches that hold nothing else, each with its batch."""


def mirror_folder(address: Address, settings: StoreSettings | None = None, purpose: str = "") -> Path:
    """Return the folder of the local copy of a shared store; a copy for another purpose has its own."""
    given = settings.cache_dir if settings else ""
    base = absolute_path(given) if given else cache_folder() / "odibi-core" / "remote"
    return base / f"{address.label}{purpose}"


def sync(address: Address, settings: StoreSettings | None = None, *, local: Path | None = None) -> Mirror:
    """Bring the local copy of a shared store up to date, and return it.

    Only what is new is listed and fetched. If the shared store cannot be reached, the copy stays as it is.

    Args:
        address: The shared store.
        settings: The settings of the store; by default their defaults.
        local: A store whose runs are added, shipped or not.

    Raises:
        RemoteStoreError: The shared store cannot be reached, and there is no local copy yet.
        StoreError: The copy cannot be written, or its file system has no locks.
    """
    settings = settings or StoreSettings()
    root = mirror_folder(address, settings)
    with locked(root) as is_mine:
        state = read_state(root, address)
        if not is_mine:
            return Mirror(root, state.synced, is_busy=True)
        changed = set() if local is None else add_local(local, root)
        fetch, problem = Fetch(root, open_objects(address), state, settings), ""
        try:
            fetch.run(local)
            write_state(root, state)
        except RemoteStoreError as error:
            problem = str(error)
            fetch.cold.fetch_known(local)
            if state.synced is None and not RunStore(root).ids():
                raise
        hot, cold = fetch.hot, fetch.cold
        _index_again(root, changed | hot.changed | mark_lost(root))
    return Mirror(root, state.synced, problem, hot.damaged + cold.damaged, hot.incomplete, cold.left_out)


def _index_again(root: Path, changed: set[str]) -> None:
    """Drop runs from the index of the copy: it takes an ended run for complete, and its parts may come late."""
    if changed:
        from odibi_core.history.index import Index  # here, because few readers find a changed run

        with Index(root) as index:
            index.forget(changed)


class Fetch:
    """Brings a copy up to date; `hot` and `cold` count what could not be read."""

    def __init__(
        self, root: Path, objects: Objects, state: State, settings: StoreSettings, adopt_after_s: float = 0.0
    ) -> None:
        self.root = root
        self.objects = objects
        self.state = state
        self.settings = settings
        self.found: list[Found] = []
        """The last listing of segments."""
        self._adopt_after_s = adopt_after_s
        self.hot = HotCopy(root, objects, settings.lost_after_s)
        self.cold = ColdCopy(root, objects, settings.cache_mb * 2**20)

    def run(self, local: Path | None) -> None:
        """Fetch what is new; begin again if a batch was replaced meanwhile."""
        for left in reversed(range(_TRIES)):
            try:
                self._run(local)
            except FileNotFoundError as error:
                if not left:
                    raise RemoteStoreError(f"the shared store changes faster than it can be read: {error}") from None
                continue
            if self.hot.incomplete and self.state.listing.forget():  # a part of an earlier day is missing here
                continue
            return

    def _run(self, local: Path | None) -> None:
        # Lock-free order: the segments first, the batches second. A run that moves in between is in both.
        self.found = self.state.listing.new(self.objects, utc_now())
        self.cold = ColdCopy(self.root, self.objects, self.settings.cache_mb * 2**20)
        if self.cold.fetch(self.objects.find(MANIFESTS), local):
            self.state.listing.forget()
            self.found = self.state.listing.new(self.objects, utc_now())
        if self._adopt_after_s:
            self.found = silent(self.found, utc_now().timestamp() - self._adopt_after_s)
        self.hot = HotCopy(self.root, self.objects, self.settings.lost_after_s, self.cold.entries())
        self.hot.fetch(self.found, self.state.checked)


def read_state(root: Path, address: Address) -> State:
    """Return the state of a copy; an empty one if there is none, or that of another address."""
    with suppress(OSError, msgspec.DecodeError):
        state = msgspec.json.decode((root / _STATE).read_bytes(), type=State)
        if state.address == str(address):
            return state
    return State(str(address))


def write_state(root: Path, state: State) -> None:
    """Note that a copy is up to date."""
    state.synced = utc_now()
    private_files.write_atomic(root / _STATE, msgspec.json.encode(state))


def locked(root: Path) -> AbstractContextManager[bool]:
    """Hold the lock of a copy, which is created: True while this process alone may change it."""
    return exclusive(root, "mirror.lock", within_s=_LOCK_WITHIN_S)
