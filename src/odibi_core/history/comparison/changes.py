"""Changes around the data: parameters, versions, environment, plan. Code and files have modules of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import structs

from odibi_core.history.comparison.difference import Change, ChangeKind
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData, object_of
from odibi_core.views.wording import shorten

_ENVIRONMENT: Final = {
    "host": "host", "system": "operating system", "os_user": "user", "engine": "engine", "command": "command line",
}  # fmt: skip

_LONGEST: Final = 80
_BEFORE: Final = 30
"""Characters that are shown before the place at which two long values differ."""


def around(before: RunData, after: RunData, noise: Noise, not_compared: list[str]) -> Iterator[Change]:
    """Yield every change but those of code and files."""
    yield from _parameters(before, after, noise)
    yield from _versions(before, after, not_compared)
    yield from _environment(before, after)
    yield from _plan(before, after)


def _parameters(before: RunData, after: RunData, noise: Noise) -> Iterator[Change]:
    was, now = ({row["name"]: row["value"] for row in run.rows("params")} for run in (before, after))
    for change in _of_mapping("parameter", "parameter", was, now):
        yield structs.replace(change, is_usual=noise.param_varies(change.subject))
    a, b = before.run.get("partition"), after.run.get("partition")
    if a != b:
        message = f"partition is {_shown(b)}, and was {_shown(a)}"
        yield Change(kind="parameter", subject="partition", message=message, before=a, after=b, is_usual=True)
    yield from _of_mapping("parameter", "tag", before.field("tags"), after.field("tags"), is_usual=True)


def _versions(before: RunData, after: RunData, not_compared: list[str]) -> Iterator[Change]:
    was, now = before.field("packages"), after.field("packages")
    if not was or not now:
        not_compared.append("the versions of packages: at least one run recorded none")
    else:
        # A package that one run alone lists may be used by a step that only that run began.
        both = was.keys() & now.keys()
        yield from _of_mapping("version", "package", {n: was[n] for n in both}, {n: now[n] for n in both})
        for name in sorted(was.keys() ^ now.keys()):
            which = "this" if name in now else "the earlier"
            version = now.get(name, was.get(name))
            message = f"package {name} {version} is used in {which} run alone"
            yield Change(
                kind="version", subject=name, message=message, before=was.get(name), after=now.get(name), is_usual=True
            )
    a, b = before.run.get("python"), after.run.get("python")
    if a and b and a != b:
        yield Change(kind="version", subject="python", message=f"Python is {b}, and was {a}", before=a, after=b)


def _environment(before: RunData, after: RunData) -> Iterator[Change]:
    yield from _of_mapping("environment", "variable", before.field("environment"), after.field("environment"))
    for name, label in _ENVIRONMENT.items():
        a, b = before.run.get(name), after.run.get(name)
        if a is not None and b is not None and a != b:
            now, was = _shown_apart(b, a)
            message = f"{label} is {now}, and was {was}"
            is_usual = name == "command"
            yield Change(kind="environment", subject=name, message=message, before=a, after=b, is_usual=is_usual)


def _plan(before: RunData, after: RunData) -> Iterator[Change]:
    for name, node in after.nodes.items():
        earlier = before.nodes.get(name)
        if earlier is None:
            continue
        for field in ("type", "engine", "layer"):
            if node[field] != earlier[field] and None not in (node[field], earlier[field]):
                message = f"{name} has the {field} {node[field]}, and had {earlier[field]}"
                yield _of_plan(name, message, earlier[field], node[field])
        for field in ("inputs", "outputs"):
            a, b = object_of(earlier[field]), object_of(node[field])
            if a != b and earlier[field] is not None and node[field] is not None:
                message = f"{name} has the {field} {', '.join(b.values())}, and had {', '.join(a.values())}"
                yield _of_plan(name, message, a, b)


def _of_plan(node: str, message: str, before: Any, after: Any) -> Change:
    return Change(kind="plan", subject=node, node=node, message=message, before=before, after=after)


def _of_mapping(
    kind: ChangeKind, label: str, was: dict[str, Any], now: dict[str, Any], *, is_usual: bool = False
) -> Iterator[Change]:
    for name in sorted(was.keys() | now.keys()):
        a, b = was.get(name), now.get(name)
        if a == b and (name in was) == (name in now):
            continue
        if name not in was:
            message = f"{label} {name} is new: {_shown(b)}"
        elif name not in now:
            message = f"{label} {name} is gone; it was {_shown(a)}"
        else:
            after, before = _shown_apart(b, a)
            message = f"{label} {name} is {after}, and was {before}"
        yield Change(kind=kind, subject=name, message=message, before=a, after=b, is_usual=is_usual)


def _shown_apart(first: Any, second: Any) -> tuple[str, str]:
    """Return two values as texts; the beginning that they share is left out if they differ far in."""
    if first is None or second is None:
        return _shown(first), _shown(second)
    a, b = str(first), str(second)
    same = next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if same <= _LONGEST - _BEFORE:
        return _shown(a), _shown(b)
    return _shown(f"…{a[same - _BEFORE :]}"), _shown(f"…{b[same - _BEFORE :]}")


def _shown(value: Any) -> str:
    return "not set" if value is None else shorten(str(value), _LONGEST) or "empty"
