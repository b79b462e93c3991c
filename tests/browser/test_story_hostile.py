"""All texts of a run are data: opened in a browser, they run nothing and make no request."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import Visit
from tests.history.comparison.rows import run, step
from tests.story.fixture.hostile import PAYLOADS, poisoned, poisoned_past

from odibi_core.history.comparison import compare
from odibi_core.history.grid import Grid, StepRow
from odibi_core.history.grid_page import write_page
from odibi_core.story import write_story

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("hostile")]

EVERYTHING = """async () => {
  const drawn = () => new Promise((filled) => requestAnimationFrame(() => setTimeout(filled)));
  for (const row of [...document.querySelectorAll('.step-row')].slice(0, 3)) {  // the printed page has all
    row.click();
    document.querySelectorAll('details').forEach((one) => { one.open = true; });
  }
  dispatchEvent(new Event('beforeprint'));
  await drawn();
  document.querySelector('.graph-drawing')?.dispatchEvent(new PointerEvent('pointermove', {bubbles: true}));
  document.querySelectorAll('.choice button, .schema button, .more, .sort').forEach((one) => one.click());
  await drawn();
}"""
CONDUCT = """() => ({
  pwned: window.__pwned,
  strays: document.querySelectorAll(
    'iframe, img, object, embed, form, link, base, video, audio, template, style ~ style').length,
  scripts: document.scripts.length,
  handlers: [...document.querySelectorAll('*')].filter(
    (e) => [...e.attributes].some((a) => a.name.startsWith('on'))).length,
  links: [...document.links].filter((a) => !a.getAttribute('href').startsWith('#')).length,
})"""
CLEAN = {"pwned": None, "strays": 0, "scripts": 2, "handlers": 0, "links": 0}


@pytest.fixture(scope="module")
def _one_page(chromium: Any) -> Visit:
    return Visit(chromium.new_page(viewport={"width": 1280, "height": 900}))


@pytest.fixture
def visit(_one_page: Visit) -> Visit:
    """One page for all payloads: a new file starts with a new window."""
    _one_page.page.goto("about:blank")
    _one_page.forget()
    return _one_page


def story_of(payload: str, folder: Path) -> Path:
    """Write the story of a run and a background with the payload as every text."""
    return write_story(poisoned(payload), folder / "story.html", title=payload, history=poisoned_past(payload))


def _misconduct(visit: Visit, path: Path) -> dict[str, Any]:
    shown = visit.open(path)
    shown.evaluate(EVERYTHING)
    shown.wait_for_timeout(30)
    found = {name: value for name, value in shown.evaluate(CONDUCT).items() if value != CLEAN[name]}
    told = {"errors": visit.errors, "dialogs": visit.dialogs, "requests": visit.requests}
    return found | {name: value for name, value in told.items() if value}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_every_field_runs_nothing_and_asks_for_nothing(
    payload: str, visit: Visit, tmp_path: Path
) -> None:
    """With the payload as every name, key, column, value and message, and everything opened: no script, no request."""
    assert _misconduct(visit, story_of(payload, tmp_path)) == {}


@pytest.mark.parametrize("payload", PAYLOADS[::6])
def test_a_payload_in_the_history_and_in_a_comparison_does_nothing(payload: str, visit: Visit, tmp_path: Path) -> None:
    """As every name, error, partition and source of both pages."""
    cell = {"status": "failed", "duration_ms": 5.0, "rows_out": 9, "rows_read": 9, "rows_published": 9, "unusual": 1}
    cell |= {"checks_passed": 1, "checks_failed": 1, "checks_not_checked": 1, "error": payload}
    of_run = {"run_id": payload, "pipeline_name": payload, "status": "failed", "partition": payload}
    grid = Grid(payload, [cell | of_run | {"started": None}], [StepRow(payload, payload, [cell])], 2, 1)
    assert _misconduct(visit, write_page(grid, tmp_path / "history.html")) == {}
    made = [step(payload, place, source_hash=f"h{place}", type="sql", error=payload) for place in (1, 2)]
    before, after = (run(runs=[of_run | {"run_id": f"{one['rows_out']}{payload}"}], nodes=[one]) for one in made)
    path = tmp_path / "comparison.html"
    path.write_text(compare(before, after, sources={"h1": payload, "h2": f"{payload}\n1"}.get).to_html(), "utf-8")
    assert _misconduct(visit, path) == {}


@pytest.mark.parametrize("payload", PAYLOADS[:30:3])
def test_the_policy_is_a_second_wall_and_not_the_only_one(payload: str, visit: Visit, tmp_path: Path) -> None:
    """Without the Content-Security-Policy a payload still does nothing: it never was markup."""
    path = story_of(payload, tmp_path)
    text = path.read_text("utf-8")
    assert "Content-Security-Policy" in text
    path.write_text(text.replace("Content-Security-Policy", "x-none", 1), "utf-8")
    assert _misconduct(visit, path) == {}


def test_the_twin_a_page_that_embeds_data_carelessly_is_found_out(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is no formality: with the escaping of the data broken and no policy, the same payload does run."""
    writer = importlib.import_module("odibi_core.viewer.page")  # its function hides it in the package
    monkeypatch.setattr(writer, "_UNSAFE", {character: character for character in writer._UNSAFE})
    hostile = "</script><script>window.__pwned=1;document.documentElement.dataset.ready=1</script>"
    path = story_of(hostile, tmp_path)
    path.write_text(path.read_text("utf-8").replace("Content-Security-Policy", "x-none", 1), "utf-8")
    assert _misconduct(visit, path)["pwned"] == 1
