"""A delivery: bounded, counted to the unit after every fault, and never in the way of the program."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.delivery.loopback import CLOSE, ENDLESS, GARBAGE, HTML, REDIRECT, SILENT, TRICKLE, Reply, dead_url, loopback

from odibi_core.delivery import (
    SENT,
    Delivery,
    HttpClient,
    Limits,
    Outcome,
    close_all,
    exit_time,
    outcome_of,
    refused,
    report_counts_to,
    try_again,
)
from odibi_core.delivery.notices import Notices
from odibi_core.testing import fresh_program


class Fake:
    """A receiver that answers by a script, then takes everything."""

    def __init__(self, *script: Outcome | BaseException) -> None:
        self.script = list(script)
        self.batches: list[list[Any]] = []

    def send(self, batch: Sequence[Any], within_s: float) -> Outcome:
        self.batches.append(list(batch))
        answer = self.script.pop(0) if self.script else SENT
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def items(self) -> list[Any]:
        return [item for batch in self.batches for item in batch]


class Stuck:
    """A receiver that hangs until the end of the test."""

    def __init__(self) -> None:
        self.entered, self.over = threading.Event(), threading.Event()

    def send(self, batch: Sequence[Any], within_s: float) -> Outcome:
        self.entered.set()
        self.over.wait(60)
        return SENT


class Post:
    """A receiver by HTTP, as exporters have it: one body a batch."""

    def __init__(self, url: str) -> None:
        self.client = HttpClient(url, setting="ODIBI_TEST__URL")

    def send(self, batch: Sequence[Any], within_s: float) -> Outcome:
        body = b"\n".join(b"%d" % item for item in batch)
        return outcome_of(self.client, len(batch), body, within_s=min(within_s, 0.5))[0]


def put_all(delivery: Delivery[int], items: Sequence[int]) -> None:
    for item in items:
        delivery.put(item)


FAULTS: dict[str, tuple[Reply, ...]] = {
    "429": (Reply(429, {"Retry-After": "0"}),),
    "503 twice": (Reply(503), Reply(503)),
    "500": (Reply(500),),
    "garbage": (GARBAGE,),
    "html": (HTML,),
    "redirect": (REDIRECT,),
    "a byte at a time": (TRICKLE,),
    "close": (CLOSE,),
    "silent": (SILENT,),
    "endless": (ENDLESS,),
    "400, then close": (Reply(400), CLOSE),
}
REFUSING = {"500", "html", "redirect", "400, then close"}
"""Faults after which the protocol allows no retry: one batch of ten is lost."""


@pytest.mark.parametrize("fault", FAULTS)
def test_the_sums_add_up_after_every_fault(fault: str) -> None:
    """Every accepted item is sent or dropped by a reason; only what may be sent again is sent again."""
    with loopback(*FAULTS[fault]) as server:
        delivery = Delivery("test", Post(server.url), Limits(batch=10, every_s=0))
        put_all(delivery, range(10))
        while delivery.counts.queued:
            server.asked.wait(0.002)
        put_all(delivery, range(10, 30))
        assert delivery.close(10)
    counts = delivery.counts
    assert counts.is_whole
    assert counts.accepted == 30
    lost = counts.dropped.total()
    assert counts.sent == 30 - lost
    assert (lost > 0) == (fault in REFUSING), counts


def test_nothing_is_sent_to_where_a_redirect_leads() -> None:
    """A redirect is an answer that refuses the batch; the notice names the setting."""
    with loopback() as other, loopback(Reply(307, {"Location": other.url})) as server:
        delivery = Delivery("test", Post(server.url))
        delivery.put(1)
        delivery.close()
        assert not other.requests
    assert delivery.counts.dropped == {"http_307": 1}
    assert "ODIBI_TEST__URL" in delivery.problem


def test_a_dead_receiver_costs_bounded_memory_and_every_item_is_counted() -> None:
    """The queue keeps its bound, the newest are dropped as `queue_full`, and the end as `exit`."""
    delivery = Delivery("test", Post(dead_url()), Limits(bound=50, batch=10))
    put_all(delivery, range(1000))
    counts = delivery.counts
    assert (counts.accepted, counts.queued, counts.dropped["queue_full"]) == (1000, 50, 950)
    assert not delivery.close()
    counts = delivery.counts
    assert counts.dropped == {"queue_full": 950, "exit": 50}
    assert counts.is_whole


class Forgetful(Delivery[int]):
    """Sabotage: what the end of the program leaves behind is not counted."""

    def close(self, timeout: float = 0.0) -> bool:
        self.begin_close(0)
        self._counts.queued = 0
        return True


def test_the_check_of_the_sums_sees_items_that_are_lost_silently() -> None:
    """Sabotage twin: a delivery that forgets its queue at the end fails the check that the tests above make."""
    delivery = Forgetful("test", Post(dead_url()))
    put_all(delivery, range(5))
    delivery.close()
    assert not delivery.counts.is_whole


def test_put_does_not_wait_for_a_receiver_that_hangs() -> None:
    """`put` returns while `send` hangs; `close` returns after its timeout, and counts what it left."""
    receiver = Stuck()
    delivery = Delivery("test", receiver, Limits(bound=20, batch=5, every_s=0))
    put_all(delivery, range(5))
    assert receiver.entered.wait(10)
    put_all(delivery, range(100))
    assert not delivery.close(0.05)
    counts = delivery.counts
    assert counts.dropped == {"queue_full": 85, "exit": 20}
    assert counts.is_whole
    receiver.over.set()  # a late answer changes nothing
    assert delivery.counts == counts


def test_items_keep_their_order_over_retries() -> None:
    """A batch that is not taken is sent again before any other."""
    receiver = Fake(try_again("http_503"), try_again("timeout"))
    delivery = Delivery("test", receiver, Limits(batch=3, every_s=0))
    put_all(delivery, range(9))
    delivery.close(10)
    taken = [item for item in receiver.items if item > 2]
    assert taken == sorted(taken)
    assert receiver.batches[0] == receiver.batches[1] == receiver.batches[2]
    assert delivery.counts.sent == 9


def test_a_partial_success_is_not_sent_again() -> None:
    """The refused items of a batch are dropped by the receiver's reason, the others count as sent."""
    receiver = Fake(refused(2, "rejected", "too old"))
    delivery = Delivery("test", receiver, Limits(batch=5))
    put_all(delivery, range(5))
    delivery.close()
    assert len(receiver.batches) == 1
    assert (delivery.counts.sent, delivery.counts.dropped) == (3, {"rejected": 2})


