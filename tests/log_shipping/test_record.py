"""Recorded runs on their way to a system: each line once after any failure, positions saved, sums to the unit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.otlp.made import run

from odibi_core.delivery import SENT, Outcome, refused, try_again
from odibi_core.delivery.attempts import send_now
from odibi_core.events import Event
from odibi_core.history.compaction import Options, compact
from odibi_core.log_shipping.live import is_sent
from odibi_core.log_shipping.positions import Positions
from odibi_core.log_shipping.record import RecordShipping, Shipped, runs_since
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


class Fake:
    """A receiver that answers by its script, then takes all."""

    def __init__(self, *script: Outcome) -> None:
        self.script = list(script)
        self.taken: list[Event] = []

    def send(self, batch: Sequence[Event], within_s: float) -> Outcome:
        outcome = self.script.pop(0) if self.script else SENT
        if not outcome.is_unsent:
            self.taken += batch[outcome.refused :]
        return outcome


class Store:
    """A store with two runs, and what one call of the command does with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs = [run(root), run(root)]

    def ship(self, receiver: Fake, address: str = "http://loki", level: str = "info") -> Shipped:
        store = RunStore(self.root)
        shipping = RecordShipping(
            store, receiver, Positions(self.root, "loki", address), lambda to, batch: to.send(batch, 1.0), level=level
        )  # fmt: skip
        shipped = shipping.ship(runs_since(store, None))
        assert shipped.read == shipped.sent + shipped.refused.total() + shipped.unsent
        return shipped

    def lines(self) -> list[tuple[str, int]]:
        store = RunStore(self.root)
        return keys([event for run_id in self.runs for event in store.read(run_id) if is_sent(event, 20)])


def keys(events: list[Event]) -> list[tuple[str, int]]:
    return sorted((event.writer_id, event.seq) for event in events)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("shipping"))


def test_each_line_is_sent_once(made: Store) -> None:
    """A second call sends nothing; another address begins anew; a lower level sends what is below too."""
    receiver = Fake()
    assert made.ship(receiver, "a").sent == len(made.lines())
    assert keys(receiver.taken) == made.lines()
    assert made.ship(receiver, "a") == Shipped()
    assert made.ship(Fake(), "b", level="debug").sent > len(made.lines())


def test_an_outage_ends_the_call_and_the_next_one_continues(
    made: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each batch: what was taken is not sent again, and nothing is missing."""
    monkeypatch.setattr("odibi_core.log_shipping.record.BATCH", 7)
    for failing in range(6):
        receiver = Fake(*[SENT] * failing, try_again("http_503", "down"))
        first = made.ship(receiver, f"outage{failing}")
        assert (first.unsent > 0, first.problem) == (True, "down")
        second = made.ship(receiver, f"outage{failing}")
        assert keys(receiver.taken) == made.lines()
        assert first.sent + second.sent == len(made.lines())


def test_a_killed_call_sends_its_last_batch_again(made: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between sending and saving: some lines come twice and none is lost. Sabotage: saving first loses a batch."""
    monkeypatch.setattr("odibi_core.log_shipping.record.BATCH", 7)

    class Killed(BaseException):
        """Stands for the end of the process."""

    save = Positions.save

    def killed(self: Positions, name: str, position: object) -> None:
        raise Killed

    receiver = Fake()
    monkeypatch.setattr(Positions, "save", killed)
    with pytest.raises(Killed):
        made.ship(receiver, "killed")
    monkeypatch.setattr(Positions, "save", save)
    made.ship(receiver, "killed")
    assert set(keys(receiver.taken)) == set(made.lines())
    assert 0 < len(receiver.taken) - len(made.lines()) <= 7

    lossy = Fake(try_again("http_503"))
    ship_batch = RecordShipping._ship_batch

    def saving_first(self: RecordShipping, name: str, position: object, events: list[Event]) -> bool:
        for event in events:
            position.pass_over(event)  # type: ignore[attr-defined]
        save(self._positions, name, position)  # type: ignore[arg-type]
        return ship_batch(self, name, position, events)  # type: ignore[arg-type]

    monkeypatch.setattr(RecordShipping, "_ship_batch", saving_first)
    made.ship(lossy, "sabotage")
    made.ship(lossy, "sabotage")
    assert set(keys(lossy.taken)) != set(made.lines())


def test_refused_lines_are_counted_and_not_sent_again(made: Store) -> None:
    """A line that is refused for good would stop all later lines."""
    shipped = made.ship(Fake(refused(2, "http_400", "too old")), "refused")
    assert (dict(shipped.refused), shipped.problem) == ({"http_400": 2}, "too old")
    assert made.ship(Fake(), "refused") == Shipped()


def test_later_lines_and_compacted_runs(tmp_path: Path) -> None:
    """A run that got another line sends it alone; a run that became Parquet sends nothing again."""
    made = Store(tmp_path)
    receiver = Fake()
    made.ship(receiver)
    journal = RunStore(made.root).open(made.runs[0])
    journal(an_event("late", run_id=made.runs[0], writer_id="later", seq=0, message="more"))
    journal.close()
    assert made.ship(receiver).sent == 1
    assert receiver.taken[-1].event_type == "late"
    compact(RunStore(made.root), Options(grace_s=0))
    assert not RunStore(made.root).hot_ids()
    assert made.ship(receiver).read == 0
    damaged = next((made.root / "shipped").rglob("*.json"))
    damaged.write_bytes(b"\x00")
    assert made.ship(receiver).sent > 0


def test_attempts_end_by_time_and_wait_as_asked() -> None:
    """The pause is that of the receiver; the last outcome is returned."""
    pauses: list[float] = []
    assert send_now(Fake(try_again("http_429", after_s=7)), [an_event()], pause=pauses.append) is SENT
    assert pauses == [7]
    assert send_now(Fake(*[try_again("http_503")] * 9), [an_event()], give_up_s=0, pause=pauses.append).is_unsent
