"""The state of alerts over time: raised, repeated, resolved, acknowledged, escalated, muted, sent."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import msgspec
from tests.alerts.simulated import MINUTE, Simulated
from tests.rules.made import NOW

from odibi_core.alerts import Route, Silence, evaluation
from odibi_core.alerts.state import states_of
from odibi_core.events import kinds
from odibi_core.rules import FailureRule, SchemaRule
from odibi_core.rules.base import Firing, Rule

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FAILED: Any = {"status": "failed", "error": "boom"}
TEAM = Route(name="team", command=("true",))


def failing(**options: object) -> FailureRule:
    return FailureRule(**{"name": "failed", "severity": "error", **options})  # type: ignore[arg-type]


def test_one_alert_from_the_first_failure_to_the_first_success() -> None:
    """Later failures repeat it, and a later failure after a success is another one."""
    store = Simulated([failing()], [TEAM])
    assert store.run(**FAILED) == [("team", "raised", 1)]
    assert store.run(HOUR, **FAILED) == []
    assert [event.fields.get("repeated") for event in store.events if event.event_type == kinds.ALERT_RAISED] == [
        None, True,
    ]  # fmt: skip
    assert store.run(HOUR) == [("team", "resolved", 1)]
    assert store.open() == []
    assert store.run(HOUR, **FAILED) == [("team", "raised", 1)]
    assert len({alert.alert_id for alert in store.states.by_id.values()}) == 2


def test_a_run_that_proves_nothing_resolves_nothing() -> None:
    """The step did not run: its alert stays."""
    store = Simulated([failing(per="step")])
    store.run(**FAILED, failed={"load": "x"}, steps={"load": "failed"})
    store.run(steps={"other": "success"})
    assert len(store.open()) == 1
    store.run(steps={"load": "success"})
    assert store.open() == []


def test_an_open_alert_is_sent_again_after_its_time() -> None:
    """Every day by default; never with an empty text."""
    for repeat, sent in ("1d", [("team", "repeated", 1)]), ("", []):
        store = Simulated([failing(repeat=repeat)], [TEAM])
        store.run(**FAILED)
        assert store.check(23 * HOUR) == []
        assert store.check(2 * HOUR) == sent


def test_flapping_within_the_cooldown_is_one_alert() -> None:
    """It opens again under its id, and is not sent again."""
    store = Simulated([failing(cooldown="1h", notify_resolved=False)], [TEAM])
    store.run(**FAILED)
    store.run(10 * MINUTE)
    assert store.run(10 * MINUTE, **FAILED) == []
    assert len(store.states.by_id) == len(store.open()) == 1
    store.run(10 * MINUTE)
    assert store.run(2 * HOUR, **FAILED) == [("team", "raised", 1)]


def test_an_acknowledged_alert_is_neither_sent_nor_escalated() -> None:
    """Until it is resolved and fires anew."""
    rule = failing(escalate_after="1h", escalate_to=("boss",), repeat="2h")
    boss = Route(name="boss", command=("true",), only_escalated=True)
    store = Simulated([rule], [TEAM, boss])
    assert store.run(**FAILED) == [("team", "raised", 1)]
    store.acknowledge()
    assert store.check(DAY) == []
    assert store.open()[0].status == "acknowledged"
    store.run()
    store.run(HOUR, **FAILED)
    assert store.check(2 * HOUR) == [("team", "repeated", 1), ("boss", "escalated", 1)]
    assert store.open()[0].severity == "critical"
    assert store.check(MINUTE) == []


def test_a_muted_or_silent_alert_is_sent_when_the_silence_ends() -> None:
    """It is recorded all the while."""
    store = Simulated([failing()], [TEAM])
    store.mute(NOW + HOUR, rule="failed")
    assert store.run(**FAILED) == []
    assert len(store.open()) == 1
    assert store.check(2 * HOUR) == [("team", "raised", 1)]
    store = Simulated([failing()], [TEAM], [Silence(until=NOW + HOUR, pipeline="sh*")])
    assert store.run(**FAILED) == []
    assert store.check(2 * HOUR) == [("team", "raised", 1)]


def test_a_silence_of_the_night_belongs_to_the_day_on_which_it_begins() -> None:
    """From Saturday 22:00 to Sunday 06:00, in the zone of the process."""
    silence, about = Silence(hours="22:00-06:00", days=("sat",)), {"rule": "x", "pipeline": "p", "owner": ""}
    saturday = NOW.astimezone().replace(month=11, day=28, hour=0, minute=0)
    hours = [number for number in range(48) if silence.covers(about, saturday + number * HOUR)]
    assert hours == list(range(22, 30))


def test_a_storm_sends_one_notification_for_each_group_and_interval() -> None:
    """10,000 failing pipelines are two notifications: the first at once, the others together after the interval."""
    one = Route(name="all", command=("true",), group_by=())
    store = Simulated([failing()], [one, TEAM])
    sent = []
    for number in range(300):  # the sending of each run looks at all alerts: the number is what matters
        sent += [each for each in store.run(pipeline_name=f"p{number}", **FAILED) if each[0] == "all"]
    assert sent == [("all", "raised", 1)]
    assert [each for each in store.check(6 * MINUTE) if each[0] == "all"] == [("all", "raised", 299)]


def test_ten_thousand_failing_steps_are_a_hundred_alerts_and_their_rest() -> None:
    """The number of the others is in the message, and one notification has them all."""
    steps = {f"s{number}": "failed" for number in range(10_000)}
    store = Simulated([failing(per="step")], [TEAM])
    assert store.run(**FAILED, steps=steps, failed=dict.fromkeys(steps, "boom")) == [("team", "raised", 101)]
    rest = store.open()[-1]
    assert (rest.subject, rest.left_out) == (evaluation.REST, 9_900)
    assert "9,900 more" in rest.message
    assert store.run(HOUR, steps=dict.fromkeys(steps, "success")) == [("team", "resolved", 101)]


def test_a_digest_is_sent_once_in_its_period() -> None:
    """Nothing at once, and everything together at the next full period."""
    digest = Route(name="daily", command=("true",), digest="1d", group_by=(), send_resolved=False)
    store = Simulated([failing()], [digest])
    assert store.run(pipeline_name="a", **FAILED) == []
    assert store.run(HOUR, pipeline_name="b", **FAILED) == []
    assert store.check(DAY) == [("daily", "raised", 2)]
    assert store.check(HOUR) == []


def test_routes_choose_by_severity_rule_pipeline_and_owner() -> None:
    """The owner of a rule goes before the tag of the run."""
    routes = [
        Route(name="loud", command=("true",), severity="critical"),
        Route(name="sales", command=("true",), owner="sales"),
        Route(name="it", command=("true",), owner="it"),
        Route(name="other", command=("true",), pipeline="other*"),
    ]
    store = Simulated([failing(), failing(name="own", owner="it")], routes)
    assert store.run(**FAILED, tags={"owner": "sales"}) == [("sales", "raised", 1), ("it", "raised", 1)]


def test_an_address_in_a_tag_is_a_group_of_its_own() -> None:
    """Alerts of two addresses are never in one notification, and an alert without the tag is not sent there."""
    route = Route(name="tag", webhook_tag="hook", group_by=(), interval="0s")
    store = Simulated([failing(), failing(name="second")], [route])
    for name, tags in ("a", {"hook": "http://a"}), ("b", {"hook": "http://b"}), ("c", {}):
        store.run(pipeline_name=name, tags=tags, **FAILED)
    sent = [event.fields["alerts"] for event in store.events if event.event_type == kinds.ALERT_NOTIFIED]
    assert sent == [2, 2]


def test_the_end_of_an_event_is_recorded_and_not_sent() -> None:
    """A changed schema is over with the next run: its end is no news."""
    store = Simulated([SchemaRule(name="schema")], [TEAM])
    assert store.book.rules[0].sends_resolved is False


def test_two_hosts_that_raise_one_alert_have_one() -> None:
    """Either id finds it, in whatever order the events are read."""
    here, there = Simulated([failing()]), Simulated([failing()])
    here.run(**FAILED, run_id="here")
    there.run(MINUTE, **FAILED, run_id="there")
    both = states_of(sorted([*here.events, *there.events], key=lambda event: event.timestamp))
    (alert,) = both.open()
    assert both.get(here.open()[0].alert_id) is alert is both.get(there.open()[0].alert_id)


def test_the_state_is_the_fold_of_its_events() -> None:
    """Live equals replay, for any history of failures, successes, acknowledgements and time."""
    chance = random.Random(7)
    rule = failing(cooldown="1h", escalate_after="3h", escalate_to=("team",), repeat="2h")
    digest = Route(name="d", command=("true",), digest="6h")
    store = Simulated([rule, failing(name="steps", per="step")], [TEAM, digest])
    for _ in range(200):
        failed = chance.random() < 0.5
        store.run(chance.choice([MINUTE, HOUR]), **(FAILED if failed else {}), failed={"load": "x"} if failed else {})
        if store.open() and chance.random() < 0.1:
            store.acknowledge()
    again = states_of(store.events)
    assert list(map(msgspec.to_builtins, again.by_id.values())) == list(
        map(msgspec.to_builtins, store.states.by_id.values())
    )
    assert len(again.by_id) > 20


class Broken(Rule, frozen=True, kw_only=True):
    """A rule that raises after its first firing."""

    def of_run(self, facts: object):  # type: ignore[no-untyped-def]
        """Raise."""
        yield Firing(message="first")
        raise LookupError("no such column")


def test_a_rule_that_raises_is_reported_and_changes_nothing() -> None:
    """The other rules are evaluated, and its open alerts stay."""
    from tests.rules.made import facts

    store = Simulated([Broken(name="broken"), failing()])
    found = evaluation.of_run(store.book.rules, facts(status="failed"), store.states)
    assert found.not_evaluated == {"broken": "LookupError: no such column"}
    assert [change.fields["rule"] for change in found.changes] == ["failed"]
