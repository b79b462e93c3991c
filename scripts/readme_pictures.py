"""The pictures of the README, from runs over the real flights: `python scripts/readme_pictures.py [FOLDER]`.

Record runs with paths below a folder, serve their history, and write `docs/images/*.webp` by Chromium: all pipelines,
the story of the run that lost the weather of two airports, and its comparison with the last good run. A folder that is
named is kept, and used again without recording. Needs the extra `demo`, Playwright and Chromium. Look at the pictures
before they are committed: none may show a path or a user.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from loopback_server import served

ROOT: Final = Path(__file__).resolve().parent.parent
WIDTH: Final = 1180
SCALE: Final = 1.5
MOST_BYTES: Final = 100_000
PICTURES: Final = {
    "fleet": ("/", 360),
    "story": ("/runs/lost_weather", 785),
    "compare": ("/compare?run=lost_weather", 620),
}
"""The address of each picture, and its height in CSS pixels."""
TO_WEBP: Final = """async ([png, quality]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""


def record(folder: Path) -> None:
    """Record eight weeks of daily runs, the year of flights, and the loss of the weather of two airports."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    odibi, lost = ["-m", "odibi_core"], "examples/lost_weather.py"
    commands = [
        [*odibi, "demo"], [*odibi, "demo", "--days", "56"],
        [lost], *[[*odibi, "run", lost]] * 3, [lost, "EWR"], [*odibi, "run", lost],
    ]  # fmt: skip
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    for command in commands:
        subprocess.run(
            [sys.executable, *command], cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def encoded(page: Any, png: bytes) -> bytes:
    """Return a picture as WebP of at most `MOST_BYTES`, as good as that permits."""
    for quality in (0.95, 0.9, 0.85, 0.8, 0.7, 0.6):
        found = base64.b64decode(page.evaluate(TO_WEBP, [base64.b64encode(png).decode(), quality]))
        if len(found) <= MOST_BYTES:
            return found
    raise SystemExit(f"the picture has {len(found):,} bytes, at most {MOST_BYTES:,} are right: make it smaller")


def main(named: Path | None) -> None:
    """Write the pictures."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = named or Path(name)
        if not (folder / ".odibi").exists():
            record(folder)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 900}, device_scale_factor=SCALE, color_scheme="light"
        )
        with served(folder / ".odibi") as address:
            for picture, (path, height) in PICTURES.items():
                page.goto(address + path)
                page.wait_for_selector("html[data-ready]")
                page.wait_for_timeout(500)
                shot = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": height}, full_page=True)
                target = ROOT / "docs" / "images" / f"{picture}.webp"
                target.write_bytes(encoded(page, shot))
                print(f"{target.relative_to(ROOT)}: {target.stat().st_size:,} bytes")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
