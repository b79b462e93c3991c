"""One item of a mapped step, as a replay repeats it: which one it is, and its recorded end."""

from __future__ import annotations

from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import Event, kinds
from odibi_core.pipeline import Step
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.views.values import count, text
from odibi_core.views.wording import plural


def item_of(past: PastRun, step: Step, wanted: str | None) -> Event | None:
    """Return the recorded end of the item to replay; None for a step that is not mapped.

    Args:
        past: The recorded run.
        step: The step.
        wanted: The text of the item, or its place in the list, from 0; by default the first one that failed.

    Raises:
        ConfigurationError: There is no such item, or several.
    """
    ended = _ended(past, step.name)
    if step.map is None:
        if ended:
            raise ConfigurationError(
                f"step {step.name!r} was called once for each of {plural(len(ended), 'item')}, and its function alone "
                "does not name the list; name the file of the pipeline: --file FILE[:NAME]"
            )
        if wanted is not None:
            raise ConfigurationError(f"step {step.name!r} is not mapped over a list; leave out --item")
        return None
    if wanted is None:
        return _first_failed(step, ended)
    return ended[_place(step, ended, wanted)]


def _ended(past: PastRun, step: str) -> dict[int, Event]:
    """Return the last attempt of each item that succeeded or failed, by its place."""
    tasks = [event for event in past.facts.get(step, ()) if event.event_type == kinds.TASK]
    return {
        place: event
        for event in tasks
        if event.status in ("success", "failed") and (place := count(event.fields.get("task"))) is not None
    }


def _first_failed(step: Step, ended: dict[int, Event]) -> Event:
    failed = sorted(place for place, event in ended.items() if event.status == "failed")
    if not failed:
        raise ConfigurationError(
            f"step {step.name!r} runs once for each item of a list, and no item failed in this run "
            f"({plural(len(ended), 'item')} ended); name one: --item ITEM"
        )
    return ended[failed[0]]


def _place(step: Step, ended: dict[int, Event], wanted: str) -> int:
    texts = {place: text(event.fields.get("item")) or "" for place, event in ended.items()}
    places = [place for place, shown in sorted(texts.items()) if shown == wanted]
    if not places and wanted.isdecimal() and int(wanted) in ended:
        return int(wanted)
    if len(places) == 1:
        return places[0]
    if places:
        some = ", ".join(map(str, places[:5]))
        raise ConfigurationError(f"item must be one item, got {wanted!r}, the text of several; name its place: {some}")
    raise ConfigurationError(
        f"item must be one of the {plural(len(ended), 'item')} of {step.name!r} that ended, got {wanted!r}"
        f"{nearest(wanted, texts.values())}"
    )
