"""The validation of a pipeline before it runs.

Each function yields sentences that name the step, the key and the nearest right name; `compile` raises them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import CodeType
from typing import Any

from odibi_core import plugins
from odibi_core.errors import MissingExtraError, nearest
from odibi_core.events import sanitize_text
from odibi_core.pipeline.one_shot import kind_of, refusal
from odibi_core.pipeline.parameters import placeholders
from odibi_core.pipeline.signatures import Signature, returns_nothing, signature_of
from odibi_core.pipeline.step import LAYERS, TYPES, Step


def quoted(name: object) -> str:
    """Return a name in quotes, in one short line."""
    text = repr(name)
    return text if len(text) <= 90 else f"{text[:80]}…{text[0]}"


def guess(name: str, known: Collection[str]) -> str:
    """Return the hint of `nearest`; of thousands of names only those that begin or end alike are compared."""
    if len(known) > 1000:
        known = list(islice((k for k in known if k[:2] == name[:2] or k[-2:] == name[-2:]), 1000))
    return nearest(name, known)


def step_problems(step: Step, engine: str, engines: Collection[str]) -> Iterator[str]:
    """Yield the problems of a step by itself; `engine` is the pipeline's."""
    engine = step.engine or engine
    label = f"step {quoted(step.name)}"
    if step.layer not in LAYERS:
        yield f"{label}: {_unknown('layer', step.layer, LAYERS)}"
    if step.type not in TYPES:
        yield f"{label}: {_unknown('type', step.type, TYPES)}"
    if step.engine is not None and step.engine not in engines:
        yield f"{label}: {unknown_engine(step.engine, engines)}"
    operation = step.operation
    if operation is None:
        if step.type in TYPES and step.layer in LAYERS:
            yield f"{label}: {_unfit_value(step)}"
    elif operation == "call":
        yield from _call_problems(step, label)
    else:
        yield from _frame_problems(step, label, operation)
        if operation in ("read", "write", "sql") and engine in engines:
            yield from (f"{label}: {problem}" for problem in _engine_problems(step, engine, operation))
    if step.layer == "publish" and not step.inputs:
        yield f"{label} publishes, but has no input; name the dataset: inputs=['…']"
    if step.checks:
        yield from _check_problems(step, label)
    if step.map is not None:
        yield from _map_problems(step, label, operation)
    if step.params or operation == "give":
        yield from _one_shot_problems(step, label, operation)


def _map_problems(step: Step, label: str, operation: str | None) -> Iterator[str]:
    if operation != "call":
        yield f"{label}: only a step with a function has map, and this one is of type {step.type}"
    if len(step.outputs) > 1:
        yield f"{label}: with map it makes one dataset, but it has {len(step.outputs)} outputs: {_listed(step.outputs)}"


def _one_shot_problems(step: Step, label: str, operation: str | None) -> Iterator[str]:
    """Yield the values that a first attempt or a first step uses up; cursors and counters are allowed."""
    given = {f"the param {quoted(name)}": value for name, value in step.params.items()}
    if operation == "give":
        given["its value"] = step.value
    for name, value in given.items():
        kind = kind_of(value)
        if kind in ("iterator", "async iterator", "awaitable"):
            yield f"{label}: {name} {refusal(value, kind)}"


def initial_problems(initial: Collection[str]) -> Iterator[str]:
    """Yield the datasets given to the run that only one step could read."""
    for key, value in initial.items() if isinstance(initial, Mapping) else ():
        kind = kind_of(value)
        if kind is not None:
            yield f"the dataset {quoted(key)} that the run is given {refusal(value, kind)}"


def unknown_engine(engine: object, engines: Collection[str]) -> str:
    return _unknown("engine", engine, sorted(engines))


def _unknown(what: str, name: object, known: Sequence[str]) -> str:
    return f"unknown {what} {quoted(name)}{nearest(name, known)}; {what}s are {', '.join(known)}"


def _unfit_value(step: Step) -> str:
    value = step.value
    found = "nothing" if value is None else "an empty text" if value == "" else f"a {type(value).__name__}"
    if step.type == "sql":
        return f"its type is 'sql', so value must be a SQL text, got {found}"
    if step.layer == "ingest":
        return f"it ingests, so value must be a path to read or a function, got {found}"
    if step.layer in ("publish", "store"):
        return f"its layer is {step.layer!r}, so value must be a path to write or a function, got {found}"
    hint = "; a SQL text needs type='sql'" if isinstance(value, str) and " " in value.strip() else ""
    return f"its type is {step.type!r}, so value must be callable, got {found}{hint}"


def _call_problems(step: Step, label: str) -> Iterator[str]:
    signature = signature_of(step.value)
    both = step.inputs.keys() & step.params.keys()
    if both:
        yield f"{label}: {_listed(both)} is both in inputs and in params; a function takes it once"
    if signature is None:
        return
    for name in signature.nameless:
        yield f"{label}: its function takes {quoted(name)} by position only, but steps call by name; drop the /"
    for name in signature.required:
        if name not in step.inputs and name not in step.params:
            hint = _instead(step, name, signature)
            yield f"{label}: its function needs {quoted(name)}, which neither inputs nor params give{hint}"
    if signature.any_keyword:
        return
    for field, given in (("input", step.inputs), ("param", step.params)):
        for name in given:
            if name not in signature.names:
                takes = _listed(signature.names) if signature.names else "nothing"
                yield (
                    f"{label}: its function does not take the {field} {quoted(name)}"
                    f"{nearest(name, signature.names)}; it takes {takes}"
                )


def _instead(step: Step, name: str, signature: Signature) -> str:
    unused = [given for given in (*step.inputs, *step.params) if given not in signature.names]
    if unused:
        return f"; they give {_listed(unused)}{nearest(name, unused)}"
    return f"; add inputs=[{quoted(name)}] or a value for it to params"


