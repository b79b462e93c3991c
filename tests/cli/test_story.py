"""`odibi story`: a page, a summary in Markdown, a picture and a PDF."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Here

from odibi_core import run
from odibi_core.cli import browser
from odibi_core.errors import StoryError


@pytest.fixture
def failed(here: Here, small: str) -> None:
    """A good run and a failed one of the pipeline `small`."""
    here("run", small, "--name", "small", "--no-story")
    here("run", f"{small}:failing", "--name", "small", "--no-story")


def test_a_summary_for_a_pull_request(here: Here, failed: None) -> None:
    """The verdict, the error with the line of the program, the changes since the last good run, and the steps."""
    shown = here("story", "small", "--format", "md", "-o", "-")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("### ❌ small failed in ")
    assert "ValueError: the amounts do not add up" in lines
    assert any(line.startswith("at ") and "small.py:" in line for line in lines)
    assert any(line.startswith("#### Changed since the last good run") for line in lines)
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert rows == ["Step", "broken", "after", "orders"], "the worst first"
    assert any("--resume" in line for line in lines)


def test_many_steps_are_twenty_rows(here: Here, tmp_path: Path) -> None:
    """The failed one first, then the longest; the others are counted."""

    def fails() -> None:
        raise ValueError("|" * 5_000)

    def step(place: int) -> object:
        made = lambda: [{"a": place}]  # noqa: E731
        made.__name__ = f"step_{place}"
        return made

    steps = [step(place) for place in range(40)]
    run([*steps, fails], store=tmp_path / "s", pipeline_name="many", raise_on_error=False)  # type: ignore[list-item]
    shown = here("story", "many", "--store", str(tmp_path / "s"), "--format", "md", "-o", "-").stdout
    rows = [line for line in shown.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 20
    assert rows[0].startswith("| fails | failed |")
    assert "and 21 more steps" in shown
    assert len(shown.encode()) <= 60_000


def test_the_suffix_selects_the_form(here: Here, failed: None) -> None:
    """A file is private, as a story is; the path is printed."""
    made = here("story", "small", "-o", "story.md")
    assert made.stdout.strip() == str(Path("story.md").absolute())
    assert Path("story.md").read_text().startswith("### ")
    assert Path("story.md").stat().st_mode & 0o777 == 0o600
    assert here("story", "small", "-o", "page").stdout.strip().endswith("/page")
    assert Path("page").read_text().startswith("<!doctype html>")


def test_a_file_that_cannot_be_written_is_code_4(here: Here, failed: None) -> None:
    """The message names the file and the reason."""
    Path("file").write_text("")
    refused = here("story", "small", "-o", "file/story.md")
    assert refused.exit_code == 4
    assert "could not be written to" in refused.stderr


def test_a_picture_is_of_the_page(here: Here, failed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser gets the same page that a file of HTML has; bytes go to stdout too."""
    pages: list[tuple[str, str]] = []

    def draw(page: str, form: str) -> bytes:
        pages.append((page, form))
        return b"\x89PNG\xff"

    monkeypatch.setattr(browser, "picture", draw)
    assert here("story", "small", "-o", "story.png").exit_code == 0
    assert Path("story.png").read_bytes() == b"\x89PNG\xff"
    assert here("story", "small", "--format", "pdf", "-o", "-").stdout_bytes == b"\x89PNG\xff"
    here("story", "small", "-o", "story.html")
    assert [form for _, form in pages] == ["png", "pdf"]
    assert len(pages[0][0]) == pytest.approx(len(Path("story.html").read_text()), abs=50)


@pytest.mark.browser
def test_a_real_browser_draws_the_whole_page_and_no_request_leaves() -> None:
    """Its scripts run, and reach nothing, not even this machine, from a page that has no policy."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        script = f"document.body.style.height = '3000px'; fetch('{address}')"
        picture = browser.picture(f"<body><img src='{address}'><script>{script}</script></body>", "png")
        width, height = (int.from_bytes(picture[place : place + 4]) for place in (16, 20))
        assert picture.startswith(b"\x89PNG")
        assert (width, height) >= (1400, 3000)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/nowhere/chrome", "CHROME_PATH must be the program of a Chromium, got '/nowhere/chrome'"),
        (sys.executable, "the browser ended without a picture"),
    ],
)
def test_a_browser_that_is_none(monkeypatch: pytest.MonkeyPatch, path: str, text: str) -> None:
    """Code 4, with a message that names it."""
    monkeypatch.setenv("CHROME_PATH", path)
    with pytest.raises(StoryError, match=text):
        browser.picture("<p>", "png")


def test_without_a_browser_the_message_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the variable that names another program."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CHROME_PATH", raising=False)
    with pytest.raises(StoryError, match="install the package `chromium`, or set CHROME_PATH"):
        browser.picture("<p>", "pdf")
