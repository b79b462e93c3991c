"""The failure, its cause, its begin, the changes, the usual range: two clicks from the page of all pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from loopback_server import served
from tests.browser.conftest import Visit
from tests.history.noticing.daily import Day, run_day

from odibi_core.events.clock import utc_now

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

DAYS = 60
FAULTS = {35: "weather", 45: "code", 57: "broken", 58: "broken", 59: "broken"}
PIPELINE = "flights_daily"


@dataclass
class Reader:
    """A person at the page of all pipelines, whose clicks are counted."""

    page: Any
    address: str
    clicks: int = 0

    def start(self) -> Reader:
        """Open the page of all pipelines."""
        self.page.goto(self.address)
        self.page.wait_for_selector("html[data-ready]")
        self.clicks = 0
        return self

    def click(self, target: Any) -> None:
        """Click, and wait for the page that follows."""
        target.click()
        self.clicks += 1
        self.page.wait_for_selector("html[data-ready]")

    def last_run(self) -> None:
        """Click the time of the last run of the pipeline."""
        self.click(self.page.get_by_role("row", name=PIPELINE).get_by_role("link", name="ago"))

    def sees(self, *texts: str) -> None:
        """Assert that the texts are on the page, after two clicks at most."""
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible()
        assert self.clicks <= 2


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve sixty daily runs: two with a fault of data or code, and the last three failed by a renamed column."""
    root = tmp_path_factory.mktemp("questions") / ".odibi"
    begin = (utc_now() - timedelta(days=DAYS - 1, hours=1)).replace(microsecond=0)
    for number in range(DAYS):
        run_day(Day(number, FAULTS.get(number, ""), begin), str(root), PIPELINE)
    with served(root) as found:
        yield found


def test_five_questions_are_answered_within_two_clicks(visit: Visit, address: str) -> None:
    """By what a person sees: the names, times and cells of the pages."""
    reader = Reader(visit.page, address).start()
    # The failure: the last run states the step and its error.
    reader.sees("late: 'delay'")
    reader.last_run()
    reader.sees("late failed: KeyError: 'delay'")
    # The begin: the strip of the last runs states it.
    reader.sees("3 runs in a row")
    # The change: the first step that differs from the last good run.
    reader.sees("since the last good run", "column delay is now late_minutes")
    # The cause: the failed step has the line of the program.
    reader.click(visit.page.get_by_role("button", name="Open late"))
    expect(visit.page.locator(".step-panel")).to_contain_text('joined["delay"] > 0')
    assert reader.clicks == 2
    # All changes.
    reader.start().last_run()
    reader.click(visit.page.get_by_role("link", name="Compare", exact=True))
    reader.sees("Compared with", "column delay is now late_minutes", "late failed, and succeeded before")
    # The begin, by the pipeline; the usual range of each figure of a step.
    reader.start().click(visit.page.get_by_role("link", name=PIPELINE, exact=True))
    reader.sees("Failing since", "the last good run was")
    reader.click(visit.page.get_by_role("link", name="joined", exact=True))
    reader.sees("The shaded range is usual", "usually")
    assert visit.page.locator(".line-chart .is-unusual").count() >= 1
    # The findings: the cell of an unusual day leads to its findings.
    reader.start().click(visit.page.get_by_role("link", name="1 unusual").first)
    reader.sees("Unusual", "weather")
    assert visit.errors == []
