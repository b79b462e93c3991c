"""The identity of a step: hashes of its code and of its parameters, by which a later run knows that it is the same.

The code is the function, what it is made of (defaults, closures, wrappers) and what it uses of the same project:
functions, classes, modules and constants. Code of installed packages counts by its name. An object that has no plain
value has no hash: a step that uses one is not known to be the same, and is run again.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from importlib.machinery import PathFinder
from itertools import accumulate, chain
from logging import Logger
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from odibi_core.cache.objects import slots_of
from odibi_core.errors import STOPS
from odibi_core.pipeline import Step
from odibi_core.redaction import is_secret_name
from odibi_core.runtime.run_context.packages import imports_of
from odibi_core.unwrapping import unwrapped

_MAX_PARTS: Final = 5_000
_MAX_VALUES: Final = 50_000
"""Members of collections that are read: lists may hold each other, and hold millions of members together."""
_HERE: Final = str(Path(__file__).resolve().parents[2])
_STANDARD_LIBRARY: Final = str(Path(os.__file__).resolve().parent)
_BY_REPR: Final = (
    int, float, complex, str, bytes, bool, type(None), type(...), date, datetime, time, timedelta, Decimal, range,
)  # fmt: skip
_COLLECTIONS: Final = (list, tuple, set, frozenset, dict)

_NO_PARAMS: Final = {"params_hash": "none"}


class _UnknownError(Exception):
    """A value without a plain form; the message names it."""


class Identities:
    """The identities of the steps of one run; many of them may share a function.

    Without a record nothing can be resumed: then they are empty.
    """

    def __init__(self, *, is_recorded: bool = True) -> None:
        self._is_recorded = is_recorded
        self._values: dict[int, dict[str, str]] = {}

    def of(self, step: Step) -> dict[str, Any]:
        """Return `code_hash` and `params_hash` of a step; instead of one that is unknown, the reason. Never raises."""
        if not self._is_recorded:
            return {}
        if id(step.value) not in self._values:
            self._values[id(step.value)] = _hashed("code", lambda digest: digest.value(step.value, "its code"))
        found = self._values[id(step.value)]
        if "code_hash" in found:
            found = _hashed("code", lambda digest: _add_step(digest, step, found["code_hash"]))
        name = getattr(unwrapped(step.value), "__qualname__", None) if step.operation == "call" else None
        named = {"function": name} if isinstance(name, str) else {}
        params = _hashed("params", lambda digest: _add_params(digest, step.params)) if step.params else _NO_PARAMS
        return {**found, **named, **params}


def _hashed(name: str, add: Callable[[_Digest], None]) -> dict[str, str]:
    digest = _Digest()
    try:
        add(digest)
    except STOPS:
        raise
    except _UnknownError as unknown:
        return {f"{name}_unknown": str(unknown)}
    except BaseException as error:
        return {f"{name}_unknown": f"it could not be read: {type(error).__name__}"}
    return {f"{name}_hash": digest.hexdigest()}


def _add_step(digest: _Digest, step: Step, value: str) -> None:
    digest.add(step.operation, step.layer, sorted(step.outputs.items()), sorted(step.inputs.items()), value)
    for check in step.checks:
        digest.add("check", type(check).__qualname__, getattr(check, "name", None), getattr(check, "column", None))


def _add_params(digest: _Digest, params: Mapping[str, Any]) -> None:
    """Add the parameters by name. A changed password does not change the data, and its hash could be guessed."""
    for name in sorted(params):
        digest.add(name)
        if not is_secret_name(name):
            digest.value(params[name], f"its parameter {name}")


class _Digest:
    """A hash over values and code; each function and module counts once."""

    def __init__(self, members: Iterator[int] | None = None) -> None:
        self._members = iter(range(_MAX_VALUES)) if members is None else members
        self._hash = blake2b(digest_size=16)
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def add(self, *parts: object) -> None:
        """Add plain parts."""
        for part in parts:
            content = repr(part).encode("utf-8", "surrogatepass")
            self._hash.update(b"%d:" % len(content) + content)

    def _is_known(self, value: Any) -> bool:
        """Return whether the value was added before; then its number is added."""
        number = self._seen.get(id(value))
        if number is not None:
            self.add("again", number)
            return True
        if len(self._seen) >= _MAX_PARTS:
            raise _UnknownError(f"it uses more than {_MAX_PARTS:,} parts")
        self._seen[id(value)] = len(self._seen)
        self._alive.append(value)
        return False

    def value(self, value: Any, name: str) -> None:
        """Add a value of any type.

        Raises:
            _UnknownError: It has no plain form.
        """
        kind = type(value)
        if next(self._members, None) is None:
            raise _UnknownError(f"{name} uses more than {_MAX_VALUES:,} values")
        if kind in _BY_REPR or isinstance(value, PurePath):
            self.add(kind.__qualname__, value)
        elif isinstance(value, _COLLECTIONS):
            self._collection(value, name)
            if kind not in _COLLECTIONS and _is_own(kind):
                self._state(value, name)
        else:
            self._object(value, name)

    def _collection(self, value: Any, name: str) -> None:
        kind = type(value).__qualname__
        if isinstance(value, (set, frozenset)):
            self.add(kind, sorted(self._alone(each, name) for each in value))
            return
        self.add(kind, len(value))
        for each in chain.from_iterable(value.items()) if isinstance(value, dict) else value:
            self.value(each, name)

    def _alone(self, value: Any, name: str) -> str:
        """Return the hash of a member of a set, which has no order."""
        digest = _Digest(self._members)
        digest.value(value, name)
        return digest.hexdigest()

    def _object(self, value: Any, name: str) -> None:
        kind = type(value)
        if isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, ModuleType):
            self._module(value)
        elif isinstance(value, MethodType):
            self.value(value.__func__, name)
            self.value(value.__self__, name)
        elif isinstance(value, functools.partial):
            self.add("partial")
            for part in (value.func, value.args, value.keywords):
                self.value(part, name)
        elif isinstance(value, BuiltinFunctionType):
            self.add("builtin", value.__module__, value.__qualname__)
        elif (inner := getattr(value, "__wrapped__", None)) is not None and not _is_own(kind):  # functools.cache
            self.value(inner, name)
        elif isinstance(value, Enum):
            self.add("enum", kind.__qualname__, value.name)
            if _is_own(kind):
                self.value(kind, name)
                self.value(value._value_, name)
        elif isinstance(value, re.Pattern):
            self.add("pattern", value.pattern, value.flags)
        elif isinstance(value, Logger):
            self.add("logger", value.name)
        else:
            self._instance(value, name)

    def _instance(self, value: Any, name: str) -> None:
        """Add an object of a class of the project by its attributes."""
        kind = type(value)
        if not _is_own(kind):
            raise _UnknownError(f"{name} uses a {kind.__name__}, which has no plain value")
        if not self._is_known(value):
            self._state(value, name)

    def _state(self, value: Any, name: str) -> None:
        """Add the class of an object, its plain value if it is a text or a number too, and its attributes."""
        kind = type(value)
        self.value(kind, name)
        plain: Any = next((base for base in kind.__mro__ if base in _BY_REPR), None)
        if plain is not None:
            self.add(plain.__repr__(value))
        slots = [each for base in kind.__mro__ for each in slots_of(base)]
        fields = {**getattr(value, "__dict__", {}), **{each: getattr(value, each, None) for each in slots}}
        self.value({key: fields[key] for key in sorted(fields)}, name)

    def _function(self, function: FunctionType) -> None:
        if self._is_known(function):
            return
        if not _is_own(function):
            self.add("installed", function.__module__, function.__qualname__)
            if (inner := getattr(function, "__wrapped__", None)) is not None:
                self.value(inner, function.__qualname__)
            return
        self.add("function", function.__name__)
        for module in imports_of(function.__code__):
            self._import(module, function.__globals__.get("__package__"))
        self._code(function.__code__, function.__globals__)
        for part in (function.__defaults__, function.__kwdefaults__):
            self.value(part, f"{function.__name__}()")
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self.add(name)
            try:
                content = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            self.value(content, f"{function.__name__}(), by {name},")

    def _code(self, code: CodeType, names: dict[str, Any]) -> None:
        """Add the instructions, the constants, and what the global names refer to."""
        self.add(code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_flags, code.co_exceptiontable)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._code(constant, names)
            else:
                self.value(constant, code.co_name)
        for name in code.co_names:
            if name in names:
                self.add(name)
                if not _is_exported(names[name], name):
                    self.value(names[name], f"{code.co_name}(), by {name},")

    def _import(self, name: str, package: str | None) -> None:
        """Add a module of the project that a body imports, by its text; it may be one of the packages around it."""
        for inside in dict.fromkeys(("", *accumulate((package or "").split("."), "{}.{}".format))):
            file = _file_of_import(f"{inside}.{name}".strip("."))
            if file and not _is_installed(file):
                self.add("import", name, Path(file).read_bytes())

    def _class(self, kind: type) -> None:
        if self._is_known(kind):
            return
        self.add("class", kind.__module__, kind.__qualname__)
        if not _is_own(kind):
            return
        for base in kind.__bases__:
            self.value(base, kind.__name__)
        for name, member in sorted(vars(kind).items()):
            inner = _function_of(member)
            if _is_member(name, inner):
                self.add(name)
                self.value(inner, kind.__name__)

    def _module(self, module: ModuleType) -> None:
        """Add a module of the project by its text: a function may use any name of it."""
        if self._is_known(module):
            return
        self.add("module", module.__name__.rpartition(".")[2])
        file = getattr(module, "__file__", None)
        if file and not _is_installed(file):
            self.add(Path(file).read_bytes())


def _file_of_import(name: str) -> str | None:
    """Return the file of a module, which is not imported for that; None if it has none."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None)
    file, path = None, None
    for part in accumulate(name.split("."), "{}.{}".format):
        spec = PathFinder.find_spec(part, path)
        if spec is None:
            return None
        file, path = spec.origin, spec.submodule_search_locations or []
    return file


