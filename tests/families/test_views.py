"""The promises of every view. A new one is tested by being in the family."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert, to_builtins

from odibi_core import plugins
from odibi_core.bus.bus import EventBus
from odibi_core.events import COLUMNS, Event, decode, encode, from_dict, kinds
from odibi_core.history.commit import begun, commit
from odibi_core.store import event_columns
from odibi_core.store.cold import ColdStore
from odibi_core.store.segments import ReadErrors
from odibi_core.testing import FakeClock, RecordingSink, an_event
from odibi_core.views import View

MakeView = Callable[[], View]
Said = tuple[str, dict[str, Any]]


def made_by(name: str) -> MakeView:
    loaded: MakeView = plugins.load("views", name)
    return loaded


A_FEW = settings(max_examples=40)
"""Of long examples, each with dozens of events."""

EVERY_VIEW = pytest.mark.parametrize(
    "make", [made_by(name) for name in plugins.names("views")], ids=plugins.names("views")
)

KNOWN = sorted({value for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str)})
KINDS = st.sampled_from([*KNOWN, "node_error", "of a kind that nobody knows", ""])
NAMES = st.sampled_from(["a", "b", "c", "a#2", "../..\n", "Ünï🚀", ""])
RUNS = st.sampled_from(["r1", "r2", None])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.dictionaries(NAMES, NAMES, max_size=2)
COUNTS = st.integers(0, 4)
ROWS = st.lists(st.dictionaries(NAMES, st.integers() | st.text(max_size=3), max_size=2), max_size=7)
RIGHT = {
    "node_name": NAMES,
    "run_id": RUNS,
    "step_id": NAMES,
    "status": st.sampled_from(["running", "success", "failed", "cancelled"]),
    "duration_ms": st.floats(0, 1e6),
    "error": NAMES,
    "cache_hit": st.booleans(),
    "row_count": COUNTS,
    "metadata": KEYS,
    "pipeline_name": NAMES,
    "open_ended": st.booleans(),
    "steps": COUNTS
    | st.lists(
        st.fixed_dictionaries({"name": NAMES}, optional={"inputs": KEYS, "outputs": KEYS}), max_size=3
    ),
    "attempt": COUNTS,
    "attempts": COUNTS,
    "inputs": KEYS,
    "outputs": KEYS,
    "depends_on": st.lists(NAMES, max_size=2),
    "when": st.sampled_from(["before", "after"]),
    "dataset": NAMES,
    "schema": st.lists(st.fixed_dictionaries({"column": NAMES, "type": NAMES}), max_size=3),
    "sample_data": ROWS,
    "passed": st.booleans(),
    "check": NAMES,
    "column": NAMES,
    "failed_count": COUNTS,
    "metric": NAMES,
    "value": st.floats(),
    "labels": KEYS,
    "operation": NAMES,
    "operation_id": COUNTS,
    "parent_id": COUNTS,
    "active_ms": st.floats(0, 1e6),
}
FIELDS = st.fixed_dictionaries({}, optional={name: right | ANYTHING for name, right in RIGHT.items()})


def one_step(name: str, run_id: str) -> list[Said]:
    """All events of a step that is tried twice."""
    about = {"run_id": run_id, "node_name": name}
    frame = {**about, "row_count": 3, "schema": [{"column": "x", "type": "Int64"}], "sample_data": [{"x": 1}]}
    return [
        ("node_start", {**about, "layer": "transform", "attempt": 1, "inputs": {"x": "raw"}}),
        ("snapshot", {**frame, "when": "before", "dataset": "raw"}),
        ("node_retry", {**about, "attempt": 1, "error": "no route", "delay_ms": 5}),
        ("node_start", {**about, "layer": "transform", "attempt": 2, "inputs": {"x": "raw"}}),
        ("check_result", {**about, "check": "not_null", "column": "x", "passed": False, "severity": "warn"}),
        ("snapshot", {**frame, "when": "after", "dataset": name}),
        ("node_complete", {**about, "status": "success", "duration_ms": 2.5, "row_count": 3, "attempts": 2}),
    ]


@st.composite
def whole_runs(draw: st.DrawFn) -> list[Said]:
    """A run whose steps are reported by threads in any interleaving."""
    run_id = draw(st.sampled_from(["r1", "r2"]))
    told = [one_step(name, run_id) for name in draw(st.lists(st.sampled_from("abc"), unique=True))]
    turns = draw(st.permutations([step for step, lines in enumerate(told) for _ in lines]))
    lines = [iter(step) for step in told]
    plan = [{"name": name, "outputs": {"out": name}, "inputs": {"x": "raw"}} for name in "abc"]
    end = draw(st.sampled_from(["pipeline_complete", "pipeline_error", "run_lost"]))
    return [
        ("pipeline_start", {"run_id": run_id, "pipeline_name": "daily", "steps": 3}),
        ("pipeline_plan", {"run_id": run_id, "steps": plan}),
        *(next(lines[step]) for step in turns),
        (end, {"run_id": run_id, "pipeline_name": "daily", "duration_ms": 9, "error": "boom"}),
    ]


@st.composite
def sequences(draw: st.DrawFn) -> list[Event]:
    """The events of a real bus, then damaged: strangers in between, doubled, swapped, begun late, cut off."""
    said = [line for run in draw(st.lists(whole_runs(), max_size=2)) for line in run]
    for place, line in draw(st.lists(st.tuples(st.integers(0, 40), st.tuples(KINDS, FIELDS)), max_size=6)):
        said.insert(place, line)
    clock, heard = FakeClock(), RecordingSink()
    bus = EventBus(clock=clock)
    bus.subscribe(heard)
    for kind, fields in said:
        clock.advance(draw(st.sampled_from([0, 0.001, 1.5, -1])))
        bus.publish(kind, fields=dict(fields))
    events = heard.events
    for place in draw(st.lists(st.integers(0, 60), max_size=4)):
        if place < len(events):
            events.insert(draw(st.integers(0, len(events))), events[place])
    return events[draw(st.integers(0, 3)) : draw(st.integers(0, 80))]


def fed(make: MakeView, events: Sequence[Event]) -> View:
    view = make()
    for event in events:
        view(event)
    return view


def check_live_equals_replay(make: MakeView, events: Sequence[Event]) -> None:
    live = fed(make, events).answer()
    assert live == fed(make, [decode(encode(event)) for event in events]).answer()


@EVERY_VIEW
@A_FEW
@given(events=sequences())
def test_live_equals_replay(make: MakeView, events: list[Event]) -> None:
    """A view that was subscribed and one fed from the journal's lines answer alike, at every point."""
    check_live_equals_replay(make, events)


