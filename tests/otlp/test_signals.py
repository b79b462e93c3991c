"""Sampling by run: a share of them, decided alike everywhere, and every run that fails."""

from datetime import UTC, datetime

import pytest

from odibi_core.events import Event
from odibi_core.otlp import signals as signals_module
from odibi_core.otlp.log_records import LogItem
from odibi_core.otlp.model import Span
from odibi_core.otlp.signals import Signals

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def event(kind: str, run_id: str, **fields: object) -> Event:
    node = fields.pop("node", None)
    status = fields.pop("status", None)
    return Event(
        timestamp=NOW, level="info", event_type=kind, run_id=run_id, node_name=node, status=status, fields=fields,  # type: ignore[arg-type]
    )  # fmt: skip


def run_of(
    signals: Signals, run_id: str, *, fails: bool = False, nodes: int = 2, flags: str | None = None
) -> None:
    trace = {} if flags is None else {"trace_id": "a" * 32, "span_id": "b" * 16, "trace_flags": flags}
    signals(event("pipeline_start", run_id, pipeline_name="p", **trace))
    for number in range(nodes):
        signals(event("node_start", run_id, node=f"n{number}"))
        failed = fails and number == nodes - 1
        signals(event("node_failed" if failed else "node_complete", run_id, node=f"n{number}"))
    signals(
        event(
            "pipeline_error" if fails else "pipeline_complete",
            run_id,
            status="failed" if fails else "success",
        )
    )


def folded(rate: float) -> tuple[Signals, list[Span], list[LogItem]]:
    spans: list[Span] = []
    logs: list[LogItem] = []
    return Signals(spans.append, logs.append, rate), spans, logs


def test_a_run_is_sampled_as_a_whole_at_the_rate() -> None:
    """About the given share of runs, each with all of its spans, and the same ones in every process."""
    chosen = []
    for _ in range(2):
        signals, spans, logs = folded(0.3)
        for number in range(1000):
            run_of(signals, f"run-{number}")
        by_run: dict[str, int] = {}
        for span in spans:
            by_run[span.trace_id] = by_run.get(span.trace_id, 0) + 1
        assert 230 <= len(by_run) <= 370
        assert set(by_run.values()) == {3}
        assert signals.unsampled == 3 * (1000 - len(by_run))
        assert len(logs) == 6000
        chosen.append(set(by_run))
    assert chosen[0] == chosen[1]


def test_a_run_that_fails_is_always_sent_whole() -> None:
    """With a rate of 0: the spans before the failure were held back, and are sent."""
    signals, spans, _ = folded(0)
    run_of(signals, "fine")
    assert not spans
    run_of(signals, "broken", fails=True, nodes=5)
    assert [span.name for span in spans] == ["n0", "n1", "n2", "n3", "n4", "run p"]
    assert not signals._held


def test_a_captured_error_keeps_its_run() -> None:
    """An error that no node failed with counts too."""
    signals, spans, _ = folded(0)
    signals(event("pipeline_start", "r", pipeline_name="p"))
    signals(event("node_start", "r", node="n"))
    signals(event("node_complete", "r", node="n"))
    signals(event("error", "r"))
    assert [span.name for span in spans] == ["n"]


@pytest.mark.parametrize(("flags", "rate", "sent"), [("01", 0.0, 3), ("00", 1.0, 0)])
def test_the_decision_of_the_parent_span_counts(flags: str, rate: float, sent: int) -> None:
    """A run in a trace is sampled as the trace is."""
    signals, spans, logs = folded(rate)
    run_of(signals, "r", flags=flags)
    assert len(spans) == sent
    assert {record.flags for record in logs} == {int(flags)}


def test_the_spans_that_are_held_back_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run that is not sampled holds its latest spans; the others are counted."""
    monkeypatch.setattr(signals_module, "_SPANS_HELD", 10)
    signals, spans, _ = folded(0)
    run_of(signals, "long", fails=True, nodes=50)
    assert [span.name for span in spans][-3:] == ["n48", "n49", "run p"]
    assert len(spans) == 10 + 2
    assert signals.unsampled == 49 - 10


def test_a_fold_for_logs_alone_makes_no_spans() -> None:
    """A signal that is left out costs nothing, and keeps nothing."""
    logs: list[LogItem] = []
    signals = Signals(None, logs.append, 0)
    run_of(signals, "r", fails=True)
    assert logs
    assert not signals._held