def _function_of(member: Any) -> Any:
    """Return the function of a method or of a property; another member of a class as it is."""
    if isinstance(member, functools.cached_property):
        return member.func
    return getattr(member, "__func__", None) or getattr(member, "fget", None) or member


def _is_member(name: str, member: Any) -> bool:
    """Return whether a member of a class is code or a value, and not what Python or a library adds to each class."""
    if isinstance(member, (FunctionType, functools.partial)) or hasattr(member, "__wrapped__"):
        return True
    kind = type(member)
    is_value = kind in _BY_REPR or kind in _COLLECTIONS or isinstance(member, type) or _is_own(kind)
    return is_value and not name.startswith("__")


def _is_exported(value: Any, name: str) -> bool:
    """Return whether a name is that of an object of an installed package, such as `polars.col`."""
    top = sys.modules.get(str(getattr(type(value), "__module__", "")).partition(".")[0])
    return top is not None and getattr(top, name, None) is value and _is_installed(getattr(top, "__file__", None) or "")


def _is_own(value: Any) -> bool:
    """Return whether a function or a class is of the project, and of no installed package."""
    code = getattr(value, "__code__", None)
    return not _is_installed(code.co_filename if isinstance(code, CodeType) else _file_of(value))


def _file_of(kind: Any) -> str:
    module = sys.modules.get(str(getattr(kind, "__module__", "")))
    if module is None:
        return ""
    return getattr(module, "__file__", None) or ("" if module.__name__ in ("__main__", "__mp_main__") else "<built-in>")


@functools.cache
def _is_installed(file: str) -> bool:
    """Return whether a file is one of Python, of an installed package, or of odibi-core."""
    if file == "<built-in>" or file.startswith("<frozen"):
        return True
    if not file or file.startswith("<"):
        return False
    path = str(Path(file).resolve())
    return path.startswith((_STANDARD_LIBRARY, _HERE)) or "-packages" in path
