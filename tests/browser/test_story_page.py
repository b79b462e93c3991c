"""The saved story as a reader meets it: offline, with mouse or keyboard, light or dark, on paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import Visit
from tests.story.fixture.flights import flights, snap, step
from tests.story.fixture.past import background

from odibi_core.story import write_story

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
"""Waits for what it expects."""
PANEL = ".step-panel"


@pytest.fixture
def story(visit: Visit, tmp_path: Path) -> Any:
    """The flights run, open in the browser."""
    return visit.open(write_story(flights(), tmp_path / "story.html"))


def test_it_opens_from_disk_without_an_error_or_a_request(visit: Visit, story: Any) -> None:
    """One file is all: it draws itself under its own strict policy and loads nothing."""
    assert (visit.errors, visit.requests) == ([], [])


def test_the_verdict_comes_first_and_names_what_failed_and_why(story: Any) -> None:
    """State, name and reason stand in the first screen."""
    said = story.locator("#verdict").inner_text()
    assert "Failed" in said
    assert "nyc_flights_daily" in said
    assert "raw_weather failed after 3 attempts: ConnectionError: api.weather.example" in said
    assert story.locator("#verdict").bounding_box()["y"] < 200


def test_the_graph_draws_every_step_and_its_rows(story: Any) -> None:
    """16 nodes, and rows along the edges that carried some."""
    assert story.locator(".node").count() == 16
    assert "337K" in story.locator(".rows").all_text_contents()[0]


def test_states_differ_in_shape_and_not_only_in_colour(story: Any) -> None:
    """Failed, skipped and succeeded steps differ in the icon's outline and mark."""
    shape = (
        "one => [...one.querySelectorAll('.icon:first-of-type path')].map(p => p.getAttribute('d')).join()"
    )
    shapes = {
        story.locator(f".node.is-{state}").first.evaluate(shape) for state in ("failed", "skipped", "success")
    }
    assert len(shapes) == 3


def test_a_click_on_a_node_opens_its_panel(story: Any) -> None:
    """Beside the graph, with the focus on its heading; a second click closes it."""
    story.locator(".node", has_text="clean_flights").click(position={"x": 20, "y": 20})
    panel = story.locator(PANEL)
    expect(panel.locator("h2")).to_be_focused()
    expect(panel).to_contain_text("336,776")
    expect(panel).to_contain_text("−9,430 rows")
    panel.get_by_role("button", name="Close the step").click()
    expect(panel).to_be_hidden()


def test_a_step_shows_the_rows_of_each_input(visit: Visit, tmp_path: Path) -> None:
    """Up to three in the table; a frame that was changed in place is marked in the panel."""
    before = [{"name": name, "row_count": 3, "metadata": {"changed_in_place": name == "d"}} for name in "abcd"]
    made = step("join", "transform", 0, 1, before_snapshots=before, row_count=2)
    page = visit.open(write_story({**flights(), "steps": [made], "edges": []}, tmp_path / "story.html"))
    row = page.locator(".step-row").first
    expect(row).to_contain_text("3 + 3 + 3 + … → 2", use_inner_text=True)
    row.click()
    expect(page.get_by_text("Changed in place by a later step.")).to_have_count(1)


def test_a_step_shows_frames_differences_and_samples(story: Any) -> None:
    """Before and after, what changed in the schema, and the first rows on demand."""
    story.locator(".step-name", has_text="clean_flights").click()
    panel = story.locator(PANEL)
    expect(panel.locator(".diff .removed")).to_have_text(["− removed: hour", "− removed: minute"])
    expect(panel.locator(".diff .changed")).to_contain_text("object → datetime64[ns,UTC]")
    panel.locator(".sample summary").last.click()
    expect(panel.locator(".data").last.locator("tbody tr")).to_have_count(3)
    search = panel.get_by_label("Find in the sample: Out clean_flights")
    search.fill("N14228")
    expect(panel.locator(".data").last.locator("tbody tr")).to_have_count(1)
    expect(panel.locator(".data").last.locator(".is-found")).to_have_text(["N14228"])
    search.fill("dep_")
    expect(panel.locator(".data").last.locator("th")).to_have_text(["dep_time", "dep_delay"])
    search.fill("nothing of it")
    expect(panel.locator(".sample [role=status]").last).to_have_text("0 rows, 0 columns")


