"""The results of an examination of a store: what was found, what was mended, and what was not checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

REBUILD: Final = "odibi store rebuild restores what it can"
"""The fix of damaged files."""
DELETE: Final = "odibi store rebuild, then delete it"
"""The fix of files that were set aside."""
Severity = Literal["ok", "mended", "warning", "problem"]
Progress = Callable[[str], object]
"""Called with the name of the part that begins."""


def no_progress(part: str) -> None:
    """Continue without a report."""


class Finding(msgspec.Struct, frozen=True):
    """A fact about a store. `fix` is what a person can do, or what `odibi doctor --fix` does."""

    check: str
    severity: Severity
    message: str
    fix: str | None = None


class Findings(msgspec.Struct):
    """The findings of one examination."""

    found: list[Finding] = []
    not_checked: list[str] = []
    """Sentences on what was not examined, each with the reason."""

    def add(self, check: str, severity: Severity, message: str, fix: str | None = None) -> None:
        """Add a finding."""
        self.found.append(Finding(check, severity, message, fix))

    @property
    def is_sound(self) -> bool:
        """True if no problem is left."""
        return not any(finding.severity == "problem" for finding in self.found)
