"""A picture of a page by an installed Chromium, driven through pipes; no request leaves the machine."""

from __future__ import annotations

import base64
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Literal, Self

import msgspec

from odibi_core.errors import StoryError
from odibi_core.events.clock import monotonic
from odibi_core.settings import environment_value

_NAMES: Final = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)  # fmt: skip
_ARGUMENTS: Final = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-dev-shm-usage", "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # the browser itself asks other hosts too
)  # fmt: skip
_LAUNCH: Final = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
"""The browser reads its commands from descriptor 3 and writes its answers to 4."""
_ABOVE: Final = 10
_WITHIN_S: Final = 60.0
_WIDTH: Final = 1400
_HEIGHT: Final = 900
_TALLEST: Final = 12_000
"""Pixels; a longer page is cut, because a browser draws no more than 16,384."""
_CHUNK: Final = 1 << 16


def picture(page: str, form: Literal["png", "pdf"] | str) -> bytes:
    """Return a page as a PNG of its whole length, or as a PDF.

    Args:
        page: The text of the HTML file, which loads nothing.
        form: `png` or `pdf`.

    Raises:
        StoryError: There is no browser, or it gave no picture within a minute.
    """
    if os.name != "posix":
        raise StoryError(f"{form} needs a POSIX system; write html, and print it from a browser")
    path = _path_of_browser(form)
    made = TemporaryDirectory(prefix="odibi-browser-", ignore_cleanup_errors=True)
    with made as folder, _Browser(path, folder) as browser:
        return _drawn(browser, page, form)


def _path_of_browser(form: str) -> str:
    named = environment_value("CHROME_PATH")
    if named:
        if found := shutil.which(named):
            return found
        raise StoryError(f"CHROME_PATH must be the program of a Chromium, got {named!r}, which cannot be run")
    if found := next(filter(None, map(shutil.which, _NAMES)), None):
        return found
    raise StoryError(
        f"{form} needs an installed Chromium, Chrome or Edge, and none was found; install the package `chromium`, "
        "or set CHROME_PATH to its program"
    )


def _drawn(browser: _Browser, page: str, form: str) -> bytes:
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    frame = browser.ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
    size = {"width": _WIDTH, "height": _HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.ask("Emulation.setDeviceMetricsOverride", **size)
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    browser.ask("Page.setDocumentContent", frameId=frame, html=page)
    drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    browser.ask("Runtime.evaluate", expression=drawn, awaitPromise=True)
    if form == "pdf":
        paper = {"landscape": True, "printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69}
        return base64.b64decode(browser.ask("Page.printToPDF", **paper)["data"])
    whole = browser.ask("Page.getLayoutMetrics")["cssContentSize"]["height"]
    clip = {"x": 0, "y": 0, "width": _WIDTH, "height": min(max(whole, 1), _TALLEST), "scale": 1}
    shot = browser.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    return base64.b64decode(shot["data"])


class _Browser:
    """A browser without a window, which answers commands of the Chrome DevTools Protocol."""

    def __init__(self, path: str, folder: str) -> None:
        self.session: str | None = None
        self._number, self._rest = 0, b""
        self._until = monotonic() + _WITHIN_S
        theirs_in, self._commands = os.pipe()
        self._answers, theirs_out = os.pipe()
        ends = [_above(theirs_in), _above(theirs_out)]
        # As root, Chromium starts without its sandbox only; the page is made here, and may load and run nothing else.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = [path, *_ARGUMENTS, *sandbox, f"--user-data-dir={Path(folder) / 'profile'}", "about:blank"]
        try:
            self._log = (Path(folder) / "log").open("w+b")
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, *map(str, ends), *browser],
                pass_fds=ends, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log,
            )  # fmt: skip
        finally:
            for end in ends:
                os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._commands, self._answers):
            os.close(end)
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer of a command.

        Raises:
            StoryError: The browser refused it, ended, or gave no answer in time.
        """
        self._number += 1
        session = {} if self.session is None else {"sessionId": self.session}
        self._send(msgspec.json.encode({"id": self._number, "method": method, "params": params, **session}) + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass  # an event, which nothing here waits for
        if "error" in answer:
            raise StoryError(f"the browser refused {method}: {answer['error'].get('message')}; write html instead")
        found: dict[str, Any] = answer["result"]
        return found

    def _send(self, message: bytes) -> None:
        view = memoryview(message)
        try:
            while view:
                view = view[os.write(self._commands, view) :]
        except BrokenPipeError:
            raise StoryError(self._ended()) from None

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, self._until - monotonic()))
            if not ready:
                raise StoryError(f"the browser gave no picture within {_WITHIN_S:.0f} s; write html instead")
            chunk = os.read(self._answers, _CHUNK)
            if not chunk:
                raise StoryError(self._ended())
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = msgspec.json.decode(message)
        return found

    def _ended(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return f"the browser ended without a picture{f': {lines[-1][:300]}' if lines else ''}; write html instead"


def _above(end: int) -> int:
    """Return a copy of a descriptor that the two of the browser do not overwrite."""
    import fcntl

    copy: int = fcntl.fcntl(end, fcntl.F_DUPFD, _ABOVE)
    os.close(end)
    return copy
