"""`odibi cache`: the entries of the step cache, and the reasons of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from odibi_core.cli import exits, help, options, output, record, times
from odibi_core.cli.completion import steps_of_run
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import kinds
from odibi_core.events.clock import iso
from odibi_core.history.retention import size
from odibi_core.settings import read_settings
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from odibi_core.cache.entries import CacheFolder, Entry
    from odibi_core.runtime.shared_entries import SharedEntries

cache = help.group("cache", "Explain and care for the step cache.")
_ANSWERS = {kinds.CACHE_HIT: "hit", kinds.CACHE_MISS: "miss", kinds.CACHE_SKIPPED: "not cached"}
_Shared = Annotated[bool, typer.Option("--shared", help="The entries of the shared store.")]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of an entry, or its beginning.")]


def why(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run id, part of it, or pipeline.")],
    step: Annotated[str, typer.Argument(metavar="STEP", help="Step of the run.", autocompletion=steps_of_run)],
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Explain the cache's answer for a step of a run.

    For a miss, the parts of the key are named that changed since the latest
    entry of the step: code, a helper, a global, a parameter, an input, a file,
    the version of a library.
    """
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    answers: list[dict[str, Any]] = []
    steps: dict[str, None] = {}
    for event in record.read(kept, run_id):
        if event.node_name:
            steps[event.node_name] = None
        if event.node_name == step and event.event_type in _ANSWERS:
            answers.append({"answer": _ANSWERS[event.event_type], **event.fields})
    if step not in steps:
        output.complain(f"run {run_id} has no step {step!r}{nearest(step, list(steps))}")
        raise typer.Exit(exits.NOT_FOUND)
    if format is options.TextOrJson.json:
        output.write_json({"run_id": run_id, "step": step, "answers": answers})
        return
    if not answers:
        output.notice(f"step {step} of {run_id} did not ask the cache; run with --cache, or set cache=True")
    for answer in answers:
        _explain(step, answer)


def _explain(step: str, answer: dict[str, Any]) -> None:
    on = output.console()
    if answer["answer"] == "hit":
        text = f"hit: the entry of run {answer.get('entry_run_id')}, {size(answer.get('bytes') or 0)}"
        saved = f"; the step took {output.duration(answer.get('saved_ms'))} then"
        output.write(on, output.styled(f"{step}: {text}{saved}"))
        return
    output.write(on, output.styled(f"{step}: {answer['answer']}: {answer.get('reason')}"))
    changes = answer.get("changes") or []
    if changes:
        listed = output.table("Part", "Before", "Now", whole=("Part",))
        for change in changes:
            listed.add_row(*(output.cell(change.get(name) or "–") for name in ("part", "before", "after")))
        output.write(on, listed)


def ls(shared: _Shared = False, store: options.Store = None, format: options.Format = options.TextOrJson.text) -> None:
    """List the entries, the last used first.

    Those of the shared store have no time of use: the one shipped last is first.
    """
    place, rows = _shared_rows(store) if shared else _own_rows(store)
    if format is options.TextOrJson.json:
        output.write_json({"folder": place, "entries": rows})
        return
    if not rows:
        output.notice(f"there is no entry in {place}; `odibi run --cache` makes them")
        return
    last = "Shipped" if shared else "Last used"
    listed = output.table("Key", "Pipeline", "Step", "Size", "Saves", last, right=("Size", "Saves"), whole=("Key",))
    for row in rows:
        listed.add_row(
            output.cell(row["key"][:12]), output.cell(row["pipeline"]), output.cell(row["step"], "bold"),
            size(row["bytes"]), output.duration(row["seconds"] * 1e3),
            times.at_second(row["shipped" if shared else "last_used"]),
        )  # fmt: skip
    on = output.console()
    output.write(on, listed)
    output.write(on, output.styled(f"{_entries(len(rows))}, {size(sum(row['bytes'] for row in rows))}"))


def _own_rows(store: str | None) -> tuple[str, list[dict[str, Any]]]:
    folder = _folder(store)
    entries = sorted(folder.entries(), key=lambda entry: -folder.last_used(entry.key))
    return str(folder.root), [
        _row(entry, bytes=folder.size(entry.key), last_used=_iso(folder.last_used(entry.key))) for entry in entries
    ]


