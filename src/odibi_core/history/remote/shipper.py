"""Shipping during a program: one thread for each store, which never delays the observed code.

Without `store.url` nothing here is loaded. A run that cannot be shipped stays in its store; the next program with the
same store, `odibi store ship` and every command that reads the shared store ship what is left.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread, main_thread
from typing import Final

from odibi_core import _fork
from odibi_core._state import STATE
from odibi_core.errors import RemoteStoreError
from odibi_core.events import sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.history.remote.address import Address, read_address
from odibi_core.history.remote.at_exit import ship_in_child
from odibi_core.history.remote.objects import Objects, open_objects
from odibi_core.history.remote.shipment import Shipment
from odibi_core.history.remote.shipped import ShippedNames
from odibi_core.history.remote.shipping import is_left
from odibi_core.process_end import watch
from odibi_core.settings.sections import Store as StoreSettings

_RENEW_S: Final = 60.0
"""A run without new events gives a sign of life so often."""
_LONGEST_PAUSE_S: Final = 60.0
_SETTLE_S: Final = 0.2
"""A program that ends right after its run loads no library twice: its end ships in a child process."""


class Shipper:
    """Ships the runs of this process, and what earlier ones left in the same store.

    `follow`, `end` and `wait` never raise and are quick; all else happens on a daemon thread, which ends when there is
    nothing to do.
    """

    def __init__(
        self, root: Path, address: Address, every_s: float, connect: Callable[[Address], Objects] = open_objects
    ) -> None:
        self.root = root
        self.address = address
        self.every_s = every_s
        self.problem = ""
        """The reason why the last attempt failed; empty after a success."""
        self._connect = connect
        self._shipment: Shipment | None = None
        self._changed = Condition()
        self._running: dict[str, float] = {}
        """The runs that last, each with the time of its last sign of life."""
        self._ended: set[str] = set()
        self._thread: Thread | None = None
        self._is_due = self._is_busy = self._is_left = self._is_closed = self._is_asked = False
        self._failures = 0
        self._noticed = False
        watch(self)

    def is_alive(self) -> bool:
        """Return whether a request may be under way."""
        return self._is_busy

    def follow(self, run_id: str) -> None:
        """Ship the events of a run while it lasts."""
        with self._changed:
            self._running[run_id] = monotonic()
            self._start()

    def end(self, run_id: str) -> None:
        """Ship the rest of a run at once."""
        with self._changed:
            self._running.pop(run_id, None)
            self._ended.add(run_id)
            self._is_due = True
            self._start()
            self._changed.notify_all()

    def ship_at_end(self) -> None:
        """Ship what earlier programs left, and the notes of this one, at its end."""
        self._is_asked = True

    def wait(self, timeout: float) -> bool:
        """Wait until the ended runs are shipped or an attempt failed; return True if nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._is_due or self._is_busy), timeout)
            return not (self._ended or self._is_left)

    def finish(self, within_s: float) -> None:
        """Ship what is left at the end of the program, for at most `within_s` seconds; never raises."""
        deadline = monotonic() + within_s
        with suppress(Exception):  # a store that cannot be read has nothing to ship
            if self._is_asked and is_left(self.root, self.address):
                with self._changed:
                    self._is_left = self._is_due = True
                    self._start()
                    self._changed.notify_all()
        if self.address.protocol != "file" or self._thread is None:
            with self._changed:
                is_due, self._is_due, self._is_closed = self._is_due or self._is_busy, False, True
                self._changed.notify_all()
            if not self.wait(within_s) and is_due:
                self._finish_in_child(max(0.0, deadline - monotonic()))
        elif not self.wait(within_s):
            self.notice(self._left_over(self.problem))

    def _finish_in_child(self, within_s: float) -> None:
        problem = ship_in_child(self.root, self.address, within_s)
        if problem is not None:
            self.notice(self._left_over(problem))
        else:
            self._ended, self._is_left = set(), False

    def _left_over(self, problem: str) -> str:
        return (
            f"{problem or f'not all was shipped to {self.address} in time'}; the record stays in {self.root}, and the "
            "next run or `odibi store ship` ships it"
        )

    def notice(self, text: str) -> None:
        """Write a notice on stderr, the first one only. Never raises."""
        if not self._noticed:
            self._noticed = True
            with suppress(Exception):
                sys.stderr.write(f"odibi-core: {text}\n")

    def _start(self) -> None:
        if self._thread is None and not self._is_closed:
            thread = Thread(target=self._work, name="odibi-shipper", daemon=True)
            with suppress(RuntimeError):  # Python 3.12 starts no thread at its end
                thread.start()
                self._thread = thread

    def _work(self) -> None:
        while self._wait_for_work():
            try:
                self._ship(list(self._running), self._ended.copy())
            finally:
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()

    def _wait_for_work(self) -> bool:
        """Wait for the next shipment; return False if the thread shall end."""
        with self._changed:
            is_idle = not (self._running or self._ended or self._is_left)
            if not is_idle:
                self._changed.wait_for(lambda: self._is_due or self._is_closed, self._pause())
            if self._is_due and self.address.protocol != "file":
                self._changed.wait_for(lambda: self._is_closed, _SETTLE_S)
            if is_idle or self._is_closed:
                self._thread = None
                return False
            self._is_due, self._is_busy = False, True
            return True

    def _pause(self) -> float:
        return min(self.every_s * float(2**self._failures), max(_LONGEST_PAUSE_S, self.every_s))

    def _ship(self, running: list[str], ended: set[str]) -> None:
        try:
            shipment = self._opened()
            if ended or self._is_left or self._failures:
                self._is_left = True
                shipment.all(running, ended)
                self._is_left = False
            for run_id in running:
                self._ship_running(shipment, run_id)
        except RemoteStoreError as error:
            self._fail(str(error))
        except Exception as error:  # the store was deleted, a library is broken: the observed program goes on
            self._fail(sanitize_text(f"{type(error).__name__}: {error}"))
        else:
            self.problem, self._failures = "", 0
            self._ended -= ended

    def _opened(self) -> Shipment:
        if self._shipment is None:
            notes = ShippedNames(self.root, self.address)
            self._shipment = Shipment(self.root, self._connect(self.address), notes)
            self._is_left = True  # by an earlier program
        return self._shipment

    def _ship_running(self, shipment: Shipment, run_id: str) -> None:
        now = monotonic()
        if not shipment.run(run_id):
            if now - self._running.get(run_id, now) < _RENEW_S:
                return
            shipment.renew(run_id)
        with self._changed:
            if run_id in self._running:  # it may have ended meanwhile
                self._running[run_id] = now

    def _fail(self, problem: str) -> None:
        self.problem = problem
        self._failures += 1
        if main_thread().is_alive():  # else the program ends, and a child tries again
            self.notice(self._left_over(problem))


