"""A step of a pipeline: an immutable value, compared by its fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import force_setattr

from odibi_core import plugins
from odibi_core.errors import ConfigurationError
from odibi_core.pipeline.declared_columns import declared

LAYERS = ("connect", "ingest", "store", "transform", "publish")
TYPES = ("function", "sql", "config_op", "api")

COMBINES = ("list", "rows")

Operation = Literal["call", "sql", "read", "write", "give"]
Keys = Mapping[str, str] | Iterable[str]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts of a step: one and `retries` more, `retry_delay_s` apart, each within `timeout_s` seconds."""

    retries: int = 0
    retry_delay_s: float = 0.0
    timeout_s: float | None = None

    @property
    def plain(self) -> bool:
        """True for one attempt without a timeout, which needs no thread and no loop."""
        return self.retries == 0 and self.timeout_s is None


ONCE = Policy()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The work of a step (`value`, according to `type` and `layer`), and the datasets that it takes and makes.

    `inputs` and `outputs` map the step's own, logical name of a frame to its dataset key, by which steps
    find each other; a text or a list of keys names each frame after its key. A step without outputs
    makes one of its own name, unless it publishes. `cache` decides for the step if the run is cached: "anyway" also if
    names in its code show that its result depends on more than its inputs.

    With `map`, the name of an input that is a list, the function is called once for each item of the list, which takes
    the place of the input; `combine` is "list" for the list of the results, in the order of the items, or "rows" for
    one frame with the rows of all.

    `columns` declares the sources of columns of the outputs, for the lineage: `{"total": ["orders.amount"]}`. A name is
    `input.column`, or `output.column` of a step with several outputs; without the dot if there is one.

    Raises:
        ConfigurationError: A field has the wrong type. `compile` validates the steps as a pipeline.
    """

    name: str
    layer: str = "transform"
    type: str = "function"
    engine: str | None = None
    value: Any = None
    params: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    retries: int = 0
    retry_delay_s: float = 0.0
    timeout_s: float | None = None
    checks: tuple[Any, ...] = ()
    map: str | None = None
    combine: str = "list"
    cache: bool | Literal["anyway"] | None = None
    columns: dict[str, tuple[str, ...]] = {}

    if TYPE_CHECKING:
        # The arguments have wider types than the fields.
        def __init__(
            self,
            *,
            name: str,
            layer: str = "transform",
            type: str = "function",
            engine: str | None = None,
            value: Any = None,
            params: Mapping[str, Any] | None = None,
            inputs: Keys = (),
            outputs: Keys = (),
            metadata: Mapping[str, Any] | None = None,
            retries: int = 0,
            retry_delay_s: float = 0.0,
            timeout_s: float | None = None,
            checks: Any = (),
            map: str | None = None,
            combine: str = "list",
            cache: bool | Literal["anyway"] | None = None,
            columns: Mapping[str, str | Iterable[str]] | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        name: Any = self.name
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"a step's name must be a text, not empty, got {_shown(name)}")
        for field in ("layer", "type", "engine"):
            text = getattr(self, field)
            if not isinstance(text, str) and (text is not None or field != "engine"):
                raise _unfit(self, field, "a text", text)
        force_setattr(self, "inputs", _keys(self, "inputs"))
        outputs = _keys(self, "outputs")
        if not outputs and self.layer != "publish":
            outputs = {"out": self.name}
        force_setattr(self, "outputs", outputs)
        force_setattr(self, "params", _mapping(self, "params"))
        force_setattr(self, "metadata", _mapping(self, "metadata"))
        if type(self.checks) is not tuple or self.checks:
            force_setattr(self, "checks", _checks(self))
        if self.map is not None or self.combine != "list":
            _check_map(self)
        if self.columns:
            force_setattr(self, "columns", declared(self))
        if self.cache is not None and type(self.cache) is not bool and self.cache != "anyway":
            raise _unfit(self, "cache", "True, False or 'anyway'", self.cache)
        if self.retries != 0 or self.retry_delay_s != 0 or self.timeout_s is not None:
            _check_policy(self)

    @property
    def policy(self) -> Policy:
        if self.retries == 0 and self.timeout_s is None:
            return ONCE
        return Policy(retries=self.retries, retry_delay_s=self.retry_delay_s, timeout_s=self.timeout_s)

    @property
    def operation(self) -> Operation | None:
        """The operation of the step; None if its value does not fit its type and layer.

        - `call`: `value(**inputs, **params)`
        - `sql`: the SQL text `value` over the inputs as tables
        - `read`: the path `value`, with params as the reader's options
        - `write`: the one input to the path `value`
        - `give`: `value` itself, such as a connection or a setting
        """
        if self.type == "sql":
            return "sql" if isinstance(self.value, str) and self.value.strip() else None
        if callable(self.value):
            return "call"
        if self.layer == "connect":
            return None if self.value is None and self.type == "function" else "give"
        if not isinstance(self.value, (str, PathLike)) or not str(self.value).strip():
            return None
        if self.layer in ("publish", "store"):
            return "write"
        return "read" if self.layer == "ingest" else None


def needs_of_checks(step: Step) -> Iterator[str]:
    """Yield the keys of the datasets that the checks of a step compare its frames with."""
    for check in step.checks:
        yield from getattr(check, "needs", ())


def _keys(step: Step, field: str) -> dict[str, str]:
    given: Any = getattr(step, field)
    if not given:
        return {}
    if isinstance(given, str):
        return {given: given}
    if isinstance(given, Mapping):
        found = dict(given)
    elif isinstance(given, Iterable):
        listed = list(given)
        found = dict(zip(listed, listed, strict=True)) if all(isinstance(k, str) for k in listed) else {0: listed}
    else:
        found = {0: given}
    for logical, key in found.items():
        if not (isinstance(logical, str) and isinstance(key, str) and logical and key):
            raise _unfit(step, field, "logical names mapped to dataset keys, or a list of keys, all texts", given)
    return found


def _mapping(step: Step, field: str) -> dict[str, Any]:
    given: Any = getattr(step, field)
    if not given:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise _unfit(step, field, "a mapping with texts as keys", given)
    return dict(given)


def _checks(step: Step) -> tuple[Any, ...]:
    """Return the checks of a step: a list among them is flattened, and a function becomes a custom check."""
    given: Any = step.checks
    listed: list[Any] = []
    for each in given if isinstance(given, (list, tuple)) else [given]:
        listed += each if isinstance(each, (list, tuple)) else [each]
    for place, check in enumerate(listed):
        if callable(getattr(check, "check", None)):
            continue
        if not callable(check) or isinstance(check, type):
            raise _unfit(step, "checks", "checks such as odibi_core.checks.not_null('id'), or functions", check)
        listed[place] = plugins.load("checks", "custom")(check)
    return tuple(check.in_step(listed) if hasattr(check, "in_step") else check for check in listed)


def _check_map(step: Step) -> None:
    if step.combine not in COMBINES:
        raise _unfit(step, "combine", f"one of {', '.join(COMBINES)}", step.combine)
    if step.map is None:
        raise ConfigurationError(
            f"step {step.name!r}: combine needs map, the name of the input to call it for each item of"
        )
    if not isinstance(step.map, str) or step.map not in step.inputs:
        known = ", ".join(step.inputs) or "none"
        raise _unfit(step, "map", f"the name of one of its inputs ({known})", step.map)


def _check_policy(step: Step) -> None:
    if type(step.retries) is not int or step.retries < 0:
        raise _unfit(step, "retries", "a whole number, 0 or more", step.retries)
    if not _is_number(step.retry_delay_s) or step.retry_delay_s < 0:
        raise _unfit(step, "retry_delay_s", "seconds, 0 or more", step.retry_delay_s)
    if step.timeout_s is not None and (not _is_number(step.timeout_s) or step.timeout_s <= 0):
        raise _unfit(step, "timeout_s", "seconds, more than 0, or None", step.timeout_s)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _unfit(step: Step, field: str, wanted: str, given: Any) -> ConfigurationError:
    return ConfigurationError(f"step {step.name!r}: {field} must be {wanted}, got {_shown(given)}")


def _shown(value: Any) -> str:
    """Return a short text for a value: the type of one that is not plain, because a repr may be anything."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        return repr(value)[:80]
    return f"a {type(value).__name__}"
