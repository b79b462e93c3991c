"""The checksums of both halves: the operations, the truths as they are written, and the rows that they select."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.insight.case import HALVES, Half, Trial

HOME: Final = Path(__file__).resolve().parent
FILE: Final = HOME / "frozen.json"


def files_of(half: Half) -> dict[str, str]:
    """Return the checksum of each file of a half."""
    return {path.name: _digest(path.read_bytes()) for path in sorted((HOME / half).glob("*.py"))}


def rows_of(trial: Trial) -> str:
    """Return the checksum of the true rows of a trial."""
    truth = trial.truth
    parts: list[Any] = [truth.lost.tolist(), sorted(truth.copies.items())]
    parts += [[name, rows.tolist()] for name, rows in sorted(truth.unmatched.items())]
    return _digest(json.dumps(parts, default=_plain).encode())


def _plain(value: Any) -> int:
    if isinstance(value, np.integer):
        return int(value)
    raise TypeError(type(value).__name__)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:20]


def recorded() -> dict[str, Any]:
    """Return the checksums that were recorded when the halves were frozen."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def differences(half: Half, trials: Iterable[Trial] = ()) -> list[str]:
    """Return the files and trials of a half that are not as they were frozen."""
    frozen = recorded()[half]
    now = files_of(half)
    found = sorted(name for name in frozen["files"].keys() | now.keys() if frozen["files"].get(name) != now.get(name))
    return found + [each.name for each in trials if frozen["rows"].get(each.name) != rows_of(each)]


def freeze(trials: dict[Half, list[Trial]]) -> None:
    """Write the checksums of both halves."""
    data = {
        half: {"files": files_of(half), "rows": {each.name: rows_of(each) for each in trials[half]}} for half in HALVES
    }
    FILE.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