class _Shippers:
    """The shippers of this process, by store and address."""

    def __init__(self) -> None:
        self.known: dict[tuple[Path, Address], Shipper] = {}
        self.is_exiting = False


_shippers: Final = STATE.part(_Shippers)


def check(settings: StoreSettings) -> None:
    """Raise if `store.url` names no shared store that this installation can use: before anything runs."""
    if settings.url:
        read_address(settings.url)


def follow(root: Path, settings: StoreSettings, run_id: str) -> None:
    """Ship the events of a run of this process while it lasts; `store.url` is set."""
    _shipper_of(root, settings).follow(run_id)


def ship_at_end(root: Path, settings: StoreSettings) -> None:
    """Ship what earlier programs left in the store at the end of this one, if there is anything."""
    _shipper_of(root, settings).ship_at_end()


def ship_soon(root: Path, settings: StoreSettings, run_id: str) -> None:
    """Ship the rest of a run that has ended; return at once, except at the end of the program."""
    shipper = _shippers.known.get((root, read_address(settings.url)))
    if shipper is None:  # a forked child
        return
    shipper.end(run_id)
    if _shippers.is_exiting:
        shipper.finish(settings.ship_wait_s)


def _shipper_of(root: Path, settings: StoreSettings) -> Shipper:
    address = read_address(settings.url)
    if (root, address) not in _shippers.known:
        _shippers.known[root, address] = Shipper(root, address, settings.ship_every_s)
        atexit.unregister(_at_exit)
        atexit.register(_at_exit, settings.ship_wait_s)
    return _shippers.known[root, address]


def _at_exit(within_s: float) -> None:
    _shippers.is_exiting = True
    deadline = monotonic() + within_s
    for shipper in list(_shippers.known.values()):
        shipper.finish(max(0.0, deadline - monotonic()))


def _after_fork() -> None:
    """Forget the shippers in the child: their threads are the parent's, which ships the child's segments too."""
    _shippers.known = {}


_fork.in_child(_after_fork)