def test_statistics_are_shown_where_they_were_taken(visit: Visit, tmp_path: Path) -> None:
    """The share of nulls as a bar, a box of the quantiles, the most frequent values, each with its words."""
    box = {"q05": -9.0, "q25": -5.0, "median": -2.0, "q75": 11.0, "q95": 88.0, "mean": 12.6, "deviation": 40.2}
    stats = [
        {"column": "delay", "nulls": 250, "min": -43.0, "max": 1301.0, "distinct": 528, **box},
        {"column": "carrier", "nulls": 0, "distinct": 16, "min": "9E", "max": "YV", "top": [["UA", 172], ["B6", 86]]},
        {"column": "year", "nulls": 0, "distinct": 1, "min": 2013, "max": 2013},
        {"column": "uncounted", "distinct": 3},
    ]
    made = step("s", "ingest", 0, 1, after_snapshot={**snap("s", 9, "delay:float64"), "stats": stats})
    made["after_snapshot"]["metadata"] = {"stats_rows": 1_000, "stats_skipped": "the budget allowed 3 of 9 columns"}
    about = {"node_name": "s", "dataset": "s", "column_name": "delay"}
    nulls = about | {"metric": "nulls", "values": [0.1, 0.12, 0.25], "low": 0.05, "high": 0.2, "is_share": True}
    mean = about | {"metric": "mean", "values": [12.0, 11.5, 12.6], "low": 10.0, "high": 14.0}
    known = {"usual": {"compared_runs": 9, "bands": [nulls, mean]}}
    lineage = {**flights(), "steps": [made], "edges": []}
    page = visit.open(write_story(lineage, tmp_path / "story.html", history=known))
    page.locator(".step-row").first.click()
    rows = page.locator(".stats tbody tr")
    assert [each.get_attribute("aria-label") for each in rows.nth(0).locator(".band").all()] == [
        "Nulls in the last 3 runs, now 25 %, usually 5.0 % to 20 %: unusual",
        "Mean in the last 3 runs, now 12.6, usually 10 to 14",
    ]
    expect(rows.nth(0).locator(".was")).to_have_text("usually 5.0 % to 20 %")
    expect(rows.nth(3).locator("td").first).to_have_text("–")
    first = re.compile(r"delay\s+25 %\s+usually 5.0 % to 20 %\s+528\s+-43\s+1,301\s+mean")
    expect(rows.nth(0)).to_have_text(first, use_inner_text=True)
    label = rows.nth(0).locator("svg.box").get_attribute("aria-label")
    assert label == "5 % -9, 25 % -5, median -2, 75 % 11, 95 % 88, mean 12.6"
    assert rows.nth(0).locator(".share-part").evaluate("bar => bar.style.width") == "25%"
    top = re.compile(r"none\s+16\s+UA\s+172\s+B6\s+86\s+and 14 more values")
    expect(rows.nth(1)).to_have_text(top, use_inner_text=True)
    assert rows.nth(1).locator(".top-bar").nth(1).evaluate("bar => bar.style.width") == "50%"
    expect(rows.nth(2)).to_contain_text("always 2,013")
    expect(page.locator(".statistics")).to_contain_text("the budget allowed 3 of 9 columns")


def test_the_first_screen_has_the_verdict_the_findings_the_changes_and_the_graph(
    visit: Visit, tmp_path: Path
) -> None:
    """At 1400 × 900 without scrolling, each thing once; a finding that follows from another is folded."""
    page = visit.page
    page.set_viewport_size({"width": 1400, "height": 900})
    visit.open(write_story(flights(), tmp_path / "story.html", history=background()))
    order = [each.get_attribute("id") for each in page.locator("main > section").all()]
    assert order[:2] == ["verdict", "graph"]
    box = page.locator(".graph-drawing").bounding_box()
    assert box["y"] + box["height"] <= 900
    expect(page.locator("#unusual")).to_contain_text("usually 24 (23 to 24) in 17 runs")
    assert page.locator(".follows").evaluate("one => one.open") is False
    expect(page.locator("#changes .finding").first).to_contain_text("24 → 8")
    expect(page.locator(".strip-runs li")).to_have_count(30)
    assert page.locator("#verdict").inner_text().count("no answer within 10 s") == 1
    page.get_by_role("button", name="Open raw_weather").click()
    expect(page.locator(PANEL)).to_contain_text("raise ConnectionError")
    expect(page.locator("#purpose")).to_contain_text("/data/flights.csv")
    assert visit.errors == []


