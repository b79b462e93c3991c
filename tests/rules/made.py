"""Facts of runs, made for tests of rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import PipelineFacts, RunFacts, StoreFacts

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


class Earlier(NamedTuple):
    """A run of the history."""

    run_id: str
    started: datetime
    status: str
    figures: dict[str, Any]


def earlier(values: Sequence[dict[str, Any]], status: str = "success") -> list[Earlier]:
    """Return runs with these figures, the oldest first, one a day."""
    first = NOW - timedelta(days=len(values))
    return [
        Earlier(f"run-{place}", first + timedelta(days=place), value.get("status", status), value)
        for place, value in enumerate(values)
    ]


def step(**figures: Any) -> dict[str, Any]:
    """Return the figures of a run with the step `load`."""
    return {"run": {}, "steps": {"load": {"status": "success", **figures}}}


def frame(columns: dict[str, float | None] | None = None, schema: list[list[str]] | None = None) -> dict[str, Any]:
    """Return a frame by the shares of nulls of its columns."""
    stats = {name: [share, *[None] * 13] for name, share in (columns or {}).items()}
    return {"rows": 10, "schema": schema or [], "columns": stats}


def facts(**given: Any) -> RunFacts:
    """Return the facts of a successful run of `shop`, in which `load` ran."""
    about: dict[str, Any] = {"run_id": "now", "pipeline_name": "shop", "at": NOW, "status": "success"}
    return RunFacts(**{**about, "steps": {"load": "success"}, **given})


def store(**given: Any) -> StoreFacts:
    """Return the facts of a store with the pipeline `shop`."""
    return StoreFacts(now=NOW, pipelines={"shop": PipelineFacts(pipeline_name="shop", **given)})


def messages(rule: Rule, of: RunFacts | StoreFacts) -> list[str]:
    """Return the messages of the firings of a rule."""
    return [firing.message for firing in firings(rule, of)]


def firings(rule: Rule, of: RunFacts | StoreFacts) -> list[Firing]:
    """Return the firings of a rule."""
    return list(rule.of_run(of) if isinstance(of, RunFacts) else rule.of_store(of))
