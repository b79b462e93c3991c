"""The `blame` event at the end of a run, and the same answer from the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.history.blame.shop import pipeline

import odibi_core
from odibi_core.alerts import Route, configure_alerts
from odibi_core.alerts.log import read_states
from odibi_core.alerts.messages import payloads_of, title_and_body
from odibi_core.alerts.neutral import plain
from odibi_core.alerts.notifying import Notification
from odibi_core.events import Event, kinds
from odibi_core.history.blame import Blame, at_end, blame, blame_run
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.comparison.stored import StoredSources
from odibi_core.history.rows import tables_of
from odibi_core.orchestrator import Orchestrator
from odibi_core.rules import FailureRule
from odibi_core.store.runs import RunStore


def run(store: Path, fault: str = "", **more: Any) -> str:
    """Run the shop; return the id of the run."""
    about = {"pipeline_name": "shop", "store": store, "raise_on_error": False, **more}
    return str(Orchestrator(pipeline(fault), **about).execute()["run_id"])


def blamed(store: Path, run_id: str) -> list[Event]:
    return [event for event in RunStore(store).read(run_id) if event.event_type == kinds.BLAME]


def test_a_run_that_fails_names_the_first_step_that_differs(tmp_path: Path) -> None:
    """It is one event of the run, in four columns of `runs`, and what `blame_run` answers later."""
    good = run(tmp_path)
    bad = run(tmp_path, "renamed")
    (event,) = blamed(tmp_path, bad)
    assert (event.node_name, event.fields["cause"]) == ("orders", "schema drift")
    assert event.fields["compared_with"] == good
    query = "select blame, blame_step, blame_cause from runs where blame is not null"
    (row,) = odibi_core.history(tmp_path).sql(query).rows
    assert row == {"blame": event.message, "blame_step": "orders", "blame_cause": "schema drift"}
    later = blame_run(tmp_path, bad)
    assert later is not None
    assert later.sentence == event.message


def test_the_answer_while_the_run_ends_is_that_of_its_record(tmp_path: Path) -> None:
    """Live equals replay: the fields of the event follow from the stored events of both runs."""
    good, bad = run(tmp_path), run(tmp_path, "missing")
    store = RunStore(tmp_path)
    before, after = (RunData(tables_of(store.read(each))) for each in (good, bad))
    found = blame(before, after, sources=StoredSources(tmp_path))
    (event,) = blamed(tmp_path, bad)
    assert isinstance(found, Blame)
    wanted = msgspec.json.decode(msgspec.json.encode(found.fields()))
    assert event.node_name == wanted.pop("node_name")
    assert {name: event.fields[name] for name in wanted} == wanted


def test_an_alert_of_the_run_names_the_step_and_the_cause(tmp_path: Path) -> None:
    """The sentence is in the event of the alert, in its payload, and in the text for people."""
    configure_alerts([FailureRule(name="failed")])
    run(tmp_path)
    bad = run(tmp_path, "missing")
    (event,) = blamed(tmp_path, bad)
    (raised,) = [each for each in RunStore(tmp_path).read(bad) if each.event_type == kinds.ALERT_RAISED]
    assert raised.fields["blame"] == event.message
    states = read_states(tmp_path, raised.timestamp)
    (payload,) = payloads_of(Notification("n1", "team", "raised", list(states.open())), {}, raised.timestamp)
    assert payload["alerts"][0]["blame"] == event.message
    assert str(event.message) in title_and_body(payload, Route(name="team", command=("true",)), plain)[1]


def test_a_usual_run_and_the_first_one_blame_nothing(tmp_path: Path) -> None:
    """There is no event without a finding, a failure or another share of rows, and none without a good run before."""
    first = run(tmp_path, "missing")
    assert not blamed(tmp_path, first)
    run(tmp_path)
    assert not blamed(tmp_path, run(tmp_path))


def test_a_difference_within_the_noise_is_an_answer_to_a_question_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends names no step that is only possible; before it did so in runs without a fault."""
    run(tmp_path)
    found = Blame(sentence="", step="orders", cause="volume", certainty="possible")
    monkeypatch.setattr(at_end, "blame", lambda *about: found)
    assert not blamed(tmp_path, run(tmp_path, "missing"))
    assert blame_run(tmp_path) is not None