def test_long_lines_of_a_source_scroll_inside_their_panel_on_a_phone(visit: Visit, tmp_path: Path) -> None:
    """The card stays as wide as the screen."""
    known = background()
    known["sources"] = {key: f"{text}# {'x' * 300}" for key, text in known["sources"].items()}
    page = visit.open(write_story(flights(), tmp_path / "story.html", history=known))
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".step-row").nth(1).click()
    page.locator(f"{PANEL} .source summary").click()
    assert page.locator(f"{PANEL} .card-body").evaluate("body => body.scrollWidth <= body.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_each_step_has_the_last_runs_and_the_source(visit: Visit, tmp_path: Path) -> None:
    """Bars of rows and duration with words for screen readers, the usual range of the bar, the text of the function."""
    page = visit.open(write_story(flights(), tmp_path / "story.html", history=background()))
    page.locator(".step-row").nth(1).click()
    panel = page.locator(PANEL)
    expect(panel.locator(".past svg")).to_have_count(2)
    assert "last 30 runs" in str(panel.locator(".past svg").first.get_attribute("aria-label"))
    expect(panel.locator(".code-lines li").first).to_contain_text("def clean(flights):")
    expect(page.locator(".gantt-row").nth(1).locator(".gantt-usual")).to_have_count(1)


def test_a_failed_step_has_its_traceback(story: Any) -> None:
    """The frames of the program first, the whole one folded."""
    story.get_by_role("button", name="Open raw_weather").click()
    expect(story.locator(f"{PANEL} .trace")).to_contain_text("raise ConnectionError")
    story.locator(f"{PANEL} .whole-trace summary").click()
    assert "Traceback (most recent call last)" in story.locator(f"{PANEL} pre").inner_text()


def test_a_slash_searches_the_filter_narrows_and_a_column_sorts(story: Any) -> None:
    """Words in names, columns and errors are found; a state shows only its steps."""
    story.keyboard.press("/")
    story.keyboard.type("no answer")
    expect(story.locator(".step-row")).to_have_count(1)
    story.get_by_label("Search steps").fill("")
    story.get_by_role("button", name="Skipped 3").click()
    expect(story.locator(".step-row")).to_have_count(3)
    story.get_by_role("button", name="All 16").click()
    story.get_by_role("button", name="Duration", exact=True).click()
    expect(story.locator(".step-name").first).to_have_text("raw_weather")


def test_the_reader_may_overrule_the_systems_light_or_dark(story: Any) -> None:
    """The button switches from the setting of the system, and back."""
    colour = "getComputedStyle(document.body).backgroundColor"
    light = story.evaluate(colour)
    story.get_by_role("button", name="Switch between light and dark").click()
    assert story.evaluate(colour) != light
    story.emulate_media(color_scheme="dark")
    dark = story.evaluate(colour)
    story.get_by_role("button", name="Switch between light and dark").click()
    assert (story.evaluate(colour), dark != light) == (light, True)


def test_printing_adds_every_step_and_hides_the_controls(story: Any) -> None:
    """The printed page is complete and has no buttons."""
    filled = "dispatchEvent(new Event('beforeprint')), document.querySelectorAll('.printed-step .card-body').length"
    assert story.evaluate(filled) == 16, "a printer does not wait for what is drawn later"
    story.emulate_media(media="print")
    story.pdf()
    assert not any(story.locator(hidden).first.is_visible() for hidden in (".bar", ".search", ".graph-tools"))


def test_a_narrow_screen_needs_no_sideways_scrolling(story: Any) -> None:
    """On a phone the page is as wide as the phone."""
    story.set_viewport_size({"width": 390, "height": 800})
    story.wait_for_function("() => document.documentElement.scrollWidth === 390")


def test_without_javascript_the_verdict_and_the_steps_are_there(chromium: Any, tmp_path: Path) -> None:
    """A mail client or a locked-down viewer shows the static part."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(write_story(flights(), tmp_path / "story.html").as_uri())
    said = page.locator("body").inner_text()
    context.close()
    assert "raw_weather failed after 3 attempts" in said
    assert "routes_parquet" in said


def test_a_story_of_many_steps_builds_only_what_is_looked_at(visit: Visit, tmp_path: Path) -> None:
    """2,000 steps: few elements exist at once, and still every step can be reached."""
    frame = snap("x", 10, "a:int64")
    steps = [
        step(f"s{n}", "transform", n, 1, f"s{n // 2}" if n else "", after_snapshot=frame)
        for n in range(2_000)
    ]
    page = visit.open(write_story({**flights(), "steps": steps, "edges": []}, tmp_path / "story.html"))
    assert page.evaluate("document.querySelectorAll('*').length") < 12_000
    page.get_by_label("Search steps").fill("s1999")
    expect(page.locator(".step-row")).to_have_count(1)
    page.locator(".step-row").first.click()
    page.locator(f"{PANEL} .chip").first.click()
    expect(page.locator(f"{PANEL} h2")).to_have_text("s999")
    assert visit.errors == []


@pytest.mark.parametrize("steps", [[], [{}], [{"step_name": "only"}]])
def test_the_poorest_lineage_is_drawn_without_an_error(
    visit: Visit, tmp_path: Path, steps: list[dict[str, Any]]
) -> None:
    """No steps, or a step without any field."""
    page = visit.open(write_story({"steps": steps}, tmp_path / "story.html"))
    assert (page.locator(".step-row").count(), visit.errors) == (len(steps), [])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_a_program_did_is_shown_without_steps(visit: Visit, tmp_path: Path, theme: str) -> None:
    """Captured errors, operations, costs and the log have sections of their own; hostile text stays text."""
    hostile = "<img src=x onerror=alert(1)>"
    activity = {
        "errors": [{"error_type": hostile, "message": hostile, "count": 2, "traceback": hostile}],
        "error_count": 2,
        "log": [
            {"level": "info", "event_type": hostile, "message": hostile, "fields": {hostile: hostile}},
            {"level": "warning", "message": "slow"},
        ],
        "log_levels": {"info": 1, "warning": 1},
        "operations": [{"name": hostile, "calls": 2, "total_ms": 5.0, "children": [{"name": "part", "calls": 1}]}],
        "costs": {"total": {"cost_usd": 1.5, "calls": 1}, "by_operation": [{"operation": hostile, "cost_usd": 1.5}]},
    }
    visit.page.emulate_media(color_scheme=theme)
    lineage = {"pipeline_name": "x", "status": "success", "steps": [], "activity": activity}
    page = visit.open(write_story(lineage, tmp_path / "story.html"))
    assert page.locator("nav a").all_text_contents() == ["Captured errors", "Measured operations", "Costs", "Log"]
    assert "2 errors were captured" in page.locator("#verdict").inner_text()
    assert hostile in page.locator("#errors").inner_text()
    assert page.locator(".log tbody tr").count() == 2
    page.get_by_role("button", name="Warnings and errors 1").click()
    expect(page.locator(".log tbody tr")).to_have_count(1)
    assert (visit.errors, visit.requests, visit.dialogs) == ([], [], [])


def test_a_probable_edge_is_explained(visit: Visit, tmp_path: Path) -> None:
    """And a step of many calls has their number on its node and in the table."""
    steps = [
        {"step_name": "a", "state": "success"},
        {"step_name": "b", "state": "success", "calls": 1000, "duration_ms": 10},
    ]
    edges = [{"source": "a", "target": "b", "dataset": "a", "probable": True}]
    page = visit.open(write_story({"steps": steps, "edges": edges}, tmp_path / "story.html"))
    assert "Probable: a view or a copy was taken" in page.locator("#graph").inner_text()
    assert "1,000 ×" in page.locator("#graph").text_content()
    assert "1,000 calls" in page.locator("#steps").inner_text()
    assert visit.errors == []