def _shared_rows(store: str | None) -> tuple[str, list[dict[str, Any]]]:
    entries = _shared(store)
    with output.waiting("reading the shared store"):
        found = sorted(entries.listed(), key=lambda each: -each.modified)
        return entries.place, [
            _row(each.entry, bytes=each.bytes, shipped=_iso(each.modified)) for each in found if each.entry is not None
        ]


def _row(entry: Entry, **about: Any) -> dict[str, Any]:
    own = {name: getattr(entry, name) for name in ("key", "step", "pipeline", "run_id", "created", "seconds")}
    return own | about


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return iso(datetime.fromtimestamp(seconds, UTC))


def show(key: _Key, store: options.Store = None, format: options.Format = options.TextOrJson.text) -> None:
    """Show an entry: its frames and the parts of its key."""
    folder = _folder(store)
    entry = folder.entry(_found(folder, key))
    if format is options.TextOrJson.json:
        output.write_json({**msgspec.to_builtins(entry), "bytes": entry.bytes})
        return
    on = output.console()
    listed = output.table("Entry", entry.key, whole=("Entry",))
    about = {
        "Step": entry.step, "Pipeline": entry.pipeline, "Run": entry.run_id, "Created": times.at_second(entry.created),
        "Took": output.duration(entry.seconds * 1e3), "Size": size(entry.bytes),
        **{f"Frame {name}": frame.file for name, frame in entry.frames.items()},
        **{part: entry.shown.get(part, value) for part, value in entry.parts.items()},
    }  # fmt: skip
    for name, value in about.items():
        listed.add_row(output.cell(name), output.cell(value))
    output.write(on, listed)


def prune(
    gb: Annotated[
        float | None, typer.Option("--max-gb", metavar="GB", min=0, help="Size to keep; 0 removes all.")
    ] = None,
    shared: _Shared = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Remove the entries that were not used for longest.

    Without --max-gb the limit is ODIBI_CACHE__MAX_GB, as after each run. With
    --shared the entries that were shipped first are removed, by --max-gb alone.
    """
    if shared and gb is None:
        raise ConfigurationError("--shared needs --max-gb, the size that the shared store may keep")
    limit = read_settings(store={"dir": store or None}).cache.max_gb if gb is None else gb
    folder = _shared(store) if shared else _folder(store)
    removed = folder.prune(limit * 1e9)
    number = len(list(folder.all_keys()))
    if format is options.TextOrJson.json:
        output.write_json({"removed": removed, "left": number})
        return
    output.write(output.console(), output.styled(f"{_entries(len(removed))} removed; {_entries(number)} left"))


def verify(
    remove: Annotated[bool, typer.Option("--remove", help="Remove the damaged entries.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Examine each byte; exit with code 4 if an entry is damaged.

    A run does the same with each entry that it uses, and removes a damaged
    one.
    """
    folder = _folder(store)
    with output.waiting("verifying"):
        keys = list(folder.all_keys())
        damaged = {key: problem for key in keys if (problem := folder.verify(key))}
    if remove:
        for key in damaged:
            folder.remove(key)
    if format is options.TextOrJson.json:
        output.write_json({"examined": len(keys), "damaged": damaged, "removed": remove and bool(damaged)})
    else:
        for key, problem in damaged.items():
            output.complain(f"{key}: {problem}")
        output.write(output.console(), output.styled(f"{_entries(len(keys))}, {len(damaged):,} damaged"))
    if damaged and not remove:
        raise typer.Exit(exits.UNREADABLE)


def _folder(store: str | None) -> CacheFolder:
    from odibi_core.cache.entries import CacheFolder
    from odibi_core.engines.digests import Digest
    from odibi_core.runtime.step_cache import cache_folder_of

    record.open_local(store)
    Digest()  # the error that names the extra, before anything is read
    return CacheFolder(cache_folder_of(read_settings(store={"dir": store or None})))


def _shared(store: str | None) -> SharedEntries:
    from odibi_core.runtime.shared_entries import shared_entries

    folder = _folder(store)
    return shared_entries(read_settings(store={"dir": store or None}), folder, has_store=True)


def _entries(number: int) -> str:
    return plural(number, "entry", "entries")


def _found(folder: CacheFolder, wanted: str) -> str:
    found = [key for key in folder.all_keys() if wanted and key.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"KEY must be the beginning of one key, got {wanted!r}, which {len(found)} have")
    output.complain(f"there is no entry {wanted!r}; `odibi cache ls` lists them")
    raise typer.Exit(exits.NOT_FOUND)


for _command in (why, ls, show, prune, verify):
    cache.command(cls=help.Command)(_command)
