"""The traceback of an event, parsed: its exceptions and their frames.

The text is the record. A fingerprint and Sentry parse it, so they work for a past run and another process too.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

TRACEBACK: Final = "Traceback (most recent call last):\n"
LED_TO: Final = "\nwhich led to:\n\n"
"""The texts before each exception of a chain, and between them, as `events.failure` writes them."""
_FRAME: Final = re.compile(r'  File "([^"\n]{1,4096})", line (\d{1,9}), in ([^\n]{1,1000})')
_NOT_IN_APP: Final = re.compile(
    r"[\\/](?:site|dist)-packages[\\/]|[\\/]lib[\\/]python\d|^<frozen |[\\/]odibi_core[\\/](?!_examples[\\/])"
)
_ROOTS: Final = re.compile(r".*[\\/](?:(?:site|dist)-packages|lib[\\/]python[\d.]++)[\\/]", re.DOTALL)
"""Matched at the beginning only: a search takes time that grows with the square."""


class Frame(msgspec.Struct, frozen=True):
    """One line of a stack."""

    path: str
    line: int
    function: str
    code: str = ""

    @property
    def in_app(self) -> bool:
        """True for the program's own code: not of an installed library, of Python or of odibi."""
        return _NOT_IN_APP.search(self.path) is None

    @property
    def file(self) -> str:
        """The base name of the file."""
        return re.split(r"[\\/]", self.path)[-1]

    @property
    def short_path(self) -> str:
        """The path below the folder of installed packages; for the program's own code, its file and folder."""
        root = _ROOTS.match(self.path)
        return self.path[root.end() :] if root else "/".join(re.split(r"[\\/]", self.path)[-2:])


class Raised(msgspec.Struct, frozen=True):
    """One exception of a chain, with its frames from the outermost to the innermost."""

    error_type: str
    message: str
    frames: list[Frame]


def read_trace(written: Any) -> list[Raised]:
    """Return the exceptions of a `traceback` field, the original cause first; none for another text."""
    if not isinstance(written, str):
        return []
    parts = written.split(f"{LED_TO}{TRACEBACK}")
    return [_raised(part.removeprefix(TRACEBACK)) for part in parts if part.strip()]


def _raised(written: str) -> Raised:
    """Parse one exception: its frames are indented, the first other line begins its message."""
    lines = written.splitlines()
    frames: list[Frame] = []
    place = 0
    for place, line in enumerate(lines):
        if not line.startswith("  "):
            break
        found = _FRAME.fullmatch(line)
        if found:
            below = lines[place + 1] if place + 1 < len(lines) else ""
            code = below.strip() if below.startswith("    ") else ""
            frames.append(Frame(found[1], int(found[2]), found[3], code))
    error_type, _, message = "\n".join(lines[place:]).partition(": ")
    return Raised(error_type, message, frames)
