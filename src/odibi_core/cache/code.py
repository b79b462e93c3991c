"""The parts of a key that come from code: functions, their helpers in the project, and the values that they read."""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Callable
from copy import copy
from enum import Enum
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GenericAlias,
    MappingProxyType,
    MethodType,
    ModuleType,
    SimpleNamespace,
    UnionType,
)  # fmt: skip
from typing import Any, Final

from odibi_core.cache.accessors import added
from odibi_core.cache.arrays import digest_of_array, is_of_numpy
from odibi_core.cache.body_imports import texts_of
from odibi_core.cache.impure import reason_of_attribute, reason_of_name
from odibi_core.cache.normal_code import Use, form_of
from odibi_core.cache.objects import (
    cells_of,
    content_of,
    defaults_of,
    is_known_base,
    is_slot,
    named_in_library,
    namespace,
    parts_of_type,
    slots_of,
)
from odibi_core.cache.ownership import Ownership
from odibi_core.engines.digests import CodeDigest, Count, NotDigestibleError, TooManyValuesError
from odibi_core.errors import STOPS

_LOGGERS: Final = frozenset({"logging", "odibi_core.logs.program_logger", "odibi_core.logs.structured_logger"})
"""Modules of loggers: a line of a log is no part of a result."""
_NOT_MEMBERS_TEXT: Final = """
    __doc__ __module__ __dict__ __weakref__ __firstlineno__ __static_attributes__ __annotations__ __annotate__
    __annotate_func__ __annotations_cache__ __abstractmethods__ _abc_impl __orig_bases__ __parameters__
    __dataclass_params__ __dataclass_fields__ _member_map_ _value2member_map_ _hashable_values_ _unhashable_values_
    _unhashable_values_map_ _member_names_ _new_member_ _value_repr_
"""
_NOT_MEMBERS: Final = frozenset(_NOT_MEMBERS_TEXT.split())
_FRAMES: Final = ("pandas", "polars", "pyarrow")
_LARGE: Final = 1_000_000
"""Bytes of an array."""
_MOST: Final = 5_000
"""Functions, classes and values of one step; code that reaches more has no key."""


