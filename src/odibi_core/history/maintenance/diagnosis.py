"""The diagnosis of a store: what an interruption, a full disk or another program left, and what can be mended."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from odibi_core.errors import StoreError
from odibi_core.events.clock import utc_now
from odibi_core.history import leftovers
from odibi_core.history.compaction import GRACE_S
from odibi_core.history.database.after_runs import read_note as read_export_note
from odibi_core.history.ended import closing_event
from odibi_core.history.last_compaction import read_note
from odibi_core.history.maintenance.findings import DELETE, REBUILD, Findings
from odibi_core.history.maintenance.rebuilding import rebuild_index
from odibi_core.history.maintenance.status import set_aside
from odibi_core.history.maintenance.verification import size_problem
from odibi_core.history.pruning import TRASH, discard, empty_trash, free_bytes, orphans
from odibi_core.history.retention import Limits, size
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore, start_of
from odibi_core.views.wording import plural

LITTLE_FREE: Final = 10**9
MANY_HOT: Final = 1_000
_FUTURE: Final = timedelta(minutes=5)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_FIX: Final = "odibi doctor --fix"


def diagnose(store: RunStore, limits: Limits, mode: int, *, fix: bool = False) -> Findings:
    """Return what is wrong with a store. With `fix`, what can be mended without loss is mended.

    Args:
        store: The store.
        limits: Its limits of retention.
        mode: The mode of its files by the settings.
        fix: Mend.

    Raises:
        StoreError: With `fix`, if the store cannot be changed.
    """
    findings = Findings()
    if not store.root.is_dir():
        findings.add("store", "warning", f"there is no store in {store.root}", "odibi demo records a run")
        return findings
    findings.add("store", "ok", f"{store.root}: {plural(len(store.ids()), 'run')}")
    checks: tuple[Callable[[_Diagnosis], None], ...] = (
        _Diagnosis.version, _Diagnosis.access, _Diagnosis.lock, _Diagnosis.interruptions, _Diagnosis.lost_runs,
        _Diagnosis.damage, _Diagnosis.index, _Diagnosis.compaction, _Diagnosis.disk, _Diagnosis.clock,
        _Diagnosis.other_stores,
    )  # fmt: skip
    diagnosis = _Diagnosis(store, limits, mode, fix, findings)
    for check in checks:
        try:
            check(diagnosis)
        except StoreError as error:
            findings.add(check.__name__, "problem", str(error))
        except OSError as error:
            findings.not_checked.append(f"{check.__name__.replace('_', ' ')}: {error}")
    return findings


class _Diagnosis:
    """The checks of a store, each of which adds its findings."""

    def __init__(self, store: RunStore, limits: Limits, mode: int, fix: bool, findings: Findings) -> None:
        self.store, self.root, self.limits, self.mode = store, store.root, limits, mode
        self.fix = fix
        self.add = findings.add
        self.not_checked = findings.not_checked

    def version(self) -> None:
        """Find a store of a newer version, which must not be changed."""
        if self.store.cold.is_newer:
            self.fix = False
            message = "a newer version of odibi-core wrote to it: it is read, and not changed"
            self.add("version", "warning", message, "update odibi-core")

    def access(self) -> None:
        """Check that the folder can be written, and is closed to users that the settings do not name."""
        if _is_read_only(self.root):
            self.add("access", "warning", f"{self.root} is read-only: it is read, and no run can be recorded in it")
            return
        allowed = self.mode | (self.mode & 0o444) >> 2
        for name in ("", "runs", "tables", "manifests", "sources", "notes"):
            path = self.root / name
            mode = stat.S_IMODE(path.stat().st_mode) if path.is_dir() else 0
            excess = mode & _OTHERS & ~allowed
            if excess and self.fix:
                path.chmod(mode & ~excess)
                self.add("access", "mended", f"{path} is closed to users that file_mode does not name")
            elif excess:
                message = f"{path} is open to more users than file_mode {self.mode:o} names"
                self.add("access", "warning", message, _FIX)

    def lock(self) -> None:
        """Report a process that holds the lock; the kernel frees that of one that dies, so it is never stale."""
        if not os.access(self.root, os.W_OK) or not (self.root / "compact.lock").exists():
            return
        with exclusive(self.root) as is_locked:
            if not is_locked:
                self.add("lock", "ok", "another process compacts or prunes it just now")

    def interruptions(self) -> None:
        """Find the files of an interrupted compaction, pruning or move."""
        marks = list(self.root.glob("manifests/*.tmp"))
        trash = list((self.root / TRASH).iterdir()) if (self.root / TRASH).is_dir() else []
        left = len(orphans(self.store))
        found = [
            f"an interrupted compaction: {len(marks):,} begun" if marks else "",
            f"an interrupted pruning: {len(trash):,} in the trash" if trash else "",
            f"an interrupted pruning: exports without a run, {left:,}" if left else "",
        ]
        self._mend_interruptions(list(filter(None, found)))
        for beside in (f"{self.root.name}.moved", f"{self.root.name}.moving"):
            if (self.root.parent / beside).exists():
                message = f"{self.root.parent / beside} is left of an interrupted move"
                self.add("interruptions", "warning", message, "call odibi store move again")

    def _mend_interruptions(self, found: list[str]) -> None:
        if not found:
            return
        if not self.fix:
            for what in found:
                self.add("interruptions", "warning", what, _FIX)
            return
        with exclusive(self.root) as is_locked:
            if not is_locked:
                self.not_checked.append("interruptions: another process works on the store")
                return
            leftovers.clear(self.store, GRACE_S)
            for folder in orphans(self.store):
                discard(self.root, folder)
            empty_trash(self.root)
        for what in found:
            self.add("interruptions", "mended", what)

    def lost_runs(self) -> None:
        """Find the runs whose process died before their end."""
        store = self.store
        open_ = [run_id for run_id in store.hot_ids() if not any(map(closing_event, store.segments(run_id)))]
        lost = [run_id for run_id in open_ if store.is_lost(run_id)]
        if not lost:
            return
        names = ", ".join(lost[-3:])
        if self.fix:
            count = sum(self.store.detect_lost(run_id) for run_id in lost)
            self.add("lost runs", "mended", f"{count:,} runs whose process died are marked as lost: {names}")
        else:
            self.add("lost runs", "warning", f"{len(lost):,} runs have no process and no end: {names}", _FIX)

    def damage(self) -> None:
        """List the files that could not be read, or were set aside."""
        for manifest in self.store.cold.manifests():
            for table, entry in manifest.files.items():
                if problem := size_problem(self.root / entry.path, entry):
                    self.add("damage", "problem", f"batch {manifest.batch}, table {table}: {problem}", REBUILD)
        for problem in self.store.cold.problems:
            if "newer version" not in problem:
                self.add("damage", "problem", problem, REBUILD)
        self.not_checked.append("the content of the files: odibi store verify reads them all")
        aside = set_aside(self.root)
        if aside:
            names = ", ".join(str(path.relative_to(self.root)) for path in aside[:5])
            message = f"{plural(len(aside), 'damaged file')} set aside: {names}"
            self.add("damage", "warning", message, DELETE)

    def index(self) -> None:
        """Check the index: a cache, so one that cannot be read is built anew."""
        import sqlite3

        path = self.root / "index.sqlite"
        if not path.is_file():
            return
        try:
            connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0)
            try:
                answer = connection.execute("pragma quick_check(1)").fetchone()
            finally:
                connection.close()
            problem = "" if answer == ("ok",) else str(answer[0] if answer else "no answer")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                self.not_checked.append(f"index: {error}")
                return
            problem = str(error)
        except (sqlite3.DatabaseError, UnicodeError) as error:
            problem = str(error)
        if not problem:
            return
        if self.fix:
            number = rebuild_index(self.store)
            self.add("index", "mended", f"the index was damaged ({problem}): {number:,} runs are in a new one")
        else:
            message = f"the index is damaged ({problem}); the next command that needs it builds it anew"
            self.add("index", "warning", message, _FIX)

    def compaction(self) -> None:
        """Report a failed compaction, and many runs that wait for one."""
        note, hot = read_note(self.root), len(self.store.hot_ids())
        if note is not None and note.error:
            self.add("compaction", "problem", f"the last compaction failed: {note.error}", "odibi store compact")
        exported = read_export_note(self.root)
        if exported is not None and exported.error:
            reason = f"the last export to the database failed: {exported.error}"
            self.add("export", "problem", reason, "odibi store export, or odibi connect postgres --check")
        elif hot > MANY_HOT:
            self.add("compaction", "warning", f"{hot:,} runs are in no batch yet", "odibi store compact")

    def disk(self) -> None:
        """Check the free space of the disk, also against the limit of the settings."""
        free, wanted = free_bytes(self.root), max(LITTLE_FREE, self.limits.min_free_bytes)
        if free is None:
            self.not_checked.append("disk: its free space is unknown")
        elif free < wanted:
            self.add("disk", "warning", f"{size(free)} of the disk are free", "odibi store prune, or another disk")

    def clock(self) -> None:
        """Find runs of the future: the clock was set back, or that of another host is wrong."""
        latest = utc_now() + _FUTURE
        ids = [run_id for run_id in self.store.ids() if (moment := start_of(run_id)) and moment > latest]
        if ids:
            message = f"{len(ids):,} runs began in the future, by a clock that jumped: {', '.join(ids[-3:])}"
            self.add("clock", "warning", message, "set the clock; their durations are right")

    def other_stores(self) -> None:
        """Name the stores in the folders above, into which runs of other working directories go."""
        for folder in self.root.parent.parents:
            other = folder / self.root.name
            if other.is_dir() and (other / "runs").is_dir():
                self.add("other stores", "ok", f"there is another store in {other}")


def _is_read_only(root: Path) -> bool:
    if not os.access(root, os.W_OK):
        return True
    return hasattr(os, "statvfs") and bool(os.statvfs(root).f_flag & os.ST_RDONLY)
