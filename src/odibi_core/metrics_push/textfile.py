"""`TextfileReceiver`: the metrics of runs as files for node_exporter's textfile collector."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.delivery import SENT, Outcome, try_again
from odibi_core.exporters.prometheus_names import escaped
from odibi_core.metrics_push.run_metrics import RunText, with_pipeline
from odibi_core.store.segments import safe_name

_READABLE: Final = 0o644
"""The mode of a file: node_exporter has a user of its own."""
_KEPT: Final = "odibi_pipeline_last_success_timestamp_seconds"


class TextfileReceiver:
    """A receiver of the metrics of runs, with one file for each pipeline, which is replaced in one step.

    Each sample has the label `pipeline`, because the collector refuses two files with the same series. The time of the
    last success stays in the file of a run that failed.

    Args:
        folder: The folder that the collector reads.
        setting: The setting that has the folder, for messages.
    """

    def __init__(self, folder: Path, *, setting: str = "ODIBI_METRICS__TEXTFILE") -> None:
        self._folder = folder
        self._setting = setting

    def send(self, batch: Sequence[RunText], within_s: float) -> Outcome:
        """Write the files of a batch."""
        try:
            for run in batch:
                self._write(run)
        except OSError as error:
            problem = error.strerror or error
            return try_again("not_written", f"{self._folder} cannot be written ({problem}); check {self._setting}")
        return SENT

    def path_of(self, pipeline: str) -> Path:
        """Return the file of a pipeline."""
        return self._folder / f"odibi_{safe_name(pipeline, 100)}.prom"

    def _write(self, run: RunText) -> None:
        path = self.path_of(run.pipeline)
        found = with_pipeline(run.text, f'pipeline="{escaped(run.pipeline)}"')
        if f"\n{_KEPT}" not in found:
            found += "".join(f"{line}\n" for line in _kept_lines(path))
        with private_files.replacing(path) as draft:
            draft.write_text(found, encoding="utf-8")
            os.chmod(draft, _READABLE)


def _kept_lines(path: Path) -> list[str]:
    """Return the lines of the last success in the file of an earlier run."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        return []
    return [line for line in lines if line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(_KEPT)]