def _frame_problems(step: Step, label: str, operation: str) -> Iterator[str]:
    if operation != "write" and len(step.outputs) > 1:
        yield f"{label}: it makes one frame, but has {len(step.outputs)} outputs: {_listed(step.outputs)}"
    if operation == "write" and (len(step.inputs) > 1 or (not step.inputs and step.layer != "publish")):
        yield f"{label}: it writes one frame, but has {len(step.inputs)} inputs; name one dataset"
    if operation == "write" and len(step.outputs) > 1:
        yield f"{label}: it hands on the frame that it writes, but has {len(step.outputs)} outputs"
    if operation == "sql":
        wanted = placeholders(step.value)
        for name in sorted(wanted - step.params.keys()):
            yield f"{label}: its SQL needs ${name}, which params do not give{nearest(name, step.params)}"
        for name in step.params:
            if name not in wanted:
                yield f"{label}: its SQL has no parameter ${name}{nearest(name, wanted)}"


def _engine_problems(step: Step, engine: str, operation: str) -> list[str]:
    """Return what the engine knows to be wrong: the path, the options, a library that is missing."""
    try:
        ask = getattr(plugins.load("engines", engine)(), "problems", None)
    except MissingExtraError:
        return []  # raised when the engine is loaded to run
    if ask is None:
        return []
    return list(ask(operation, *(("", {}) if operation == "sql" else (str(step.value), step.params))))


def _check_problems(step: Step, label: str) -> Iterator[str]:
    known = {*step.inputs, *step.outputs, *step.inputs.values(), *step.outputs.values()}
    for check in step.checks:
        on = getattr(check, "on", None)
        if on is not None and on not in known:
            name = getattr(check, "name", type(check).__name__)
            hint = f"{guess(str(on), known)}; the step has {_listed(known)}"
            yield f"{label}: check {quoted(name)} is on {quoted(on)}{hint}"


def name_problems(steps: Sequence[Step]) -> Iterator[str]:
    first: dict[str, int] = {}
    for index, step in enumerate(steps):
        if step.name in first:
            yield (
                f"step {quoted(step.name)}: two steps have this name, number {first[step.name] + 1} and"
                f" number {index + 1}; rename one"
            )
        first.setdefault(step.name, index)
    yield from _one_in_the_record("step", first)
    keys = (key for step in steps for key in step.outputs.values())
    yield from _one_in_the_record("dataset", dict.fromkeys(key for key in keys if key not in first))


def _one_in_the_record(what: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the names that are equal in the record, which has no lone surrogates and no secrets."""
    recorded: dict[str, str] = {}
    for name in names:
        other = recorded.setdefault(sanitize_text(name), name)
        if other != name:
            yield f"{what} {quoted(name)}: the record cannot tell its name from {quoted(other)}; rename one"


def producer_problems(steps: Sequence[Step], makers: dict[str, int], initial: Collection[str]) -> Iterator[str]:
    """Yield the keys that more than one step makes; steps of one name are reported by `name_problems`."""
    for index, step in enumerate(steps):
        label = f"step {quoted(step.name)}"
        seen: dict[str, str] = {}
        for logical, key in step.outputs.items():
            first = makers[key]
            if key in seen:
                both = f"{quoted(seen[key])} and {quoted(logical)}"
                yield f"{label}: its outputs {both} are one key, {quoted(key)}"
            elif first != index and steps[first].name != step.name:
                other = quoted(steps[first].name)
                yield f"{label}: makes {quoted(key)}, which step {other} makes already; a key has one producer"
            elif first == index and key in initial:
                yield f"{label}: makes {quoted(key)}, which the run is given already"
            seen.setdefault(key, logical)


def input_problems(steps: Sequence[Step], makers: dict[str, int], initial: Collection[str]) -> Iterator[str]:
    codes: dict[CodeType, bool] = {}
    for step in steps:
        yield from _needs_problems(step, makers, initial)
        for key in dict.fromkeys(step.inputs.values()):
            maker = makers.get(key)
            if maker is not None:
                producer = steps[maker]
                if producer.operation == "call" and returns_nothing(producer.value, codes):
                    yield (
                        f"step {quoted(producer.name)}: its function returns nothing, but step"
                        f" {quoted(step.name)} takes {quoted(key)} from it; is a return missing?"
                    )
            elif key not in initial:
                known = [k for k in (*makers, *initial) if k not in step.outputs.values()]
                yield f"step {quoted(step.name)}: needs {quoted(key)}, which no step makes{guess(key, known)}"


def _needs_problems(step: Step, makers: dict[str, int], initial: Collection[str]) -> Iterator[str]:
    """Yield the frames that a check of the step compares with, and that neither the step nor the run has."""
    own = {*step.inputs, *step.outputs, "out"}
    for check in step.checks:
        for key in getattr(check, "needs", ()):
            if key not in own and key not in makers and key not in initial:
                known = [*own, *makers, *initial]
                yield (
                    f"step {quoted(step.name)}: check {quoted(check.name)} compares with {quoted(key)}, which is no"
                    f" frame of the step and no dataset of the run{guess(key, known)}"
                )


def cycle_problem(steps: Sequence[Step], ring: Sequence[int]) -> str:
    names = [quoted(steps[index].name) for index in (*ring, ring[0])]
    if len(names) > 20:
        names[10:-5] = [f"… {len(names) - 15} more …"]
    return f"step {names[0]}: waits for itself: {' → '.join(names)}; one of them must take another dataset"


def _listed(names: Iterable[Any]) -> str:
    shown = [quoted(name) for name in islice(names, 9)]
    return ", ".join([*shown[:8], "…"] if len(shown) > 8 else shown)
