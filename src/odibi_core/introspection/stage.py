"""The description of one stage; unreadable parts are noted, nothing is raised, and nothing of the stage runs."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, Signature, getattr_static
from typing import Any, Final, TypeVar

import msgspec

from odibi_core.errors import STOPS
from odibi_core.events import sanitize_text
from odibi_core.introspection.annotation import (
    annotation_text,
    bases,
    class_dict,
    class_module,
    class_name,
    is_any,
    shareable,
    value_text,
)
from odibi_core.introspection.schema import Schema, as_json, is_plain, schema_of
from odibi_core.introspection.signature import BUILTINS, Callee, bound_method, callee_of, has, is_class, signature_of
from odibi_core.pipeline import Step
from odibi_core.pipeline.loader import shown_name

T = TypeVar("T")

MARK: Final = "__odibi_stage__"
"""The attribute with the stage name of a function that is a stage."""
_WRAPPER: Final = ("odibi_core.instrument.stages", "InstrumentedStage")
"""By its name: instruments do not import each other."""
_WRAPPERS_FOLLOWED: Final = 100
_KINDS: Final = {
    Parameter.POSITIONAL_ONLY: "positional",
    Parameter.POSITIONAL_OR_KEYWORD: "any",
    Parameter.VAR_POSITIONAL: "args",
    Parameter.KEYWORD_ONLY: "keyword",
    Parameter.VAR_KEYWORD: "kwargs",
}
_POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_FUNCTIONS: Final = (types.FunctionType, types.MethodType, functools.partial, *BUILTINS)


class StageParameter(msgspec.Struct, frozen=True):
    """A parameter of a stage; `annotation` and `default` are texts, or None if missing."""

    name: str
    kind: str
    """`positional` (by position only), `any`, `keyword` (by name only), `args` or `kwargs`."""
    annotation: str | None
    default: str | None
    required: bool
    """True if a config must have it; false with a default, and for the records of a stage."""
    schema: Schema

    def __str__(self) -> str:
        stars = {"args": "*", "kwargs": "**"}.get(self.kind, "")
        if self.annotation is None:
            return f"{stars}{self.name}" + ("" if self.default is None else f"={self.default}")
        default = "" if self.default is None else f" = {self.default}"
        return f"{stars}{self.name}: {self.annotation}{default}"


class StageDescription(msgspec.Struct, frozen=True, rename={"class_name": "class"}):
    """The description of a stage; `unreadable` has the parts that could not be read, with the reasons."""

    name: str
    kind: str
    """`stage` (it has `process`), `function`, `class`, `callable`, `step`, or `object` for what is none of these."""
    class_name: str
    module: str | None
    doc: str | None
    """The first line of the docstring."""
    signature: str | None
    parameters: tuple[StageParameter, ...]
    returns: str | None
    unreadable: tuple[str, ...]

    @property
    def parameter_count(self) -> int:
        """The number of parameters of `process` without `self`, the records included."""
        return len(self.parameters)


def describe(thing: Any, name: str | None = None) -> StageDescription:
    """Return the description of one object, under the given name or its own. Never raises."""
    notes: list[str] = []

    def read(what: str, how: Callable[[], T], otherwise: T) -> T:
        try:
            return how()
        except STOPS:
            raise
        except BaseException as error:
            notes.append(f"{what} cannot be read: {sanitize_text(str(_words(error)))[:200]}")
            return otherwise

    outside, thing = thing, read("what it wraps", lambda: _inside(thing), thing)
    kind = read("its kind", lambda: _kind_of(thing), "object")
    callee = read("what it calls", lambda: _callee(thing, kind, notes), None)
    signature = None if callee is None else read("its signature", lambda: signature_of(callee), None)
    parameters: list[StageParameter] = []
    if callee is not None and signature is not None:
        read("its parameters", lambda: parameters.extend(_parameters(thing, kind, callee, signature)), None)
    returns = None if signature is None else read("what it returns", lambda: _annotation(signature), None)
    return StageDescription(
        name=name or read("its name", lambda: _name_of(outside, thing, kind, callee), "?"),
        kind=kind,
        class_name=class_name(thing if is_class(thing) else type(thing)),
        module=read("its module", lambda: _module_of(thing, callee), None),
        doc=read("its docstring", lambda: _doc_of(thing, kind, callee), None),
        signature=None if signature is None else _written(parameters, returns),
        parameters=tuple(parameters),
        returns=returns,
        unreadable=tuple(notes),
    )


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except STOPS:
        raise
    except BaseException:  # an exception may fail to format itself
        return type(error).__name__


def _kind_of(thing: Any) -> str:
    if is_any(type(thing), _FUNCTIONS):
        return "function"
    if issubclass(type(thing), Step):
        return "step"
    if has(thing, "process"):
        return "stage"
    if is_class(thing):
        return "class"
    if has(thing, MARK) or has(thing, "__wrapped__"):
        return "function"
    return "callable" if has(type(thing), "__call__") else "object"


def _inside(thing: Any) -> Any:
    """Return the stage inside of an `InstrumentedStage`, through any number of them; otherwise the object itself."""
    for _ in range(_WRAPPERS_FOLLOWED):
        if not any((class_module(kind), class_name(kind)) == _WRAPPER for kind in bases(type(thing))):
            break
        if (found := getattr_static(thing, "stage", None)) is None:
            break
        thing = found
    return thing


def _callee(thing: Any, kind: str, notes: list[str]) -> Callee | None:
    if kind == "step":
        return callee_of(thing.value) if thing.operation == "call" else None
    if kind != "stage":
        callee = callee_of(thing)
        if callee is None:
            notes.append("it has no process, and cannot be called")
        return callee
    callee = bound_method(thing, "process")
    if callee is None:
        notes.append(f"its process is a {class_name(type(getattr_static(thing, 'process')))}, which cannot be called")
    return callee


def _parameters(thing: Any, kind: str, callee: Callee, signature: Signature) -> Iterator[StageParameter]:
    namespace = callee.function.__globals__ if type(callee.function) is types.FunctionType else {}
    supplied = {*thing.inputs, *thing.params} if kind == "step" else set()
    flowing = _flowing(signature) if kind == "stage" or has(thing, MARK) else None
    for parameter in signature.parameters.values():
        made = _parameter(parameter, namespace)
        if parameter.name == flowing:
            note: Schema = {"description": "what flows through the stage"}
            made = msgspec.structs.replace(made, required=False, schema={**made.schema, **note})
        yield msgspec.structs.replace(made, required=False) if made.name in supplied else made


def _flowing(signature: Signature) -> str | None:
    """Return the parameter of the records: the one named so, otherwise the first."""
    named = [each for each in signature.parameters.values() if each.kind in _POSITIONAL]
    chosen = next((each for each in named if each.name == "records"), named[0] if named else None)
    return chosen.name if chosen is not None and chosen.default is Parameter.empty else None


def _parameter(parameter: Parameter, namespace: Mapping[str, Any]) -> StageParameter:
    name, default, annotation = sanitize_text(parameter.name), parameter.default, parameter.annotation
    has_default = default is not Parameter.empty
    schema = {} if annotation is Parameter.empty else _schema_or_open(annotation, namespace)
    if has_default:
        schema = _with_default(name, default, schema)
    return StageParameter(
        name=name,
        kind=_KINDS[parameter.kind],
        annotation=None if annotation is Parameter.empty else annotation_text(annotation),
        default=value_text(name, default) if has_default else None,
        required=not has_default and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY),
        schema=schema,
    )


def _schema_or_open(annotation: Any, namespace: Mapping[str, Any]) -> Schema:
    try:
        return schema_of(annotation, namespace)
    except STOPS:
        raise
    except BaseException:  # a metaclass raises when it is inspected
        return {}


def _with_default(name: str, default: Any, schema: Schema) -> Schema:
    """Add the default to a schema if JSON holds it and it is no secret; with `window: int = None`, None fits too."""
    if default is None and schema and {"type": "null"} not in schema.get("anyOf", ()):
        schema = {"anyOf": [schema, {"type": "null"}]}
    try:
        plain = as_json(default)
    except STOPS:
        raise
    except BaseException:  # a number that raises on conversion
        return schema
    return {**schema, "default": plain} if is_plain(plain) and shareable(name, plain) == plain else schema


def _written(parameters: list[StageParameter], returns: str | None) -> str:
    """Return a signature as code, with the marks `/` and `*`."""
    parts: list[str] = []
    for before, parameter in zip([None, *parameters], [*parameters, None], strict=True):
        last, kind = before.kind if before else "", parameter.kind if parameter else ""
        if last == "positional" != kind:
            parts.append("/")
        if kind == "keyword" and last not in ("keyword", "args"):
            parts.append("*")
        if parameter is not None:
            parts.append(str(parameter))
    return f"({', '.join(parts)})" + ("" if returns is None else f" -> {returns}")


def _annotation(signature: Signature) -> str | None:
    found = signature.return_annotation
    return None if found is Signature.empty else annotation_text(found)


def _name_of(outside: Any, thing: Any, kind: str, callee: Callee | None) -> str:
    if is_class(thing):
        return class_name(thing).rpartition(".")[2]
    for owner, attribute in ((outside, MARK), (thing, MARK), (outside, "name"), (thing, "name")):
        found = getattr_static(owner, attribute, None) if kind != "step" else thing.name
        if type(found) is str and found:
            return sanitize_text(found)
    found = getattr(callee.function, "__name__", None) if kind == "function" and callee is not None else None
    return sanitize_text(found) if type(found) is str else class_name(type(thing)).rpartition(".")[2]


def _module_of(thing: Any, callee: Callee | None) -> str | None:
    if is_any(type(thing), _FUNCTIONS) or issubclass(type(thing), Step):
        module = None if callee is None else getattr(callee.function, "__module__", None)
    else:
        module = class_module(thing if is_class(thing) else type(thing))
    return shown_name(module) if type(module) is str else None


def _doc_of(thing: Any, kind: str, callee: Callee | None) -> str | None:
    docs: list[Any] = []
    if kind == "step" and callee is None:
        docs = [_operation(thing)]
    elif kind in ("stage", "class", "callable"):
        docs = [_own_doc(thing if is_class(thing) else type(thing))]
    if callee is not None and is_any(type(callee.function), (types.FunctionType, *BUILTINS)):
        docs.append(callee.function.__doc__)
    for doc in docs:
        if doc is None:
            continue
        if type(doc) is not str:
            raise TypeError(f"it is a {class_name(type(doc))}")
        if first := next(filter(None, map(str.strip, doc.splitlines())), ""):
            return sanitize_text(first)[:500]
    return None


def _own_doc(kind: type) -> Any:
    """Return the docstring of a class; the signature that a dataclass gets as a docstring counts as none."""
    own = class_dict(kind)
    doc, name = own.get("__doc__"), class_name(kind).rpartition(".")[2]
    made_up = "__dataclass_fields__" in own and type(doc) is str and doc.startswith(f"{name}(")
    return None if made_up else doc


def _operation(step: Step) -> str:
    """Return the description of a step that calls no function."""
    about = str(step.value) if isinstance(step.value, str) else class_name(type(step.value))
    verbs = {"read": "Reads ", "write": "Writes ", "sql": "SQL: ", "give": "Gives "}
    return verbs.get(step.operation or "", "Cannot run: ") + " ".join(about.split())
