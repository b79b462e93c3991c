"""The identity of a step: digests of its code and of its parameters, by which a later run knows that it is the same.

`CodeReader` of the step cache reads the code. A value without a digest makes the identity unknown, and the step runs
again. A use of the clock, of files or of the network does not: a resumed run takes what was made then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from odibi_core.cache.code import CodeReader
from odibi_core.cache.difference import changes, reason_of
from odibi_core.engines.digests import CodeDigest
from odibi_core.pipeline import Step
from odibi_core.redaction import is_secret_name
from odibi_core.unwrapping import unwrapped
from odibi_core.views.values import record

_MOST_PARTS: Final = 30
_SHORT: Final = 12
"""Digits of the digest of a part, which only names what changed: `code_hash` decides."""
_NO_PARAMS: Final = {"params_hash": "none"}


class Identities:
    """The identities of the steps of one run; many of them may share a function.

    Without a record nothing can be resumed: then they are empty.
    """

    def __init__(self, *, is_recorded: bool = True) -> None:
        self._is_recorded = is_recorded
        self._values: dict[int, dict[str, Any]] = {}

    def of(self, step: Step) -> dict[str, Any]:
        """Return `code_hash` and `params_hash` of a step; instead of one that is unknown, the reason. Never raises.

        `code_parts` has the digests of the parts of the code by name, to name what changed.
        """
        if not self._is_recorded:
            return {}
        if id(step.value) not in self._values:
            self._values[id(step.value)] = _of_code(step)
        found = self._values[id(step.value)]
        if "code_hash" in found:
            found = {**found, "code_hash": _of_place(step, found["code_hash"])}
        name = getattr(unwrapped(step.value), "__qualname__", None) if step.operation == "call" else None
        named = {"function": name} if isinstance(name, str) else {}
        params = _found("params", _of_params(step.params)) if step.params else _NO_PARAMS
        return {**found, **named, **params}


def _found(name: str, reader: CodeReader) -> dict[str, str]:
    if reader.unknown:
        return {f"{name}_unknown": reader.unknown[0]}
    return {f"{name}_hash": reader.digest()}


def _of_code(step: Step) -> dict[str, Any]:
    reader = CodeReader(loads=False)
    if step.operation != "call":
        reader.value(step.value, f"its {step.operation}")
        return _found("code", reader)
    reader.read(step.value)
    found: dict[str, Any] = _found("code", reader)
    if "code_hash" in found and len(reader.parts) <= _MOST_PARTS:
        found["code_parts"] = {name: each[:_SHORT] for name, each in reader.parts.items() if name != "the function"}
    return found


def _of_place(step: Step, code: str) -> str:
    """Return the digest of a step: of its code, of its place in the pipeline, and of its checks by their names."""
    place = step.operation, step.layer, sorted(step.outputs.items()), sorted(step.inputs.items())
    checks = [
        f"{type(check).__qualname__} {getattr(check, 'name', None)!r} {getattr(check, 'column', None)!r}"
        for check in step.checks
    ]
    return CodeDigest().bytes(code, repr(place), *checks).hex()


def changed_code(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return the parts of the code that differ, as the end of a sentence; "" if none is known."""
    was, present = record(before.get("code_parts")), record(now.get("code_parts"))
    if not was or not present:
        return ""
    found = reason_of(changes(was, present))
    return f": {found}" if found else ""


def _of_params(params: Mapping[str, Any]) -> CodeReader:
    """Return the parameters by name. A changed password does not change the data, and its hash could be guessed."""
    reader = CodeReader(loads=False)
    for name in sorted(params):
        reader.value("" if is_secret_name(name) else params[name], f"its parameter {name}")
    return reader