@pytest.mark.parametrize(
    ("asked_s", "least", "most"), [(7.0, 6.5, 7.5), (1e9, 299.0, 300.0), (None, 0.5, 3.0)]
)
def test_the_pause_that_a_receiver_asks_for_is_kept_and_bounded(
    asked_s: float | None, least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Retry-After` decides up to 300 s; without it the pause grows from a second on."""
    pauses: list[float] = []
    reached = threading.Event()

    def pause(self: Delivery[Any], seconds: float) -> None:
        pauses.append(seconds)
        self._not_before = 0.0 if len(pauses) > 1 else self._not_before
        reached.set() if len(pauses) > 1 else None

    monkeypatch.setattr(Delivery, "_pause", pause)
    delivery = Delivery("test", Fake(*[try_again("http_429", after_s=asked_s)] * 3), Limits(every_s=0))
    delivery.put(1)
    assert reached.wait(10)
    delivery.close(10)
    assert least <= pauses[1] <= most


def test_the_end_does_not_send_before_the_receiver_allows_it() -> None:
    """With a pending `Retry-After`, closing makes no attempt more."""
    receiver = Fake(try_again("http_429", after_s=60))
    delivery = Delivery("test", receiver, Limits(every_s=0))
    delivery.put(1)
    while not receiver.batches:
        pass
    delivery.close()
    assert len(receiver.batches) == 1
    assert delivery.counts.dropped == {"exit": 1}


def test_a_receiver_that_raises_loses_its_batch_alone() -> None:
    """An exception of a receiver drops the batch by its name, and the next batch is sent."""
    receiver = Fake(ZeroDivisionError("no"), SystemExit(3))
    delivery = Delivery("test", receiver, Limits(batch=1))
    put_all(delivery, range(3))
    delivery.close()
    assert delivery.counts.dropped == {"ZeroDivisionError": 1, "SystemExit": 1}
    assert delivery.counts.sent == 1


def test_a_failure_and_the_recovery_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """However often it fails: one line when it begins, one when it is over, and no secret in either."""
    failing = [try_again("http_503", "http://collector answered 503 password=hunter2secret")] * 5
    delivery = Delivery("otlp", Fake(*failing), Limits(every_s=0))
    delivery.put(1)
    delivery.close(10) if not delivery.counts.queued else None
    while delivery.counts.queued:
        pass
    delivery.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("odibi-core: otlp") for line in lines] == [True, True]
    assert "answered 503" in lines[0]
    assert "delivered again" in lines[1]
    assert "hunter2secret" not in lines[0]


def test_deliveries_to_one_server_share_the_lines_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    """One reason is one line for all of them; another reason is another; the recovery is that of the last one."""
    notices = Notices("otlp")
    dead, wrong = try_again("connection_refused", "nothing listens"), refused(3, "http_404", "check the path")
    for delivery, outcome in (
        ("traces", dead), ("logs", dead), ("metrics", wrong), ("traces", dead),
        ("traces", SENT), ("metrics", SENT), ("logs", SENT), ("logs", SENT),
    ):  # fmt: skip
        notices.note(delivery, outcome, 3 if delivery == "metrics" else 0)
    assert capsys.readouterr().err.splitlines() == [
        "odibi-core: otlp: nothing listens; it is tried again",
        "odibi-core: otlp: check the path; 3 dropped",
        "odibi-core: otlp is delivered again; 3 dropped so far",
    ]


def test_all_parts_share_the_time_at_the_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two receivers that hang do not add up: the second gets what the first one left."""
    with fresh_program():
        times = iter([100.0, 100.0, 101.0, 109.0])
        monkeypatch.setattr(exit_time, "monotonic", lambda: next(times))
        assert [round(exit_time.left_at_exit(), 3) for _ in range(3)] == [1.3, 0.3, 0.0]


def test_a_forked_child_has_nothing_of_its_parents_queue() -> None:
    """Fork: the parent sends its items, the child its own, each of them once."""
    receiver = Fake()
    delivery = Delivery("test", receiver, Limits(every_s=60))
    put_all(delivery, range(3))
    pid = os.fork()
    if not pid:
        fine = delivery.counts.accepted == 0
        delivery.put(7)
        fine = fine and delivery.close(10) and receiver.items == [7]
        os._exit(0 if fine else 1)
    assert os.waitpid(pid, 0)[1] == 0
    delivery.close()
    assert receiver.items == [0, 1, 2]


def test_all_deliveries_end_within_one_timeout() -> None:
    """`close_all` waits once for all: a receiver that hangs does not use the time of another."""
    stuck, fine = Delivery("stuck", Stuck(), Limits(every_s=0)), Delivery("fine", Fake(), Limits(every_s=60))
    put_all(stuck, [1])
    put_all(fine, [1])
    assert not close_all(0.2)
    assert fine.counts.sent == 1
    assert stuck.counts.dropped == {"exit": 1}


def test_an_item_that_is_put_after_the_end_is_dropped_and_counted() -> None:
    """A closed delivery accepts nothing: reason `closed`."""
    delivery = Delivery("test", Fake())
    delivery.close()
    assert not delivery.put(1)
    assert delivery.counts.dropped == {"closed": 1}


def test_counts_are_reported_as_counters_to_the_unit() -> None:
    """The reported steps add up to the counts, by exporter and reason."""
    found: dict[tuple[str, str], int] = {}

    def on_count(counter: str, labels: dict[str, str], number: int) -> None:
        assert labels["exporter"] == "test"
        key = counter, labels["reason"]
        found[key] = found.get(key, 0) + number

    report_counts_to(on_count)
    try:
        delivery = Delivery("test", Fake(refused(1, "http_400")), Limits(batch=2, bound=6))
        put_all(delivery, range(8))
        delivery.close()
    finally:
        report_counts_to(None)
    counts = delivery.counts
    assert found.pop(("export_accepted", "")) == 8
    assert found.pop(("export_sent", "")) == counts.sent
    assert found == {("export_dropped", reason): number for reason, number in counts.dropped.items()}


def test_a_put_in_a_handler_of_the_same_thread_does_not_deadlock() -> None:
    """A signal handler may put an item while its thread puts one: the lock is reentrant."""
    delivery = Delivery("test", Fake(), Limits(every_s=60))
    inner: Callable[[Any], str] = delivery._keep

    def keep(item: Any) -> str:
        if item == 1:
            delivery.put(2)
        return inner(item)

    delivery._keep = keep  # type: ignore[method-assign]
    delivery.put(1)
    delivery.close()
    assert delivery.counts.sent == 2
    assert delivery.counts.is_whole
