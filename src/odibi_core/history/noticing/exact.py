"""The exact rules: no rows, a changed schema, the same content again, a check that newly fails."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from odibi_core.history.noticing.columns import is_measured_alike
from odibi_core.history.noticing.families import LEARNING
from odibi_core.history.noticing.series import Steps, typical
from odibi_core.views.wording import plural

_RARE: Final = 0.05
"""The part of the earlier runs in which a thing may have occurred and still be unusual: earlier faults are in it."""
_UNSTEADY: Final = 0.1
"""The same for columns, types and checks."""
_CERTAIN: Final = 1e-4
"""The likelihood of a finding by an exact rule."""


class Exact(msgspec.Struct, frozen=True):
    """A finding by an exact rule, before it has an id and a cause."""

    family: str
    metric: str
    message: str
    actual: str
    expected: str
    runs: int
    dataset: str | None = None
    column: str | None = None
    likelihood: float = _CERTAIN
    is_hint: bool = False
    """True for a change that is unusual only if something downstream is: a constant source that is another one."""


def of_step(current: dict[str, Any], past: Steps, *, is_source: bool, is_inferred: bool = False) -> Iterator[Exact]:
    """Yield the findings of one step by exact rules.

    Args:
        current: The figures of the step.
        past: Those of the step in the earlier runs.
        is_source: No other step makes its input.
        is_inferred: The library chose the types of numbers by their values, so that one null or fraction makes a float
            of an integer.
    """
    yield from _rows(current, past)
    yield from _checks(current, past)
    for dataset, frame in current.get("frames", {}).items():
        frames = [found for step in past if (found := step.get("frames", {}).get(dataset)) is not None]
        yield from _schema(dataset, frame, frames, is_inferred)
        if is_source:
            yield from _content(dataset, frame, frames)
    if is_source:
        yield from _files(current, past)


def _rows(current: dict[str, Any], past: Steps) -> Iterator[Exact]:
    seen = [step["rows"] for step in past if step.get("rows") is not None]
    if current.get("rows") == 0 and len(seen) >= LEARNING and seen.count(0) <= _RARE * len(seen):
        usual = typical(seen)
        yield Exact("no rows", "rows", f"no rows; usually {usual:,.0f}", "0", f"{usual:,.0f}", len(seen))


def _schema(dataset: str, frame: dict[str, Any], past: Sequence[dict[str, Any]], is_inferred: bool) -> Iterator[Exact]:
    """Yield columns that are missing, renamed or of a new type; only columns of nearly all earlier runs count."""
    past = [each for each in past if each["schema"]]
    if not frame["schema"] or len(past) < LEARNING:
        return
    if all(each["schema"] == frame["schema"] for each in past):
        return
    now, last = dict(frame["schema"]), dict(past[-1]["schema"])
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in past:
        for name, kind in each["schema"]:
            seen[name][kind] += 1
    steady = {name for name, kinds in seen.items() if kinds.total() >= (1 - _UNSTEADY) * len(past)}
    added = [name for name in now if name not in last]
    for name in last:
        if name not in steady or name in now:
            continue
        twin = _twin(name, added, frame, past[-1])
        if twin:
            added.remove(twin)
            message = f"column {name} is now called {twin}"
        else:
            message = f"column {name} ({last[name]}) is missing"
        yield Exact("schema", "schema", message, twin or "missing", name, len(past), dataset, name)
    for name in sorted(steady & set(now)):
        kinds = seen[name]
        if kinds[now[name]] > _UNSTEADY * kinds.total() or _is_empty(frame, name) or _only_empty(past, name):
            continue
        usual = kinds.most_common(1)[0][0]
        if is_inferred and _is_number(now[name]) and _is_number(usual):
            continue
        message = f"column {name} is {now[name]}, was {usual}"
        yield Exact("schema", "schema", message, now[name], usual, len(past), dataset, name)


def _is_number(kind: str) -> bool:
    return kind.lower().startswith(("int", "uint", "float"))


def _twin(name: str, added: Sequence[str], frame: dict[str, Any], last: dict[str, Any]) -> str | None:
    """Return the added column that a missing one was renamed to: the same type, and the same place or like content."""
    places = {each: place for place, (each, _) in enumerate(last["schema"])}
    kinds = dict(last["schema"])
    for place, (each, kind) in enumerate(frame["schema"]):
        if each in added and kind == kinds[name] and (place == places[name] or _is_alike(each, name, frame, last)):
            return str(each)
    return None


def _is_alike(new: str, old: str, frame: dict[str, Any], last: dict[str, Any]) -> bool:
    if new in frame["top"] and old in last["top"]:
        both = set(frame["top"][new]) & set(last["top"][old])
        return 2 * len(both) > len(last["top"][old])
    values, before = frame["columns"].get(new), last["columns"].get(old)
    pairs = [(a, b) for a, b in zip(values or (), before or (), strict=False) if a is not None and b is not None]
    near = sum(abs(a - b) <= 0.25 * max(abs(a), abs(b)) for a, b in pairs)
    return bool(pairs) and near >= 0.75 * len(pairs)


def _is_empty(frame: dict[str, Any], name: str) -> bool:
    """Return true for a column without any value, which has a type only by accident."""
    stats = frame["columns"].get(name)
    return stats is not None and stats[0] == 1.0


def _only_empty(past: Sequence[dict[str, Any]], name: str) -> bool:
    return all(_is_empty(each, name) for each in past)


def _content(dataset: str, frame: dict[str, Any], past: Sequence[dict[str, Any]]) -> Iterator[Exact]:
    """Yield a source that has the content of an earlier run, if earlier runs never had that of another."""
    past = [each for each in past if each.get("content") and is_measured_alike(each, frame)]
    seen = [each["content"] for each in past]
    content = frame.get("content")
    if content and len(seen) >= LEARNING and len(set(seen)) == 1 and content not in seen:
        rows = plural(frame["rows"], "row")
        message = f"other content than in all earlier runs: {rows}, was {past[-1]['rows']:,}"
        yield Exact(
            "content", "content", message, "other content", "the same content", len(seen), dataset, is_hint=True
        )
    repeats = len(seen) - len(set(seen))
    if content in seen and len(seen) >= LEARNING and repeats <= _RARE * len(seen):
        back = len(seen) - max(place for place, each in enumerate(seen) if each == content)
        which = "the last run" if back == 1 else f"the run {back} runs ago"
        message = f"the same content as in {which}: {plural(frame['rows'], 'row')}, equal statistics"
        yield Exact("content", "content", message, "the same content", "new content", len(seen), dataset)


def _files(current: dict[str, Any], past: Steps) -> Iterator[Exact]:
    for dataset, file in current.get("files", {}).items():
        known = [found for step in past if (found := step.get("files", {}).get(dataset)) and found["version"]]
        seen = [(found["uri"], found["version"]) for found in known]
        repeats = len(seen) - len(set(seen))
        if (file["uri"], file["version"]) in seen and len(seen) >= LEARNING and repeats <= _RARE * len(seen):
            message = f"the same file as in an earlier run: {dataset}, version {file['version']}"
            yield Exact("content", "file", message, file["version"], "a new file", len(seen), dataset)


def _checks(current: dict[str, Any], past: Steps) -> Iterator[Exact]:
    """Yield checks that fail, or could not be asked, and passed in nearly all earlier runs."""
    for name, (passed, failed_rows, _) in current.get("checks", {}).items():
        seen = [found[0] for step in past if (found := step.get("checks", {}).get(name)) is not None]
        if passed is True or len(seen) < LEARNING or seen.count(True) < (1 - _UNSTEADY) * len(seen):
            continue
        state = "could not be checked" if passed is None else "failed"
        rows = f" in {plural(failed_rows, 'row')}" if failed_rows else ""
        yield Exact("checks", f"check {name}", f"check {name} {state}{rows}", state, "passed", len(seen))
