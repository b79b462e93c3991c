"""`FileEvents`: the events of the files that a run reads and writes, bounded for each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakSet

from odibi_core import _fork
from odibi_core.engines import access_facts, file_watch
from odibi_core.engines.file_readers import Opener, argument
from odibi_core.engines.frame import row_count
from odibi_core.errors import STOPS
from odibi_core.events import context, kinds
from odibi_core.pipeline import Step
from odibi_core.process_end import before_child_ends

if TYPE_CHECKING:
    from odibi_core.engines.file_access import FileAccess

MAX_EVENTS: Final = 300
"""Events of one step in one process; further files are counted, and stated in an event for each access at the end."""


class FileBus(Protocol):
    """Takes the events of files, as an event bus does."""

    def publish(self, kind: str, message: str | None = None, *, fields: dict[str, Any]) -> object: ...


class FileEvents:
    """Publishes a `file_access` event for each file that a run reads or writes, from `open` to `close`.

    The step is that of the context. A file that is opened outside of every context belongs to the run that is open, if
    there is only one.
    """

    def __init__(self, bus: FileBus, run_id: str, *, ask: bool = False) -> None:
        self._bus = bus
        self._run_id = run_id
        self.ask = ask
        self.before: Callable[[str], object] | None = None
        """Called with the access before files are published: the node may begin with them."""
        self._published: Counter[str | None] = Counter()
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Fork: another thread of the parent may hold the lock, and the parent states the files that it left out."""
        self._lock = Lock()
        self._left_out: dict[tuple[str | None, str], list[int]] = {}
        """Number and bytes by step and access."""

    def open(self) -> None:
        """Watch the readers and writers of the libraries."""
        _open.append(self._run_id)
        _opened.add(self)
        file_watch.watch(self._report)

    def include(self, functions: Iterable[Any]) -> None:
        """Watch the readers and writers that the modules of these functions imported by name."""
        for function in functions:
            file_watch.include(function)

    def close(self) -> None:
        """End the watch, and publish how many files of each step were left out; a second call does nothing."""
        file_watch.unwatch(self._report)
        if self._run_id in _open:
            _open.remove(self._run_id)
        with self._lock:
            left_out, self._left_out = self._left_out, {}
        for (node, access), (files, size) in left_out.items():
            message = f"{files} further files ({access}) are counted and not listed"
            fields = {"run_id": self._run_id, "node_name": node, "access": access, "files": files, "bytes": size}
            self._bus.publish(kinds.FILE_ACCESS, message, fields={**fields, "left_out": files})

    def of_step(self, step: Step, frame: Any) -> None:
        """Publish the files of a step of type read, write or sql; `frame` is the one read or written. Never raises."""
        try:
            self._publish(self._of_step(step, frame))
        except STOPS:
            raise
        except BaseException:
            pass  # recording never fails the step

    def _of_step(self, step: Step, frame: Any) -> list[FileAccess]:
        from odibi_core.engines.file_access import accesses, of_facts  # it needs modules that few runs have loaded
        from odibi_core.engines.formats import table_named

        facts = access_facts.noted()
        if step.operation == "sql":
            return self._of_sql(str(step.value), step.params)
        read = step.operation == "read"
        key = next(iter((step.outputs if read else step.inputs).values()), None)
        if facts is not None:
            return [of_facts("read" if read else "write", facts, row_count(frame), key)]
        if table_named(str(step.value), step.params.get("format")) is not None:
            return []  # the operation failed, and changed nothing
        return accesses(
            "read" if read else "write", step.value, rows=row_count(frame), dataset=key, ask=self.ask,
            format=step.params.get("format"), options=step.params.get("storage_options"),
        )  # fmt: skip

    def _of_sql(self, text: str, parameters: Any) -> list[FileAccess]:
        from odibi_core.engines import sql_files
        from odibi_core.engines.file_access import accesses

        return [
            each
            for access, path, format in sql_files.files_of(text, parameters)
            for each in accesses(access, path, format=format, ask=self.ask)
        ]

    def _report(self, opener: Opener, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Publish the files of a call of an opener, if it belongs to this run."""
        from odibi_core.engines.file_access import accesses

        here = context.current().run_id
        if here != self._run_id and (here is not None or len(_open) > 1):
            return
        given = argument(opener, args, kwargs)
        if opener.kind == "sql":
            if isinstance(given, str):
                self._publish(self._of_sql(given, _parameters(opener, args, kwargs)))
            return
        if opener.kind in ("table", "database"):
            self._publish(_of_tables(opener, args, kwargs, result))
            return
        rows = _rows(opener, args, result)
        options = kwargs.get("storage_options")
        self._publish(accesses(opener.access, given, rows=rows, format=opener.format, options=options, ask=self.ask))

    def published(self, node: str | None) -> int:
        """Return the number of accesses to files by a step in this process."""
        with self._lock:
            return self._published[node]

    def _publish(self, found: list[FileAccess]) -> None:
        if self.before is not None and (present := [file for file in found if not file.is_missing]):
            self.before(present[0].access)
        node = context.current().node_name
        for file in found:
            if file.is_missing:
                continue  # a file that is not there was not read
            with self._lock:
                self._published[node] += 1
                if self._published[node] > MAX_EVENTS:
                    left_out = self._left_out.setdefault((node, file.access), [0, 0])
                    left_out[0] += file.files or 1
                    left_out[1] += file.bytes or 0
                    continue
            self._bus.publish(kinds.FILE_ACCESS, fields={"run_id": self._run_id, **file.fields()})


def _of_tables(opener: Opener, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> list[FileAccess]:
    from odibi_core.engines import table_access

    if opener.kind == "database":
        return table_access.of_database(opener, args, kwargs, result)
    return table_access.of_table(opener, args, kwargs, argument(opener, args, kwargs), result)


def _rows(opener: Opener, args: tuple[Any, ...], result: Any) -> int | None:
    """Return the rows that a call read or wrote; None if they are unknown, as for a lazy frame."""
    if opener.name.endswith(".__init__"):
        rows = getattr(getattr(args[0], "metadata", None), "num_rows", None)
        return rows if isinstance(rows, int) else None
    return row_count(result if opener.access == "read" else args[0] if args else None)


def _parameters(opener: Opener, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    after = opener.path_at + 1
    return next(
        (kwargs[name] for name in ("parameters", "params") if name in kwargs),
        args[after] if len(args) > after else None,
    )


_open: Final[list[str]] = []
"""The runs of this process whose files are recorded."""
_opened: Final[WeakSet[FileEvents]] = WeakSet()


def _end_of_child() -> None:
    """Publish how many files a worker process or a forked child left out: it does not end the run."""
    for each in list(_opened):
        each.close()


before_child_ends(_end_of_child)
