"""Section 5 of the contract, row by row: the story of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.story.fixture.flights import flights

from odibi_core.story_generator import StoryGenerator


def _story(output: Path, **more: Any) -> str:
    return Path(StoryGenerator().generate_story(flights(), output, **more)).read_text("utf-8")


def _document(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def test_generate_story_takes_a_path_or_the_dict_and_returns_the_path(tmp_path: Path) -> None:
    """`generate_story(lineage_file, output_file="story.html", title=None) -> path`."""
    lineage = tmp_path / "lineage.json"
    lineage.write_text(json.dumps(flights()), "utf-8")
    from_file = StoryGenerator().generate_story(lineage, tmp_path / "a.html")
    from_dict = StoryGenerator().generate_story(flights(), str(tmp_path / "b.html"))
    assert Path(from_file).read_bytes() == Path(from_dict).read_bytes()


def test_output_file_defaults_to_story_html_in_the_working_directory() -> None:
    """The default name, where the caller stands."""
    assert StoryGenerator().generate_story(flights()) == "story.html"
    assert Path("story.html").is_file()


def test_title_stands_instead_of_the_pipelines_name(tmp_path: Path) -> None:
    """A title of one's own, in the tab and on the page."""
    text = _story(tmp_path / "s.html", title="Morning run")
    assert "<title>Failed: Morning run</title>" in text
    assert '<h1 dir="auto">Morning run</h1>' in text


def test_it_is_one_html_file_that_opens_offline(tmp_path: Path) -> None:
    """Nothing in it is loaded from elsewhere: no address of a script, a style, a font or an image."""
    text = _story(tmp_path / "s.html")
    assert not re.findall(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=|@import|url\(|fetch\(""", text)
    assert [path.name for path in tmp_path.iterdir()] == ["s.html"]


def test_the_verdict_duration_and_date_are_at_the_top(tmp_path: Path) -> None:
    """Before anything else on the page, without any script."""
    top = _story(tmp_path / "s.html").partition("<h2>")[0].rpartition("<body>")[2]
    for said in ("Failed", "nyc_flights_daily", "31.5 s", "20 November 2026, 04:05:06 UTC", "9f3c1a7be204"):
        assert said in top


def test_the_dag_is_there_with_its_edges(tmp_path: Path) -> None:
    """All steps, and each edge with its rows; the page has the layout."""
    document = _document(_story(tmp_path / "s.html"))
    edges = document["graph"]["edges"]
    assert len(document["steps"]) == 16
    assert len(edges) == len(flights()["edges"])
    assert 336_776 in [edge["rows"] for edge in edges]


def test_the_timing_of_every_step_that_ran_is_there(tmp_path: Path) -> None:
    """When it began and how long it took."""
    steps = _document(_story(tmp_path / "s.html"))["steps"]
    assert sum("startedMs" in step and "durationMs" in step for step in steps) == 13


@pytest.mark.parametrize("key", ["layer", "durationMs", "before", "after", "rowsBefore", "rows", "diff"])
def test_a_card_for_each_step_has(key: str, tmp_path: Path) -> None:
    """Layer, duration, before → after rows and columns, and the difference of the schemas."""
    steps = {step["name"]: step for step in _document(_story(tmp_path / "s.html"))["steps"]}
    assert key in steps["clean_flights"]


def test_a_card_has_sample_data(tmp_path: Path) -> None:
    """The first rows, in the order of the columns."""
    after = _document(_story(tmp_path / "s.html"))["steps"][0]["after"]
    assert after["sampleColumns"][:3] == ["year", "month", "day"]
    assert after["sample"][0][:3] == [2013, 1, 1]


def test_a_failed_step_has_its_error_and_traceback(tmp_path: Path) -> None:
    """What was raised, and where."""
    failed = next(s for s in _document(_story(tmp_path / "s.html"))["steps"] if s["state"] == "failed")
    assert failed["error"] == "api.weather.example: no answer within 10 s"
    assert "line 41, in read" in failed["traceback"]
