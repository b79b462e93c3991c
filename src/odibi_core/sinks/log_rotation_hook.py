"""A hook that removes old log files."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.events import kinds, sanitize_value
from odibi_core.events.clock import epoch_ns

_log = logging.getLogger("odibi_core")
_DAY_S: Final = 86_400
_YOUNG_S: Final = 600
"""The age and size limits spare a file written within ten minutes: it may belong to a run in progress."""


class LogRotationHook:
    """Hook that removes the `*.jsonl` files of `log_dir` that are too old or too many, oldest first.

    Registered for `pipeline_complete`, it also handles `pipeline_error`. Files of other names are never touched.
    """

    __name__ = "log_rotation"
    also_handles = (kinds.PIPELINE_ERROR,)

    def __init__(
        self,
        log_dir: str | Path,
        max_files: int | None = None,
        max_age_days: float | None = 30,
        *,
        max_total_mb: float | None = None,
    ) -> None:
        for name, limit in (("max_age_days", max_age_days), ("max_total_mb", max_total_mb), ("max_files", max_files)):
            if limit is not None and not _is_limit(limit):
                raise ConfigurationError(
                    f"{name} must be a number of at least 0, or None for no limit; got {sanitize_value(limit)!r:.200}"
                )
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
        files = sorted(_stamped(self.log_dir.glob("*.jsonl")))
        left, size = len(files), sum(row[2] for row in files)
        for written, _, length, path in files:
            age_s = now - written
            too_many = self.max_files is not None and left > self.max_files
            too_old = self.max_age_days is not None and age_s > self.max_age_days * _DAY_S
            too_large = self.max_total_mb is not None and size > self.max_total_mb * 2**20
            if too_many or ((too_old or too_large) and age_s > _YOUNG_S):
                left, size = left - 1, size - length
                yield path


def _is_limit(limit: object) -> bool:
    return isinstance(limit, int | float) and not isinstance(limit, bool) and limit >= 0


def _stamped(paths: Iterable[Path]) -> Iterator[tuple[float, str, int, Path]]:
    """Yield time, name and size of each file that still exists; the name orders files of the same time."""
    for path in paths:
        try:
            stat = path.stat()
        except OSError:  # removed by another process in between
            continue
        yield stat.st_mtime, path.name, stat.st_size, path


create_log_rotation_hook = LogRotationHook