class CodeReader:
    """Collects the parts of the code of one step.

    Attributes:
        parts: The digest of each part by its readable name.
        unknown: A sentence for each part that has no digest.
        reasons: The same, and a sentence for each part that depends on more than the code, such as the clock.
        functions: The functions of the project.
        modules: The libraries.

    Args:
        loads: False at the start of a run, before a step works: a module that a body imports is not imported but
            counts by its text, and frames and large arrays among the values are not read.
    """

    def __init__(self, *, loads: bool = True) -> None:
        self.parts: dict[str, str] = {}
        self.unknown: list[str] = []
        self.reasons: list[str] = []
        self.functions: list[Any] = []
        self.modules: set[str] = set()
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        """The visited objects: an id is unique only while its object lives."""
        self.owner = Ownership()
        self._loads = loads
        self._count = Count()

    def read(self, function: Any) -> None:
        """Collect the parts of a callable and of all that it reaches. Never raises."""
        self._guarded(lambda: self._function_and_home(function), "its code")

    def value(self, value: Any, label: str) -> None:
        """Collect a value, such as a parameter. Never raises."""
        self._guarded(lambda: self._add(label, self._reference(value, label)), label)

    def digest(self) -> str:
        """Return the digest of all parts."""
        digest = CodeDigest()
        for name in sorted(self.parts):
            digest.bytes(name, self.parts[name])
        return digest.hex()

    def _guarded(self, collect: Callable[[], None], label: str) -> None:
        try:
            collect()
        except STOPS:
            raise
        except RecursionError:
            self._unknown(f"{label} refers to too many other functions")
        except TooManyValuesError as error:
            self._unknown(f"{label}: {error}")
        except BaseException as error:  # an object of the program may raise anything
            self._unknown(f"{label} cannot be examined: {type(error).__name__}: {error}")

    def _function_and_home(self, function: Any) -> None:
        inner = inspect.unwrap(function.func if isinstance(function, functools.partial) else function)
        code = getattr(inner, "__code__", None)
        if isinstance(code, CodeType) and self.owner.is_library_file(code.co_filename):
            self.owner.home = f"{Path(code.co_filename).parent}/"
        self._add("the function", self._reference(function, "the function"))

    def _add(self, label: str, digest: str) -> None:
        name, number = label, 2
        while name in self.parts:
            name, number = f"{label} ({number})", number + 1
        self.parts[name] = digest

    def _digest(self) -> CodeDigest:
        return CodeDigest(count=self._count)

    def _impure(self, text: str) -> str:
        """Note that the code depends on more than its parts."""
        if text not in self.reasons:
            self.reasons.append(text)
        return "?"

    def _unknown(self, text: str) -> str:
        """Note a part that has no digest."""
        if text not in self.unknown:
            self.unknown.append(text)
        return self._impure(text)

    def _reference(self, value: Any, label: str, chain: tuple[str, ...] = ()) -> str:
        """Return a text that stands for a value: its digest, or the number of the object that was collected."""
        kind = type(value)
        if isinstance(value, ModuleType):
            return self._module(value, label, chain)
        if isinstance(value, type):
            return self._own_class(value, label, chain) if self.owner.is_project(value) else self._library(value, chain)
        if kind is FunctionType:
            return self._function(value)
        if kind is MethodType:
            return f"{self._function(value.__func__)} of {self._reference(value.__self__, label)}"
        if isinstance(value, BuiltinFunctionType):
            return self._builtin(value, label)
        if isinstance(value, functools.partial):
            inner = (self._reference(each, label) for each in (value.func, list(value.args), dict(value.keywords)))
            return self._digest().bytes("partial", *inner).hex()
        if isinstance(value, staticmethod | classmethod):
            return f"{kind.__name__} {self._reference(value.__func__, label)}"
        if isinstance(value, property):
            return " ".join(self._reference(each, label) for each in (value.fget, value.fset, value.fdel))
        if kind.__module__ == "functools" and (wrapped := getattr(value, "__wrapped__", getattr(value, "func", None))):
            return f"{kind.__name__} {self._reference(wrapped, label)}"
        if (named := named_in_library(value)) is not None:
            return self._checked(named, chain)
        self._attributes(chain, label)
        return self._plain(value, label)

    def _attributes(self, chain: tuple[str, ...], label: str) -> str:
        """Note the attributes of a value of unknown type that read or change more than the value."""
        for each in chain:
            if why := reason_of_attribute(each):
                self._impure(f"{label} uses {why} (.{each})")
        return " ".join(self._added(each) for each in chain)

    def _added(self, attribute: str) -> str:
        """Collect what the project has added to the frames of a library under a name."""
        found = []
        for each in added(attribute):
            if isinstance(each, type) and self.owner.is_project(each):
                found.append(self._once(each, self._class))
            elif isinstance(each, FunctionType) and not self.owner.is_library_file(each.__code__.co_filename):
                found.append(self._function(each))
        return " ".join(found)

    def _plain(self, value: Any, label: str) -> str:
        kind = type(value)
        try:
            if kind.__module__.partition(".")[0] in _FRAMES:
                return self._frame(value, label)
            return self._digest().value(value).hex()
        except TooManyValuesError as error:
            return self._unknown(f"{label}: {error}")
        except NotDigestibleError as error:
            reason = str(error)
        if kind in (list, tuple, dict, set, frozenset):
            return self._once(value, lambda each: self._items(each, label))
        if kind.__module__ in _LOGGERS:
            return f"logger {kind.__name__}"
        if kind in (SimpleNamespace, MappingProxyType):
            return self._once(value, lambda each: self._items(namespace(each), label))
        if kind in (GenericAlias, UnionType) or kind.__module__ == "typing":
            return " ".join([type(value).__name__, *(self._reference(each, label) for each in parts_of_type(value))])
        if is_of_numpy(kind):
            return self._array(value, label)
        if isinstance(value, Enum):
            return f"{self._reference(kind, label)}.{value.name} {self._reference(value.value, label)}"
        if self.owner.is_project(kind) and not isinstance(value, type):
            return self._once(value, lambda each: self._instance(each, label))
        return self._unknown(f"{label}: {reason}")

    def _frame(self, value: Any, label: str) -> str:
        if not self._loads:
            return self._unknown(f"{label}: a {type(value).__name__} is not read at the start of a run")
        from odibi_core.engines.fingerprint import fingerprint  # here: few functions hold frames

        self.modules.add(type(value).__module__)
        return fingerprint(value)

    def _array(self, value: Any, label: str) -> str:
        self.modules.add(type(value).__module__)
        size = getattr(value, "nbytes", 0)
        if size > _LARGE and not self._loads:
            return self._unknown(f"{label}: an array of {size:,} bytes is not read at the start of a run")
        try:
            return digest_of_array(value, self._digest())
        except NotDigestibleError as error:
            return self._unknown(f"{label}: {error}")

    def _items(self, value: Any, label: str) -> str:
        """Return the digest of a container whose members are not all plain, such as a table of functions."""
        digest = self._digest().bytes(type(value).__name__, str(len(value)))
        if isinstance(value, dict):
            for key, each in value.items():
                digest.bytes(self._reference(key, label), self._reference(each, label))
        elif isinstance(value, list | tuple):
            digest.bytes(*(self._reference(each, label) for each in value))
        else:
            digest.bytes(*sorted(self._alone(each, label) for each in value))
        return digest.hex()

    def _alone(self, value: Any, label: str) -> str:
        """Return the digest of a member of a set, which has no order: the members are read apart from each other."""
        self._count.add(CodeDigest.most)
        reader = copy(self)
        reader.parts, reader._numbers = {}, {}
        return self._digest().bytes(reader._reference(value, label), reader.digest()).hex()

    def _instance(self, value: Any, label: str) -> str:
        kind = type(value)
        if any(not self.owner.is_project(base) and not is_known_base(base) for base in kind.__mro__[1:]):
            return self._unknown(f"{label}: a {kind.__name__} is derived from a class of a library")
        slots = [name for base in kind.__mro__ for name in slots_of(base)]
        state = {**getattr(value, "__dict__", {}), **{name: getattr(value, name, "unset") for name in slots}}
        parts = [text for name, each in state.items() for text in (name, self._reference(each, f"{label}.{name}"))]
        if (content := content_of(value)) is not None:
            parts.append(self._reference(content, label))
        return self._digest().bytes(self._reference(kind, label), *parts).hex()

    def _once(self, value: Any, collect: Any) -> str:
        """Return the number of an object, which is collected the first time: code may refer to itself."""
        if id(value) in self._numbers:
            return f"#{self._numbers[id(value)]}"
        if len(self._numbers) >= _MOST:
            return self._unknown("its code refers to too many other functions")
        number = self._numbers[id(value)] = len(self._numbers)
        self._alive.append(value)
        return f"#{number} {collect(value)}"

    def _function(self, function: FunctionType) -> str:
        if self.owner.is_library_file(function.__code__.co_filename):
            return self._once(function, self._library_function)
        return self._once(function, self._project_function)

    def _library_function(self, function: FunctionType) -> str:
        """Return the name of a function of a library, and the functions that it wraps."""
        module = str(function.__globals__.get("__name__", ""))
        cells = [self._cell(cell, f"a value inside {module}.{function.__qualname__}") for cell in cells_of(function)]
        return " ".join([self._checked(f"{module}.{function.__qualname__}", ()), *cells])

    def _project_function(self, function: FunctionType) -> str:
        self.functions.append(function)
        code, name, form = function.__code__, function.__qualname__, form_of(function.__code__)
        if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR) and not self.functions[1:]:
            self._impure(f"{name} is a generator, whose result can be read once")
        digest = self._digest().bytes(form.digest)
        free = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        for variable, cell in free.items():
            self._add(f"closure {variable!r} of {name}", self._cell(cell, f"closure {variable!r} of {name}"))
        for argument, default in defaults_of(function):
            label = f"default {argument!r} of {name}"
            self._add(label, self._reference(default, label))
        for use in form.uses:
            digest.bytes(use.kind, use.name, self._use(use, function, free))
        names = {each for use in form.uses for each in (use.name, *use.chain)}
        if {"query", "eval"} & names and any("@" in text for text in form.texts):
            self._unknown(f"{name} names variables in the text of a query")
        self._add(f"code of {name}", digest.hex())
        return name

    def _use(self, use: Use, function: FunctionType, free: dict[str, Any]) -> str:
        name = function.__qualname__
        if use.kind == "assigned":
            return self._impure(f"{name} assigns the global {use.name!r}")
        if use.kind == "attribute":
            return self._attributes((use.name,), name)
        if use.kind == "import":
            return self._import(use, function)
        if use.name in free or use.name in function.__code__.co_cellvars:
            return self._attributes(use.chain, name)
        inside = function.__globals__
        if use.name not in inside:
            is_hash = function.__name__ == "__hash__"  # of a dataclass; `hash(…)` in other code reads the hash seed
            if not is_hash and (why := reason_of_name(use.name)) and hasattr(builtins, use.name):
                self._impure(f"{name} uses {why} ({use.name})")
            return self._attributes(use.chain, name) + ("builtin" if hasattr(builtins, use.name) else "not defined")
        value, label = inside[use.name], f"global {use.name!r} of {name}"
        if (library := self.owner.exporter(value, use.name)) is not None:
            return self._checked(f"{library}.{use.name}", use.chain)
        found = self._reference(value, label, use.chain)
        if not callable(value) and not isinstance(value, ModuleType):
            self._add(label, found)
            return ""
        return found

    def _import(self, use: Use, function: FunctionType) -> str:
        package = function.__globals__.get("__package__") or ""
        full = resolve_name("." * use.level + use.name, package) if use.level else use.name
        if not self._loads:
            texts = list(texts_of(use, package, self.owner))
            for name, content in texts:
                self.parts[f"text of module {name}"] = self._digest().bytes(content).hex()
            return " ".join(name for name, _ in texts) or self._checked(full, use.chain)
        if why := reason_of_name(".".join((full, *use.chain))):
            return self._impure(f"{function.__qualname__} uses {why} ({full})")
        module = import_module(full)
        if use.chain:
            return self._reference(getattr(module, use.chain[0]), f"{full}.{use.chain[0]}")
        if not self.owner.is_project(module):
            return self._module(module, full, ())
        return self._impure(f"{function.__qualname__} imports the module {full} in its body; import names from it")

    def _module(self, module: ModuleType, label: str, chain: tuple[str, ...]) -> str:
        if chain and (not self.owner.is_project(module) or hasattr(module, chain[0])):
            value = getattr(module, chain[0], None)
            if self.owner.is_project(module) or isinstance(value, ModuleType):
                return self._reference(value, f"{label}.{chain[0]}", chain[1:])
        if not self.owner.is_project(module):
            return self._checked(module.__name__, chain)
        return self._unknown(f"{label} is a module of the project that is used as a value")

    def _library(self, value: type, chain: tuple[str, ...]) -> str:
        return self._checked(f"{value.__module__}.{value.__qualname__}", chain)

    def _builtin(self, value: Any, label: str) -> str:
        owner = value.__self__
        if owner is None or isinstance(owner, ModuleType):
            module = value.__module__ or "builtins"
            if module and module != "builtins" and not self.owner.has_version(module):
                return self._impure(f"{label} is the function {value.__name__} of {module}, whose version is unknown")
            return self._checked(f"{module}.{value.__qualname__}", ())
        named = self._checked(f"{type(owner).__module__}.{type(owner).__qualname__}.{value.__name__}", ())
        return f"{named} of {self._reference(owner, label)}"

    def _checked(self, name: str, chain: tuple[str, ...]) -> str:
        """Return the name of something of a library; its version is a part of the key."""
        full = ".".join((name, *chain)).removeprefix("builtins.")
        if not name.startswith("builtins."):
            self.modules.add(name)
        if why := reason_of_name(full):
            self._impure(f"it uses {why} ({full})")
        return " ".join([full, *filter(None, map(self._added, chain))])

    def _cell(self, cell: Any, label: str) -> str:
        try:
            value = cell.cell_contents
        except ValueError:
            return "empty"
        return self._reference(value, label)

    def _own_class(self, value: type, label: str, chain: tuple[str, ...]) -> str:
        is_member = chain and any(chain[0] in vars(base) for base in value.__mro__ if self.owner.is_project(base))
        rest = self._attributes(chain[1:] if is_member else chain, label)
        return f"{self._once(value, self._class)} {rest}"

    def _class(self, value: type) -> str:
        """Collect a class of the project: its members, its bases and its metaclass."""
        name = value.__qualname__
        digest = self._digest().bytes(*(self._reference(base, name) for base in (*value.__bases__, type(value))))
        for member, each in vars(value).items():
            if member not in _NOT_MEMBERS and not is_slot(each):
                digest.bytes(member, self._reference(each, f"{name}.{member}"))
        annotations = repr(inspect.get_annotations(value))
        digest.bytes("" if " at 0x" in annotations else annotations)
        self._add(f"code of {name}", digest.hex())
        return name
