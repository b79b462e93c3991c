"""Runs followed for many clients: one follower a run, whose changes every client gets as server-sent events.

An event has the id `<mark>-<number>`. A client that comes back with the id of its last event gets the changes since
then; one that was away for too long, or whose id is of another server, gets the whole document. A slow client holds
nothing back: the changes are kept once, for all.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.errors import STOPS
from odibi_core.events.clock import iso, monotonic, new_id, utc_now
from odibi_core.history.for_story import story_history
from odibi_core.store.follower import Follower
from odibi_core.story import build, read_background
from odibi_core.views.lineage import LineageView
from odibi_core.web.answers import Document

if TYPE_CHECKING:
    from odibi_core.web.source import Source

_POLL_S: Final = 0.1
_WORK: Final = 4.0
"""The follower sleeps at least so many times as long as it worked, so that a huge run does not take a core."""
_LINGER_S: Final = 10.0
"""A run without clients is followed for so long, because a client that lost its connection comes back."""
HEARTBEAT_S: Final = 15.0
_KEPT: Final = 300
"""Changes that are kept for clients that come back."""
STEPS: Final = "steps"


def difference(before: Document, after: Document) -> Document:
    """Return what changed between two documents of a run: whole members, and of the steps those that changed.

    `steps` maps the place of a step to the step; `gone` lists members that are no longer there.
    """
    found = {name: value for name, value in after.items() if name != STEPS and before.get(name) != value}
    old, new = before.get(STEPS, []), after.get(STEPS, [])
    changed = {str(at): step for at, step in enumerate(new) if at >= len(old) or old[at] != step}
    gone = [name for name in before if name not in after]
    return found | ({STEPS: changed} if changed else {}) | ({"gone": gone} if gone else {})


class RunStream:
    """One run that is followed: its document so far, and its last changes.

    Args:
        source: The store.
        run_id: The run.
        mark: The mark of the server in the ids of events.
    """

    def __init__(self, source: Source, run_id: str, mark: str) -> None:
        self.clients = 0
        self.has_ended = False
        self._source, self._run_id, self._mark = source, run_id, mark
        self._document: Document = {}
        self._number = 0
        self._changes: deque[tuple[int, bytes]] = deque(maxlen=_KEPT)
        self._changed = asyncio.Event()
        self._follower: Follower | None = None
        self._view = LineageView(run_id)
        self._known = read_background(None)

    async def run(self, is_watched: Any) -> None:
        """Follow the run until it has ended, or no client is left."""
        while not self.has_ended and is_watched():
            began = monotonic()
            try:
                change = await asyncio.to_thread(self._advance)
            except STOPS:
                raise
            except Exception:
                logging.getLogger("odibi_core").warning("run %s could not be followed", self._run_id, exc_info=True)
                change = None
                await asyncio.sleep(1.0)
            if change is not None:
                self._publish(change)
            self._wake()
            if not self.has_ended:
                await asyncio.sleep(max(_POLL_S, _WORK * (monotonic() - began)))

    def _publish(self, change: Document) -> None:
        self._number += 1
        self._changes.append((self._number, self._event("change", {**change, "at": iso(utc_now())})))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _advance(self) -> Document | None:
        """Fold the new events; return the change of the document, or None. Runs in a thread, one call at a time."""
        is_first = self._follower is None
        if self._follower is None:
            self._known = read_background(story_history(self._source.store, self._run_id))
            self._follower = Follower(self._source.store, [self._run_id])
        count = 0
        for event in self._follower.poll():
            self._view(event)
            count += 1
        is_over = self._follower.is_over
        if not (count or is_first or is_over):
            return None
        if is_over and not is_first:
            self._known = read_background(story_history(self._source.store, self._run_id))
        document = build(self._view.answer(), None, self._known, is_live=True)
        change = difference(self._document, document)
        self._document, self.has_ended = document, is_over
        return change or None

    def _event(self, kind: str, data: Any) -> bytes:
        body = msgspec.json.encode(data)
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (self._mark.encode(), self._number, kind.encode(), body)

    async def events(self, last_id: str) -> AsyncIterator[bytes]:
        """Yield the events for one client: changes since its last one, or the whole document; `end` is the last."""
        yield b"retry: 1000\n\n"
        seen = self._number_of(last_id)
        while True:
            changed = self._changed
            if self._number and (seen is None or not self._has_since(seen)):
                yield self._event("document", {**self._document, "at": iso(utc_now())})
                seen = self._number
            for number, event in list(self._changes):
                if seen is not None and number > seen:
                    yield event
                    seen = number
            if self.has_ended and seen == self._number:
                yield self._event("end", {})
                return
            if changed is not self._changed:
                continue
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
            except TimeoutError:
                yield b": alive\n\n"

    def _number_of(self, last_id: str) -> int | None:
        mark, _, number = last_id.rpartition("-")
        return int(number) if mark == self._mark and number.isascii() and number.isdecimal() else None

    def _has_since(self, seen: int) -> bool:
        """Return whether every change since one is kept."""
        return seen <= self._number and (not self._changes or self._changes[0][0] <= seen + 1)


class Hub:
    """The runs that are followed for the clients of one server."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._mark = new_id(8)
        self._streams: dict[str, RunStream] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def followed(self) -> int:
        """The number of runs that are followed."""
        return len(self._streams)

    async def events(self, run_id: str, last_id: str) -> AsyncIterator[bytes]:
        """Yield the server-sent events of a run for one client."""
        stream = self._streams.get(run_id)
        if stream is None:
            stream = self._streams[run_id] = RunStream(self._source, run_id, self._mark)
            task = asyncio.create_task(self._follow(run_id, stream))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        stream.clients += 1
        try:
            async for event in stream.events(last_id):
                yield event
        finally:
            stream.clients -= 1

    async def _follow(self, run_id: str, stream: RunStream) -> None:
        left_at = monotonic()

        def is_watched() -> bool:
            nonlocal left_at
            if stream.clients:
                left_at = monotonic()
            return monotonic() - left_at < _LINGER_S

        try:
            await stream.run(is_watched)
            while is_watched() and stream.clients:
                await asyncio.sleep(_POLL_S)
        finally:
            self._streams.pop(run_id, None)