def through_parquet(events: Sequence[Event], root: Path) -> list[Event]:
    """The events of a journal, after they were compacted."""
    with begun(root) as batch:
        batch.add("run", [decode(encode(event)) for event in events], ReadErrors())
        commit(batch, [])
    return list(ColdStore(root).events("run"))


@settings(max_examples=25, deadline=None)
@given(events=sequences())
def test_live_equals_replay_from_parquet(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    """All views, fed from the batch that compaction made of the journal, answer as they did live."""
    stored = through_parquet(events, tmp_path_factory.mktemp("store"))
    assert [encode(event) for event in stored] == [encode(event) for event in events]
    for name in plugins.names("views"):
        assert fed(made_by(name), events).answer() == fed(made_by(name), stored).answer()


def test_the_check_finds_a_batch_that_loses_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a table without the kinds of values returns 1.0 for 1."""
    monkeypatch.setitem(event_columns._CONVERSIONS, ("i", "double"), float)
    events = [an_event("a", writer_id="w", seq=seq, x=x) for seq, x in enumerate([1, 1.5])]
    stored = through_parquet(events, tmp_path)
    assert [encode(event) for event in stored] != [encode(event) for event in events]


@EVERY_VIEW
@A_FEW
@given(events=sequences())
def test_an_answer_is_valid_json(make: MakeView, events: list[Event]) -> None:
    """An answer goes to a page or a file as it is: plain values or structs, no NaN, the same after a round trip."""
    answer = fed(make, events).answer()
    written = json.dumps(to_builtins(answer), allow_nan=False)
    kind = list[type(answer[0])] if isinstance(answer, list) and answer else type(answer)  # type: ignore[misc]
    assert convert(json.loads(written), kind) == answer


@EVERY_VIEW
@A_FEW
@given(events=sequences())
def test_asking_changes_nothing(make: MakeView, events: list[Event]) -> None:
    """A view asked after every event ends with the same answer as one asked once."""
    asked = make()
    for event in events:
        asked(event)
        asked.answer()
    assert asked.answer() == fed(make, events).answer()


@EVERY_VIEW
@A_FEW
@given(
    lines=st.lists(
        st.fixed_dictionaries(
            {"event_type": KINDS}, optional={n: ANYTHING for n in COLUMNS if n not in ("event_type", "seq")}
        ),
        max_size=4,
    ),
    fields=FIELDS,
)
def test_a_line_that_anyone_wrote_never_raises(
    make: MakeView, lines: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    """The codec keeps what it finds in a line, whatever its type: a view receives it and still answers."""
    fed(make, [from_dict({**fields, **line}) for line in lines]).answer()


WRONG = [True, 0, -1, 2.5, "x", [], [1], [[]], [{}], {}, {"a": []}, [{"name": [], "column": {}}]]


@EVERY_VIEW
@pytest.mark.parametrize("kind", [*KNOWN, "node_error"])
def test_each_field_of_each_kind_may_be_of_any_type(make: MakeView, kind: str) -> None:
    """One field wrong in an otherwise right line: the view receives it and answers with valid JSON."""
    right = {"run_id": "r1", "node_name": "a", "when": "after", "dataset": "a", "metric": "m", "value": 1}
    for field in [*RIGHT, *COLUMNS]:
        view = fed(make, [from_dict({"event_type": kind, **right, field: wrong}) for wrong in WRONG])
        json.dumps(to_builtins(view.answer()), allow_nan=False)


@EVERY_VIEW
def test_an_empty_view_answers(make: MakeView) -> None:
    """Before anything happened there is an answer, and it is valid JSON."""
    json.dumps(to_builtins(make().answer()), allow_nan=False)


@EVERY_VIEW
def test_a_view_is_a_view(make: MakeView) -> None:
    """Each entry of the family's table is callable with an event and has `answer()`."""
    assert isinstance(make(), View)


@EVERY_VIEW
def test_asked_by_another_thread_while_it_hears(make: MakeView) -> None:
    """A page may ask at any moment: neither the asking nor the hearing raises, and nothing of it is lost."""
    said = [event for number in range(300) for event in one_step(f"step {number}", "r1")]
    events = [an_event(kind, **fields) for kind, fields in said]
    view, failures, done = make(), [], threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                view.answer()
        except Exception as error:
            failures.append(error)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for event in events:
            view(event)
    finally:
        done.set()
        asker.join()
    assert not failures
    assert view.answer() == fed(make, events).answer()


class _Remembering:
    """A broken view: what it answers depends on the process and not only on the events."""

    made = count()

    def __init__(self) -> None:
        self.heard, self.which = 0, next(self.made)

    def __call__(self, event: Event) -> None:
        self.heard += 1

    def answer(self) -> dict[str, int]:
        return {"heard": self.heard, "view": self.which}


class _LiveOnly(_Remembering):
    """A broken view: it knows a live event by its identity, which no store can keep."""

    def __call__(self, event: Event) -> None:
        self.which = id(event)


@pytest.mark.parametrize("broken", [_Remembering, _LiveOnly])
def test_the_check_finds_a_view_that_keeps_more_than_events(broken: MakeView) -> None:
    """The sabotage twin of live equals replay: state from outside of the events is found."""
    events = [an_event("node_start", node_name="a")]
    with pytest.raises(AssertionError):
        check_live_equals_replay(broken, events)
