"""A real Chromium, once a module; each test gets a page of its own that writes down what it should not do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass
class Visit:
    """A page, and what it did: errors in its scripts, dialogs it opened, requests beyond its own file."""

    page: Any
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    own: str = ""

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self._note(request.url))

    def open(self, path: Path) -> Any:
        """Open a file as a reader does, and wait until it is drawn."""
        self.own = path.as_uri()
        self.page.goto(self.own)
        self.page.wait_for_selector("html[data-ready]")
        return self.page

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def forget(self) -> None:
        """Forget the conduct of the pages before the next one."""
        for conduct in (self.errors, self.dialogs, self.requests):
            conduct.clear()

    def _note(self, url: str) -> None:
        if url.partition("#")[0] != self.own:
            self.requests.append(url)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, or a skip where there is none.

    Not for the whole session: while Playwright is open an event loop runs in this thread, and other tests of the
    same worker could not begin one of their own.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    api = pytest.importorskip("playwright.sync_api")
    if program is None:
        pytest.skip("no Chromium on this machine")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    """A fresh page of 1280 × 900, in the light scheme, with its conduct on record."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield Visit(context.new_page())
    context.close()
