"""The pages for a reader with a keyboard, a screen reader, a phone or less movement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import Visit
from tests.history.comparison.rows import NUMBERS, column, frame, run, step
from tests.story.fixture.flights import flights
from tests.story.fixture.past import background

from odibi_core.history.comparison import compare
from odibi_core.history.grid import Grid, StepRow
from odibi_core.history.grid_page import write_page
from odibi_core.story import write_story

pytestmark = pytest.mark.browser

OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
CELL = {"status": "success", "duration_ms": 5.0, "rows_out": 9, "rows_read": 9, "rows_published": 9, "error": None}
CELL |= {"checks_passed": 1, "checks_failed": 0, "checks_not_checked": 0}


def _story(folder: Path) -> Path:
    return write_story(flights(), folder / "story.html", history=background())


def _history(folder: Path) -> Path:
    runs = [CELL | {"run_id": f"r{place}", "started": None, "unusual": None, "partition": None} for place in range(3)]
    runs[1] |= {"status": "failed", "error": "boom"}
    return write_page(Grid("daily", runs, [StepRow("clean", None, [CELL, None, CELL])], 3), folder / "history.html")


def _comparison(folder: Path) -> Path:
    tables: dict[str, Any] = {"snapshots": [frame("a")], "columns": [column("a", "x", **NUMBERS)]}
    before, after = (run(nodes=[step("a", rows, source_hash=f"h{rows}", type="sql")], **tables) for rows in (9, 4))
    page = compare(before, after, sources={"h9": "select 1", "h4": "select 2"}.get).to_html()
    path = folder / "comparison.html"
    path.write_text(page, encoding="utf-8")
    return path


def test_axe_finds_no_fault_in_any_page(visit: Visit, tmp_path: Path) -> None:
    """A story with an open step, light, dark and on a phone; the history and the comparison of runs."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    story, page = _story(tmp_path), visit.page
    shown = [
        (story, "#step=clean_flights", "light", 1400), (story, "", "dark", 390),
        (_history(tmp_path), "", "light", 1400), (_comparison(tmp_path), "", "dark", 390),
    ]  # fmt: skip
    for path, named, scheme, width in shown:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        visit.open(path)
        page.evaluate(f"location.hash = '{named}'; {OPEN_ALL}")
        if width == 390 and path == story:
            page.get_by_role("button", name="By worker").click()
        assert page.evaluate("document.documentElement.scrollWidth") == width, path.name
        found = axe.run(page).response["violations"]
        assert [(path.name, one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert visit.errors == []


def test_axe_does_find_a_fault(visit: Visit, tmp_path: Path) -> None:
    """The check is no formality: a button without a name and pale text are found."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit.open(_history(tmp_path))
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    page.evaluate("document.querySelector('.sentence').append(document.createElement('button'))")
    assert {one["id"] for one in axe.run(page).response["violations"]} == {"button-name", "color-contrast"}


def test_a_copied_command_a_saved_document_and_less_movement(visit: Visit, tmp_path: Path) -> None:
    """The buttons work in a saved file, and nothing moves for a reader of less movement."""
    page = visit.page
    page.emulate_media(reduced_motion="reduce")
    visit.open(_story(tmp_path))
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    page.get_by_role("button", name="Copy the command: Replay raw_weather").click()
    assert page.evaluate("window.copied") == "odibi replay 9f3c1a7be204 raw_weather"
    with page.expect_download() as saved:
        page.get_by_role("button", name="Data").click()
    assert Path(saved.value.path()).read_text("utf-8").startswith('{"format":"odibi-story/1"')
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert (visit.errors, visit.dialogs) == ([], [])
