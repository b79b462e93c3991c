"""The pages of `odibi serve` in a real browser: every view, its search, its changes, and a run that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from loopback_server import served
from msgspec.structs import replace
from tests.browser.conftest import Visit
from tests.history.stores import START, events_of, write_run

from odibi_core.events.clock import utc_now
from odibi_core.history.noticing.notes import Notes

pytestmark = pytest.mark.browser

PAYLOAD = '<img src=x onerror=alert(1)>"><script>alert(2)</script>'
RUNNING = "20260201T040000-live-00000001"
DAYS = 9
VIEWS = {
    "/": "daily",
    "/runs": "11 runs",
    "/pipelines/daily": "load",
    "/pipelines/daily/steps/load": "rows out",
    "/runs/daily": "daily",
    "/runs/daily/log": "pipeline_start",
    "/runs/daily/metrics": "load",
    "/compare?run=daily": "Compared with",
    "/datasets": "No run read or wrote a file",
    "/alerts": "the run failed",
    "/errors": "ValueError",
    "/costs": "No cost is recorded",
    "/checks": "No check is recorded",
    "/usage": "No command was tracked",
    "/sql?query=select%20status%2C%20count(*)%20as%20n%20from%20runs%20group%20by%20all": "success",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store whose runs are of the last days, one of a pipeline with a hostile name, and one that runs."""
    root = tmp_path_factory.mktemp("pages")
    shift = utc_now() - START - timedelta(days=DAYS)
    for day in range(DAYS):
        name = f"2026010{day + 1}T040000-daily-{day:08x}"
        write_run(root, name, moved(events_of(name, "daily", day, "failed" if day % 5 == 4 else "success"), shift))
    name = "20260110T040000-hostile-00000009"
    write_run(root, name, moved(events_of(name, PAYLOAD, DAYS - 1, "failed", tags={"x": PAYLOAD}), shift))
    write_run(root, RUNNING, moved(events_of(RUNNING, "live", DAYS - 1)[:3], shift))
    return root


def moved(events: list[Any], shift: timedelta) -> list[Any]:
    return [replace(event, timestamp=event.timestamp + shift) for event in events]


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    """Serve the store on a free port of the loopback, in a thread."""
    with served(root) as found:
        yield found


def test_every_page_is_drawn_and_goes_on(visit: Visit, address: str, root: Path) -> None:
    """Each page draws its document without an error or a foreign request; what a person does works; axe is content."""
    page = visit.page
    for path, text in VIEWS.items():
        page.goto(address + path)
        page.wait_for_selector("html[data-ready]")
        page.get_by_text(text).first.wait_for(timeout=10_000)
    # Search in the fleet, by keyboard; then the click to the history, a step, and a run.
    page.goto(address)
    page.get_by_text(PAYLOAD).first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("dail")
    page.get_by_text("1 pipeline", exact=True).wait_for()
    page.get_by_role("link", name="daily", exact=True).click()
    page.get_by_role("link", name="load", exact=True).click()
    page.locator(".line-chart a").last.click()
    page.get_by_role("link", name="Log", exact=True).click()
    page.locator("[data-search]").first.fill("check_result")
    page.get_by_text("1 line, the end of what is recorded").wait_for()
    # An alert is acknowledged, with a note.
    page.goto(f"{address}/alerts")
    before = len(Notes.read(root).acknowledged)
    page.get_by_label("Note").first.fill("known")
    page.get_by_role("button", name="Acknowledge").first.click()
    page.get_by_text("acknowledged: ").first.wait_for()
    assert len(Notes.read(root).acknowledged) == before + 1
    _assert_an_answer_is_a_timeline(page, address)
    _assert_a_run_goes_on(page, address, root)
    assert (visit.errors, visit.dialogs) == ([], [])
    assert [url for url in visit.requests if not url.startswith((address, "data:"))] == []
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    widths, faults = [], []
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/", "/runs", "/runs/daily", "/sql", "/alerts", "/pipelines/daily/steps/load"):
        page.goto(address + path)
        page.wait_for_selector("html[data-ready]")
        widths.append(page.evaluate("document.documentElement.scrollWidth"))
        if "steps" in path:
            continue
        found = axe.run(page).response["violations"]
        faults += [(path, one["id"], one["nodes"][0]["html"]) for one in found]
    assert (widths, faults) == ([390] * len(widths), [])


LANES = (
    "select started as start, duration_ms / 1000 as duration, node_name as name, pipeline_name as lane"
    " from nodes where run_id like '%daily%'"
)


def _assert_an_answer_is_a_timeline(page: Any, address: str) -> None:
    """An answer with a start, a duration and a name is drawn in lanes; the address has it; a wrong type is named."""
    page.goto(f"{address}/sql?{urlencode({'query': f'{LANES} union all select null, 1, null, null'})}")
    page.get_by_role("button", name="Timeline").click()
    lanes = page.get_by_role("listbox", name="Timeline of the answer")
    assert lanes.locator(".gantt-name", has_text="daily").count() == 1
    assert "load: 10 ms from 20" in str(lanes.get_by_role("option").first.get_attribute("aria-label"))
    page.get_by_text("Times in UTC. 1 row without a known start and duration").wait_for()
    assert page.url.endswith("&view=timeline")
    columns = {"columns": ["start", "duration", "name"], "types": ["DOUBLE", "VARCHAR", "VARCHAR"]}
    found = {**columns, "rows": [[1.5, "2 s", "a"]], "more": False, "unreadable": 0, "notices": [], "duration_ms": 1.0}
    page.route("**/api/sql?*", lambda route: route.fulfill(json=found))
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("duration must be a number of seconds or an INTERVAL, got VARCHAR").wait_for()
    found |= {"types": ["DOUBLE", "INTERVAL", "VARCHAR"], "rows": [[1.5, "P1DT2.5S", "a"], [0.0, "-PT1S", "b"]]}
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("Starts and durations in seconds. 1 row without").wait_for()
    assert lanes.get_by_role("option").get_attribute("aria-label") == "a: 24 h 00 min from 1.50 s"
    page.unroute("**/api/sql?*")


def _assert_a_run_goes_on(page: Any, address: str, root: Path) -> None:
    """A run that goes on is drawn while it does, and the slider shows it as it was."""
    page.goto(f"{address}/runs/{RUNNING}")
    page.get_by_text("live", exact=True).last.wait_for()
    rest = moved(events_of(RUNNING, "live", DAYS - 1)[3:], utc_now() - START - timedelta(days=DAYS))
    write_run(root, RUNNING, rest)
    page.get_by_text("All 2 steps succeeded").first.wait_for(timeout=10_000)
    assert page.locator(".run-bar").count() == 1
    page.reload()
    page.locator(".slider input").fill("500")
    page.get_by_text("Running", exact=True).first.wait_for()
    page.locator(".slider input").fill("1000")
    page.get_by_text("All 2 steps succeeded").first.wait_for()
