"""The view of a run on a live page: a newer document changes the page, and nothing that the reader chose."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.conftest import Visit
from tests.story.fixture.flights import flights

from odibi_core.story import build, read_lineage
from odibi_core.viewer import asset_text, bundle

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

MOUNT = """(given) => {
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  %s
  window.mounted = %s.mount(root, given, {fetchJson: async () => ({})});
}"""


def _running() -> dict[str, Any]:
    lineage = flights()
    for step in lineage["steps"]:
        if step["step_name"] == "raw_weather":
            step["state"] = "running"
            for field in ("error", "error_type", "traceback", "duration_ms"):
                step.pop(field, None)
    return build(read_lineage({**lineage, "status": "running"}))


def test_updates_lead_to_the_saved_story_and_keep_the_choices_of_the_reader(visit: Visit) -> None:
    """The selected step, the filter and the view stay; at the end the page shows what a saved one does."""
    page, ended = visit.page, build(read_lineage(flights()))
    mount = MOUNT % bundle("views/run.js")
    page.goto("about:blank")
    page.add_style_tag(content=asset_text("viewer.css"))
    page.evaluate(mount, _running())
    expect(page.locator("#verdict .eyebrow")).to_have_text("Running")
    page.get_by_label("Search steps").fill("raw_")
    found = page.locator(".step-row").count()
    page.locator(".step-name", has_text="raw_weather").click()
    page.get_by_role("button", name="By duration").click()
    page.evaluate("(document) => window.mounted.update(document)", ended)
    expect(page.locator("#verdict .eyebrow")).to_have_text("Failed")
    expect(page.locator(".node.is-failed.is-chosen")).to_have_count(1)
    expect(page.locator(".step-panel")).to_contain_text("raise ConnectionError")
    assert page.locator(".step-row").count() == found < 16
    expect(page.get_by_role("button", name="By duration")).to_have_attribute("aria-pressed", "true")
    texts = "() => [...document.querySelectorAll('#verdict, #timing, #checks')].map((one) => one.innerText)"
    live = page.evaluate(texts)
    page.evaluate("location.hash = ''")
    page.evaluate(mount, ended)
    page.get_by_role("button", name="By duration").click()
    assert live == page.evaluate(texts)
    assert visit.errors == []
