"""The graph of a story: its layout, its folds and paths, its search, by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import Visit
from tests.story.fixture.flights import flights, snap, step

from odibi_core.story import write_story
from odibi_core.viewer import bundle

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

LAYOUTS = """(tested) => {
  const {layout, rank, spread, topological, NODE_WIDTH: wide, NODE_HEIGHT: tall} = tested, wrong = [];
  let seed = 7;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const check = (layers, edges, acyclic) => {
    const {x, y, width, height, ways, labels} = layout(layers, edges), ranks = rank(layers, edges);
    const fail = (why) => wrong.push(`${layers.length} nodes, ${edges.length} edges: ${why}`);
    if (ways.length !== edges.length || labels.length !== edges.length) fail("an edge is missing");
    if (acyclic && edges.some(([from, to]) => ranks[from] >= ranks[to])) fail("an edge leads back");
    for (let a = 0; a < x.length; a++) {
      if (x[a] < 0 || y[a] < 0 || x[a] > width - wide || y[a] > height - tall) fail("outside");
      for (let b = 0; b < a; b++) if (Math.abs(x[a] - x[b]) < wide && Math.abs(y[a] - y[b]) < tall) fail("overlap");
    }
    return Math.max(width, height);
  };
  for (let round = 0; round < 80; round++) {
    const count = 1 + random(50), acyclic = round % 2 === 0;
    const layers = Array.from({length: count}, () => ["ingest", "transform", "publish", "own"][random(4)]);
    const pairs = Array.from({length: random(100)}, () => [random(count), random(count)]);
    const forward = pairs.filter(([a, b]) => a !== b).map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
    check(layers, acyclic ? forward : pairs, acyclic);
  }
  const chain = Array.from({length: 499}, (_, n) => [n, n + 1]), fan = chain.map(([, n]) => [0, n]);
  for (const edges of [chain, fan]) if (check(new Array(500).fill("t"), edges, true) > 15000) wrong.push("a long line");
  const places = spread([5, 4, 4, 30], [10, 10, 10]);
  if (places.some((one, n) => n && one - places[n - 1] < 10 - 1e-6) || places[3] !== 30) wrong.push("spread");
  return {
    wrong, own: rank(["transform", "ingest", "ingest", "publish"], [[1, 2]]),
    mixed: rank(["ingest", "transform", "ingest"], [[0, 1], [1, 2]]),
    cycle: topological(4, [[1, 2], [2, 3], [3, 1]]), nothing: layout([], []).width,
  };
}"""


def test_nothing_overlaps_and_edges_lead_to_the_right(visit: Visit) -> None:
    """For random graphs, cyclic ones too; layers that form an order have columns of their own."""
    script, module = bundle("layout.js")
    visit.page.goto("about:blank")
    found = visit.page.evaluate(f"() => {{ {script}\nreturn ({LAYOUTS})({module}); }}")
    assert found == {
        "wrong": [], "own": [2, 0, 1, 3], "mixed": [0, 1, 2], "cycle": [0, 1, 2, 3], "nothing": 0,
    }  # fmt: skip


def _chains(count: int) -> dict[str, Any]:
    """Return three stages over many tables; one step failed, and one lost rows."""
    steps, frame = [], snap("x", 10, "a:int64")
    stages = [("extract", "ingest", ""), ("clean", "transform", "extract"), ("publish", "publish", "clean")]
    for place, (stage, layer, before) in enumerate(stages):
        for table in range(count):
            needs = f"{before}_table_{table}" if before else ""
            began = place * 500.0 + table
            steps.append(step(f"{stage}_table_{table}", layer, began, 5, needs, after_snapshot=frame))
    change = {"dataset": "x", "kind": "filter", "rows_in": 12, "rows_out": 10, "lost": 2}
    steps[count + 1]["row_changes"] = [change]
    steps[count + 2] |= {"state": "failed", "error": "boom"}
    return {**flights(), "steps": steps, "edges": []}


def test_a_graph_of_many_steps_is_folded_filtered_and_searched(visit: Visit, tmp_path: Path) -> None:
    """1,500 steps as three groups; a group opens, a path narrows, the search finds, few elements exist at once."""
    page = visit.open(write_story(_chains(500), tmp_path / "story.html"))
    stage = page.locator(".graph-drawing")
    expect(page.locator(".node.group")).to_have_count(3)
    expect(page.locator(".node.group.is-failed")).to_contain_text("500 steps · 1 failed")
    page.get_by_role("button", name="Failed path").click()
    expect(stage).to_have_attribute("data-nodes", "2")
    expect(page.locator(".graph-shown")).to_have_text("2 of 1,500 steps")
    page.get_by_role("button", name="Lost rows").click()
    expect(page.locator(".node-name").last).to_have_text("clean_table_1")
    expect(page.locator(".lost-rows")).to_contain_text("−2")
    page.get_by_role("button", name="Everything").click()
    page.get_by_role("button", name="Layers").click()
    expect(stage).to_have_attribute("data-nodes", "3")
    page.get_by_role("button", name="All steps").click()
    expect(stage).to_have_attribute("data-nodes", "1500")
    assert page.locator(".node").count() == 0
    assert page.evaluate("document.querySelectorAll('*').length") < 8_000
    page.get_by_label("Find steps in the graph").fill("publish_table_123")
    expect(page.locator(".graph-bar .hint").first).to_have_text("1 match")
    page.get_by_role("button", name="Names").click()
    page.locator(".node.group").first.click(position={"x": 40, "y": 20})
    expect(stage).to_have_attribute("data-nodes", "502")
    assert visit.errors == []


def test_one_selection_is_shared_and_kept_in_the_address(visit: Visit, tmp_path: Path) -> None:
    """By the keyboard in the graph: its panel, the timing and the table follow; a link opens the step again."""
    page = visit.open(write_story(flights(), tmp_path / "story.html"))
    page.locator(".graph-drawing").focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    panel = page.get_by_role("complementary", name="Step")
    expect(panel.get_by_role("heading", level=2)).to_have_text("with_weather")
    expect(panel.get_by_role("heading", level=2)).to_be_focused()
    expect(page.locator(".step-row.is-chosen .step-name")).to_have_text("with_weather")
    assert page.evaluate("location.hash") == "#step=with_weather"
    assert page.locator(".node.dim").count() > 3
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator(".graph-drawing")).to_be_focused()
    page.evaluate("location.hash = '#step=clean_flights'")
    expect(panel.get_by_role("heading", level=2)).to_have_text("clean_flights")
    expect(page.locator(".gantt-row.is-chosen")).to_contain_text("clean_flights")
    page.evaluate("location.hash = '#step=%E0%A4%A'")
    assert visit.errors == []


def test_a_graph_without_a_place_is_drawn_when_it_has_one(visit: Visit, tmp_path: Path) -> None:
    """A page may be operated or printed while it is hidden, before its first layout: no view is computed of nothing."""
    visit.page.add_init_script(
        "const hidden = new CSSStyleSheet(); hidden.replaceSync('.graph-drawing {display: none}');"
        "document.adoptedStyleSheets = [hidden]"
    )
    page = visit.open(write_story(flights(), tmp_path / "story.html"))
    page.evaluate(
        """() => new Promise((done) => {
          for (const button of document.querySelectorAll(".graph-tools button")) button.click();
          dispatchEvent(new Event("beforeprint"));
          dispatchEvent(new Event("afterprint"));
          requestAnimationFrame(() => requestAnimationFrame(done));
        })"""
    )
    page.evaluate("document.adoptedStyleSheets = []")
    page.wait_for_function("() => document.querySelectorAll('.graph-nodes .node').length > 0")
    assert "NaN" not in page.locator(".graph-nodes > g").get_attribute("transform")
    assert visit.errors == []
