"""The stories of the gallery: made by the commands of docs/gallery.md, each with a picture and a link to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_SECTION = re.compile(r"(?=^## )", re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STORY = re.compile(r"--output (\w+)\.html")


def make(page: Path, examples: Path, folder: Path) -> dict[str, bool]:
    """Run the commands of the page, and write the stories into a folder.

    Returns:
        The stories by name; true for each that has a picture too, which needs a Chromium.

    Raises:
        subprocess.CalledProcessError: If a command fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for section in _SECTION.split(page.read_text(encoding="utf-8")):
        for block in _BLOCK.findall(section):
            made.update(_make_one(block, examples, folder))
    return made


def _make_one(block: str, examples: Path, folder: Path) -> dict[str, bool]:
    name = _STORY.findall(block)[-1]
    print(f"making the story {name}", flush=True)
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": search, "ODIBI_STORE__DIR": ".odibi", "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory() as work:
        Path(work, "examples").symlink_to(examples)
        for command in (block, f"odibi story --format png --output {name}.png"):
            done = subprocess.run(
                ["bash", "-eu", "-c", command], cwd=work, env=environment, check=command == block, capture_output=True
            )
        Path(work, f"{name}.html").replace(folder / f"{name}.html")
        if not done.returncode:
            Path(work, f"{name}.png").replace(folder / f"{name}.png")
        return {name: not done.returncode}


def with_links(text: str, made: dict[str, bool]) -> str:
    """Return the text of the page with the picture and the link of each story behind the commands that make it."""
    for name, pictured in made.items():
        link = f"[Open this story](../gallery/{name}.html)"
        picture = f"[![The story {name}](../gallery/{name}.png)](../gallery/{name}.html)\n\n" if pictured else ""
        block = next(block for block in _BLOCK.findall(text) if f"--output {name}.html" in block)
        text = text.replace(f"{block}```\n", f"{block}```\n\n{picture}{link}\n")
    return text
