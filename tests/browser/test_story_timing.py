"""The timing of the steps: read by keyboard, in lanes, with waiting, attempts, and answers of the cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browser.conftest import Visit
from tests.story.fixture.flights import flights
from tests.story.fixture.past import background

from odibi_core.story import write_story

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def test_the_bars_are_read_and_opened_by_keyboard(visit: Visit, tmp_path: Path) -> None:
    """Tab leads to one bar, the arrows to the others, Enter opens one; each names its state and times."""
    page = visit.open(write_story(flights(), tmp_path / "story.html", history=background()))
    bars = page.get_by_role("listbox", name="Timing of the steps").get_by_role("option")
    assert page.locator(".gantt [tabindex='0']").count() == 1
    bars.first.focus()
    for key in ("ArrowDown", "ArrowDown", "End", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    expect(bars.filter(has_text="carriers_csv")).to_be_focused()
    page.keyboard.press("Home")
    expect(bars.filter(has_text="raw_flights")).to_be_focused()
    page.keyboard.press("PageDown")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Step")
    expect(panel.get_by_role("heading", level=2)).to_have_text("by_route")
    expect(bars.filter(has_text="by_route")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(bars.filter(has_text="by_route")).to_be_focused()
    assert [bars.filter(has_text=name).get_attribute("aria-label") for name in ("raw_weather", "raw_airlines")] == [
        "raw_weather: Failed, 31.4 s from 120 ms, usually 5.0 ms to 5.0 ms, 3 attempts, 1.50 s between them",
        "raw_airlines: Succeeded, 9.0 ms from 14 ms, usually 5.0 ms to 5.0 ms, from the cache",
    ]
    assert "not in the cache" in str(bars.filter(has_text="clean_flights").get_attribute("aria-label"))
    expect(page.locator(".gantt-pause")).to_have_count(3)
    expect(page.locator("#timing .balance-key")).to_contain_text("not in the cache")
    assert visit.errors == []


def test_a_lane_has_the_bars_of_a_worker_side_by_side(visit: Visit, tmp_path: Path) -> None:
    """Bars that overlap stand in rows below each other; the arrows go along the lanes."""
    lineage = flights()
    lineage["steps"][2]["started_ms"] = 15  # raw_airports, while raw_airlines runs on the same worker
    page = visit.open(write_story(lineage, tmp_path / "story.html"))
    page.get_by_role("button", name="By worker").click()
    expect(page.locator(".gantt-lane .gantt-name")).to_have_text(["worker-1", "worker-2", "", "worker-3"])
    page.locator(".lane-bar").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lane-bar").nth(1)).to_be_focused()
    expect(page.locator(".lane-bar").nth(1)).to_have_attribute(
        "aria-label", "clean_flights: Succeeded, 611 ms from 1.86 s, worker-1, not in the cache"
    )


def test_a_long_list_is_walked_beyond_what_is_drawn(visit: Visit, tmp_path: Path) -> None:
    """The bar that has the focus is drawn wherever the list is scrolled to."""
    lineage = flights()
    first = lineage["steps"][0]
    steps = [{**first, "step_name": f"s{n:03}", "started_ms": n, "worker": None} for n in range(600)]
    page = visit.open(write_story({**lineage, "steps": steps, "edges": []}, tmp_path / "story.html"))
    assert page.locator(".gantt-row").count() < 100
    page.locator(".gantt-row").first.focus()
    page.keyboard.press("End")
    expect(page.locator(".gantt-row", has_text="s599")).to_be_focused()
    page.locator(".gantt-view").evaluate("view => { view.scrollTop = 0; }")
    expect(page.locator(".gantt-row", has_text="s000")).to_have_count(1)
    expect(page.locator(".gantt-row", has_text="s599")).to_be_focused()
    assert page.locator(".gantt-row").count() < 100
