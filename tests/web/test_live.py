"""Following a run: changes for all clients from one follower, which go on after a lost connection."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.history.stores import events_of, write_run

from odibi_core.history.for_story import story_history
from odibi_core.store.follower import Follower
from odibi_core.store.runs import RunStore
from odibi_core.story import build, read_background
from odibi_core.views.lineage import LineageView
from odibi_core.web import live
from odibi_core.web.live import Hub, difference
from odibi_core.web.source import Source

RUN = "20260101T040000-daily-00000000"
CLIENTS = 200


class Client:
    """A client: the document as it has it, and the events that it got."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self.kinds: list[str] = []
        self.last_id = ""

    async def follow(self, hub: Hub, until: int | None = None) -> None:
        """Take events, at most so many, until the end of the run."""
        async for text in hub.events(RUN, self.last_id):
            fields = dict(line.split(": ", 1) for line in text.decode().strip().splitlines())
            if "event" not in fields:
                continue
            self.last_id = fields["id"]
            self.kinds.append(fields["event"])
            self.document = applied(self.document, fields["event"], json.loads(fields["data"]))
            if until is not None and len(self.kinds) == until:
                return


def applied(document: dict[str, Any], kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the document after an event, as the page does it."""
    data.pop("at", None)
    if kind == "document":
        return data
    steps = list(document.get("steps", []))
    for place, step in data.pop("steps", {}).items():
        steps[int(place) : int(place) + 1] = [step]
    gone = data.pop("gone", [])
    merged = {**document, **data, "steps": steps}
    return {name: value for name, value in merged.items() if name not in gone}


def final(root: Path) -> dict[str, Any]:
    """Return the document that the saved story has."""
    store, view = RunStore(root), LineageView(RUN)
    for event in store.read(RUN):
        view(event)
    document = build(view.answer(), None, read_background(story_history(store, RUN)))
    return json.loads(json.dumps(document))  # type: ignore[no-any-return]


def test_every_client_ends_with_the_document_of_the_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred clients share one follower; one that lost its connection goes on where it was."""
    monkeypatch.setattr(live, "_POLL_S", 0.01)
    made: list[Follower] = []

    def counted(*given: Any) -> Follower:
        made.append(Follower(*given))
        return made[-1]

    monkeypatch.setattr(live, "Follower", counted)
    events = events_of(RUN)
    path = write_run(tmp_path, RUN, events[:3])

    async def clients() -> list[Client]:
        hub = Hub(Source(RunStore(tmp_path)))
        lost = Client()
        await lost.follow(hub, until=1)
        assert [step["state"] for step in lost.document["steps"]] == ["running", "pending"]
        others = [Client() for _ in range(CLIENTS)]
        following = [asyncio.create_task(each.follow(hub)) for each in others]
        for start in range(3, len(events), 2):
            await asyncio.sleep(0.05)
            write_run(tmp_path, RUN, events[start : start + 2], path.name)
        await asyncio.gather(*following, lost.follow(hub))
        assert hub.followed <= 1
        return [lost, *others]

    found = asyncio.run(clients())
    expected = final(tmp_path)
    assert [each.document for each in found if each.document != expected] == []
    assert found[0].kinds.count("document") == 1
    assert found[0].kinds[-1] == "end"
    assert len(made) == 1


def test_a_client_of_another_server_gets_the_whole_document(tmp_path: Path) -> None:
    """An id that the server did not give, or gave before it was started anew, stands for nothing."""
    write_run(tmp_path, RUN, events_of(RUN))

    async def kinds_after(last_id: str) -> list[str]:
        client = Client()
        client.last_id = last_id
        await client.follow(Hub(Source(RunStore(tmp_path))))
        return client.kinds

    for last_id in ("", "other-1", "x", "-", "other-99999999999999999999999", "other-١"):
        assert asyncio.run(kinds_after(last_id)) == ["document", "end"]


def test_a_difference_has_only_what_changed() -> None:
    """Members that are equal are left out, steps are named by their place, and members that went are listed."""
    before = {"run": 1, "counts": 2, "columns": 3, "steps": [{"a": 1}, {"b": 1}]}
    after = {"run": 1, "counts": 5, "steps": [{"a": 1}, {"b": 2}, {"c": 1}]}
    assert difference(before, after) == {"counts": 5, "steps": {"1": {"b": 2}, "2": {"c": 1}}, "gone": ["columns"]}
    assert difference(after, after) == {}
