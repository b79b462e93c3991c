"""The purpose of a run and its files, for `odibi show`: as text, and as parts of a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output, times
from odibi_core.history.rows import decoded
from odibi_core.views.wording import driver, outer_run, plural, shorten, size

if TYPE_CHECKING:
    from rich.console import RenderableType

Tables = dict[str, list[dict[str, Any]]]
_MOST_FILES: Final = 20
_LONGEST: Final = 300
_LABEL: Final = 11
_IN_DOCUMENT: Final = ("files", "alerts")


def document(tables: Tables) -> dict[str, Any]:
    """Return the row of the run, its files and its alerts as JSON values; the keys are the columns of the tables."""
    (run,) = tables["runs"] or [{}]
    parts = {"files_accessed" if name == "files" else name: tables[name] for name in _IN_DOCUMENT}
    return {"run": decoded("runs", run), **parts}


def about(tables: Tables) -> list[RenderableType]:
    """Return the facts and the files of a run."""
    (run,) = tables["runs"] or [{}]
    return [*_facts(decoded("runs", run)), *_files(tables["files"])]


def _facts(run: dict[str, Any]) -> Iterator[RenderableType]:
    if not run:
        return
    yield ""
    for label, value in _labelled(run):
        if value:
            yield output.styled(f"{label:<{_LABEL}}{shorten(value, _LONGEST)}")


def _labelled(run: dict[str, Any]) -> Iterator[tuple[str, str]]:
    started = run["started"]
    yield "started", f"{times.at_second(started)} ({times.zone(started)})" if started else ""
    yield "driven by", driver(run)
    yield "part of", outer_run(run)
    yield "partition", run["partition"] or ""
    yield "params", _pairs(run["params"])
    yield "tags", _pairs(run["tags"])
    yield "commit", _commit(run)
    yield "command", run["command"] or ""
    yield "versions", ", ".join(filter(None, [_versioned("Python", run["python"]), _pairs(run["packages"], " ")]))
    yield "variables", _pairs(run["environment"])
    user = f"{run['os_user']}@" if run["os_user"] else ""
    process = f", process {run['pid']}" if run["pid"] is not None else ""
    system = f", {run['system']}" if run["system"] else ""
    yield "host", f"{user}{run['host']}{process}{system}" if run["host"] else ""
    share = f" ({run['overhead_pct']:.1f} % of the run)" if run["overhead_pct"] is not None else ""
    yield "recording", f"{output.duration(run['overhead_ms'])}{share}" if run["overhead_ms"] is not None else ""
    yield "cost", f"{run['cost_usd']:,.2f} USD" if run["cost_usd"] is not None else ""
    judged = run["unusual"] is not None or run["status"] == "running"
    yield "unusual", "" if judged else "not judged: the run was not compared with earlier ones"
    yield "unreadable", f"{plural(run['unreadable'], 'line')} of the record" if run["unreadable"] else ""


def _pairs(values: dict[str, Any] | None, between: str = "=") -> str:
    shown = (
        (name, value if isinstance(value, str) else output.as_json(value).decode()) for name, value in _items(values)
    )
    return ", ".join(f"{name}{between}{value}" for name, value in shown)


def _items(values: dict[str, Any] | None) -> Iterable[tuple[str, Any]]:
    return (values or {}).items()


def _versioned(name: str, version: str | None) -> str:
    return f"{name} {version}" if version else ""


def _commit(run: dict[str, Any]) -> str:
    if not run["git_commit"]:
        return ""
    branch = f" on {run['git_branch']}" if run["git_branch"] else ""
    changed = {True: ", with uncommitted changes", False: "", None: ""}[run["git_dirty"]]
    return f"{run['git_commit'][:12]}{branch}{changed}"


def _files(files: list[dict[str, Any]]) -> Iterator[RenderableType]:
    if not files:
        return
    made = output.table("File", "Step", "Size", "Rows", "", right=("Size", "Rows"))
    for file in files[:_MOST_FILES]:
        made.add_row(
            output.cell(file["access"] or "", "dim"),
            output.cell(file["node_name"] or "", "dim"),
            "" if file["bytes"] is None else size(file["bytes"]),
            output.count(file["row_count"]),
            output.styled(file["uri"] or ""),
        )
    yield ""
    yield made
    if len(files) > _MOST_FILES:
        yield output.styled(f"and {len(files) - _MOST_FILES:,} more files: --format json has all", "dim")
