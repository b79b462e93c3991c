"""A hook that removes old log files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.events import kinds
from odibi_core.events.clock import epoch_ns

_log = logging.getLogger("odibi_core")
_DAY_S: Final = 86_400
_YOUNG_S: Final = 600
"""A file written to within ten minutes may belong to a run that is going on: it stays, whatever the limits say."""


class LogRotationHook:
    """Removes the `*.jsonl` files of `log_dir` that are too old, then the oldest until few and small enough are left.

    Registered for `pipeline_complete` it hears `pipeline_error` too. Files of other names are never touched.
    """

    __name__ = "log_rotation"
    hears_also = (kinds.PIPELINE_ERROR,)

    def __init__(
        self,
        log_dir: str | Path,
        max_age_days: float | None,
        max_total_mb: float | None,
        max_files: int | None,
    ) -> None:
        for name, limit in (
            ("max_age_days", max_age_days),
            ("max_total_mb", max_total_mb),
            ("max_files", max_files),
        ):
            if limit is not None and limit < 0:
                raise ConfigurationError(f"{name} must be 0 or more, or None for no limit; given was {limit}")
        self.log_dir = Path(log_dir)
        self.max_age_days = max_age_days
        self.max_total_mb = max_total_mb
        self.max_files = max_files
        self.removed: list[Path] = []

    def __call__(self, event: dict[str, Any]) -> None:
        for path in list(self._too_many()):
            try:
                path.unlink()
                self.removed.append(path)
            except OSError as error:
                _log.warning("the old log file %s could not be removed: %s", path, error)

    def _too_many(self) -> Iterator[Path]:
        now = epoch_ns() / 1e9
        files = sorted(
            (path.stat().st_mtime, path.stat().st_size, path) for path in self.log_dir.glob("*.jsonl")
        )
        left, size = len(files), sum(row[1] for row in files)
        for written, length, path in files:
            age_s = now - written
            too_old = self.max_age_days is not None and age_s > self.max_age_days * _DAY_S
            too_many = self.max_files is not None and left > self.max_files
            too_large = self.max_total_mb is not None and size > self.max_total_mb * 2**20
            if age_s > _YOUNG_S and (too_old or too_many or too_large):
                left, size = left - 1, size - length
                yield path


def create_log_rotation_hook(
    log_dir: str | Path,
    max_age_days: float | None = 30,
    *,
    max_total_mb: float | None = None,
    max_files: int | None = None,
) -> LogRotationHook:
    """`bus.register_hook("pipeline_complete", create_log_rotation_hook("logs", max_age_days=30))`."""
    return LogRotationHook(log_dir, max_age_days, max_total_mb, max_files)
