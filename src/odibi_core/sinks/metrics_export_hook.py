"""A hook that writes the metrics of a run to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from odibi_core import private_files
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import kinds
from odibi_core.events.clock import new_id, utc_now
from odibi_core.plugins import load

FORMATS: Final = ("json", "prometheus", "parquet", "openmetrics", "report")
DEFAULT_FORMATS: Final = ("json", "prometheus")


class MetricsExportHook:
    """Hook that writes `metrics_<YYYYmmdd_HHMMSS>.<ext>` to `export_dir` for each format, atomically.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.
    """

    __name__ = "metrics_export"
    also_handles = (kinds.PIPELINE_ERROR,)

    def __init__(self, export_dir: str | Path, formats: Sequence[str] | None = None) -> None:
        formats = DEFAULT_FORMATS if formats is None else [formats] if isinstance(formats, str) else formats
        for name in formats:
            if name not in FORMATS:
                raise ConfigurationError(
                    f"a format of metrics must be one of {', '.join(FORMATS)}, got {name!r}{nearest(name, FORMATS)}"
                )
        self.export_dir = Path(export_dir)
        self.formats = tuple(formats)
        self.written: list[Path] = []

    def __call__(self, event: dict[str, Any]) -> None:
        metrics = event.get("metrics_manager")
        if metrics is None:
            return
        stem = f"metrics_{utc_now():%Y%m%d_%H%M%S}"
        if any(self.export_dir.glob(f"{stem}.*")):
            stem = f"{stem}_{new_id(4)}"
        for name in self.formats:
            path = self.export_dir / f"{stem}{load('exporters', name).suffix}"
            self.written.append(private_files.write_atomic(path, metrics.export(name)))


create_metrics_export_hook = MetricsExportHook
