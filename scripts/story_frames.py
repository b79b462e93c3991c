"""Frames per second of the graph of a story in Chromium, while it is dragged, zoomed and scrolled.

`python scripts/story_frames.py [STEPS ...]` writes stories of that many steps, opens each, moves its graph for two
seconds in each way, folded and with all steps, and prints the frames by `requestAnimationFrame`.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from odibi_core.story import write_story

STAGES = {"extract": "ingest", "clean": "transform", "conform": "transform", "merge": "transform", "publish": "publish"}
MOVE = """async (way) => {
  const stage = document.querySelector('.graph-drawing'), box = stage.getBoundingClientRect();
  const fire = (type, x, y) => stage.dispatchEvent(new PointerEvent(type, {
    bubbles: true, clientX: box.left + x, clientY: box.top + y, button: 0, buttons: 1, pointerId: 1}));
  stage.setPointerCapture = () => {};
  if (way === 'drag') fire('pointerdown', 600, 200);
  const begin = performance.now();
  let frames = 0, last = begin, worst = 0;
  while (performance.now() - begin < 2000) {
    await new Promise((drawn) => requestAnimationFrame(drawn));
    const now = performance.now();
    [worst, last, frames] = [Math.max(worst, now - last), now, frames + 1];
    if (way === 'drag') fire('pointermove', 600 + 200 * Math.sin(frames / 15), 200 + 100 * Math.cos(frames / 20));
    else if (way === 'zoom') stage.dispatchEvent(new WheelEvent('wheel', {bubbles: true, cancelable: true,
      ctrlKey: true, deltaY: Math.floor(frames / 30) % 2 ? 12 : -12, clientX: box.left + 600, clientY: box.top + 200}));
    else scrollTo(0, 200 + 200 * Math.sin(frames / 20));
  }
  if (way === 'drag') fire('pointerup', 600, 200);
  scrollTo(0, 0);
  return [frames / ((performance.now() - begin) / 1000), worst];
}"""


def lineage(count: int) -> dict[str, Any]:
    """Return a run of five stages over many tables."""
    numbers = random.Random(1)
    begin, steps = datetime(2026, 11, 20, 4, tzinfo=UTC), []
    for place, (stage, layer) in enumerate(STAGES.items()):
        for table in range(max(1, count // len(STAGES))):
            needs = [f"{list(STAGES)[place - 1]}_table_{table}"] if place else []
            start, took = begin + timedelta(milliseconds=9_000 * place + table), numbers.expovariate(1 / 900)
            steps.append(
                {
                    "step_name": f"{stage}_table_{table}", "layer": layer, "state": "success", "depends_on": needs,
                    "inputs": {name: name for name in needs}, "outputs": {"out": f"{stage}_table_{table}"},
                    "start_time": start.isoformat(), "duration_ms": took, "row_count": numbers.randrange(1_000_000),
                }
            )  # fmt: skip
    return {"pipeline_name": f"{count} steps", "status": "success", "steps": steps}


def main(counts: list[int]) -> None:
    """Print the frames per second for stories of these numbers of steps."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for count in counts:
            path = write_story(lineage(count), Path(folder) / f"{count}.html")
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]")
            for fold in ("Names", "All steps"):
                page.get_by_role("button", name=fold).click()
                page.get_by_role("button", name="Show the whole graph").click()
                for way in ("drag", "zoom", "scroll"):
                    page.wait_for_timeout(300)
                    rate, worst = page.evaluate(MOVE, way)
                    nodes = page.locator(".graph-drawing").get_attribute("data-nodes")
                    print(f"{count:>6} steps, {nodes:>5} nodes, {way:<6} {rate:5.1f} frames/s, worst {worst:4.0f} ms")
            page.close()
        browser.close()


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [300, 2_000, 10_000])
