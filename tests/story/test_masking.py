"""No secret of a lineage reaches the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from odibi_core.checks import unique
from odibi_core.observability import EventBus, Orchestrator, Step, create_story_hook
from odibi_core.story import write_story
from odibi_core.story.masking import safe

CANARY = "hunter2-canary"
STEP: dict[str, Any] = {"step_name": "s", "state": "failed"}


@pytest.mark.parametrize(
    "step",
    [
        {"after_snapshot": {"sample_data": [{"password": CANARY}]}},
        {"before_snapshot": {"sample_data": [{"user": {"api_key": CANARY}}]}},
        {"after_snapshot": {"stats": [{"column": "password", "min": CANARY, "max": CANARY}]}},
        {"error_message": f"cannot log in with password={CANARY}"},
        {"traceback": f"connect('postgres://joe:{CANARY}@db/x')"},
        {"outputs": {"out": f"s3://key:{CANARY}@bucket/x"}},
        {"retries": [{"attempt": 1, "error": f"token: {CANARY}"}]},
        {"checks": [{"check": "not_null", "column": "password", "passed": False, "examples": [CANARY]}]},
        {"checks": [{"check": "c", "column": "x", "passed": False, "message": f"api_key={CANARY}"}]},
        {"skip_reason": f"Authorization: Bearer {CANARY}"},
        {"step_name": f"load?secret={CANARY}"},
    ],
)
def test_a_planted_secret_is_not_in_the_file(step: dict[str, Any], tmp_path: Path) -> None:
    """By the name of its field or column, or by its shape, in every part of a step."""
    path = write_story({"steps": [{**STEP, **step}]}, tmp_path / "s.html", title=f"password={CANARY}")
    assert CANARY not in path.read_text("utf-8")


def test_what_is_no_secret_stays() -> None:
    """Names that only look alike, and ordinary values."""
    step = {"step_name": "author_tokens", "row_count": 12, "inputs": {"author": "books"}}
    assert safe({"steps": [step]}) == {"steps": [step]}


def test_what_json_cannot_hold_is_described() -> None:
    """Cycles, lone surrogates, objects: the fast way gives up and the slow one knows them."""
    cyclic: dict[str, Any] = {"steps": [{"step_name": "a\ud800", "value": object(), "nan": float("nan")}]}
    cyclic["self"] = cyclic
    found = safe(cyclic)
    assert found["self"] == "<cycle>"
    assert found["steps"][0]["step_name"] == "a\ufffd"


def test_what_is_no_mapping_is_an_empty_lineage() -> None:
    """Nothing is raised here; `StoryGenerator` reports it."""
    assert safe(None) == safe([1]) == {}


def test_a_recorded_run_is_drawn_as_it_was_cleaned_by_the_bus(tmp_path: Path) -> None:
    """Its story is not cleaned again: samples, statistics, examples and errors came without secrets."""
    bus, hook = EventBus(), create_story_hook(tmp_path)
    bus.register_hook("pipeline_complete", hook)

    def users() -> Any:
        return pl.DataFrame({"password": [CANARY, CANARY], "n": [1, 2]})

    def broken() -> Any:
        raise ValueError(f"cannot log in with password={CANARY}")

    steps = [
        Step(name="users", value=users, outputs={"out": "users"}, checks=[unique("password")]),
        Step(name="broken", value=broken),
    ]
    result = Orchestrator(steps, event_bus=bus, raise_on_error=False, store=tmp_path).execute()
    (page,) = hook.written
    assert result.status == "failed"
    assert "cannot log in with password=" in page.read_text("utf-8")
    assert CANARY not in page.read_text("utf-8")
