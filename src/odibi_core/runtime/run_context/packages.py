"""The versions of the packages that the steps of a run use, or that the modules of an observed program import.

Modules and classes are read without their own access to attributes. An object that still raises is left out alone.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from opcode import opmap
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.errors import STOPS
from odibi_core.redaction.keys import Redacted

MAX_PACKAGES: Final = 100
_OWN: Final = "odibi_core"
_MAX_GLOBALS: Final = 2_000
_IMPORT: Final = opmap["IMPORT_NAME"]
_INSTALLED: Final = re.compile(r"(.+?)-([^-]+)\.(?:dist-info|egg-info)$")
_MAX_VERSION: Final = 64
_globals_of: Final = vars(ModuleType)["__dict__"].__get__
_module_of_class: Final = vars(type)["__module__"].__get__
"""As Python itself reads them: a module may have a `__dict__` of its own, and a metaclass a `__getattribute__`."""


class _Installed:
    """The versions of installed packages by folder, and those of the program with the number of loaded modules."""

    def __init__(self) -> None:
        self.folders: dict[str, dict[str, str]] = {}
        self.program: tuple[int, dict[str, str]] = (0, {})


_installed: Final = STATE.part(_Installed)


def packages_of(functions: Iterable[Any], engines: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the packages that functions use, and of the libraries of engines.

    A function uses what its module imports and what it imports itself.
    """
    names = dict.fromkeys([_OWN, *engines])
    modules: dict[int, dict[str, Any]] = {}
    for function in functions:
        inside = _tried(getattr, function, "__globals__", None)
        if issubclass(type(inside), dict):
            modules[id(inside)] = inside
        names.update(dict.fromkeys(_module_names(function)))
        names.update(dict.fromkeys(imports_of(_tried(getattr, function, "__code__", None))))
    for inside in modules.values():
        names.update(dict.fromkeys(_used_by(inside)))
    return _versions(names)


def packages_of_program() -> dict[str, str]:
    """Return the versions of the packages that the modules of the program import: those that no package installed."""
    if _installed.program[0] != len(sys.modules):
        names = {_OWN: None}
        for module in list(sys.modules.values()):
            if _is_own_code(module):
                names.update(dict.fromkeys(_used_by(_inside(module))))
        _installed.program = len(sys.modules), _versions(names)
    return _installed.program[1]


def _is_own_code(module: Any) -> bool:
    """Return true for a module of the program: it has a file, outside of the folders of libraries."""
    name, file = _text_in(module, "__name__"), _text_in(module, "__file__")
    if name is None:
        return False
    if name == "__main__":
        return True
    if name.partition(".")[0] in sys.stdlib_module_names or name.partition(".")[0] == _OWN:
        return False
    return file is not None and not file.startswith(sys.prefix) and "-packages" not in file


def _inside(module: Any) -> dict[str, Any]:
    """Return the names of a module without its own access to them, which may load or compute something."""
    if not issubclass(type(module), ModuleType):
        return {}
    found: dict[str, Any] = _globals_of(module)
    return found


def _text_in(module: Any, name: str) -> str | None:
    """Return a text among the globals of a module."""
    return _text(_tried(_inside(module).get, name))


def _tried(read: Callable[..., Any], *given: Any) -> Any:
    """Return what `read` finds; None if it raises: one object costs no other its packages."""
    try:
        return read(*given)
    except STOPS:
        raise
    except BaseException:
        return None


def _text(value: Any) -> str | None:
    """Return a text as a plain string, whose methods are Python's; None for any other object."""
    return str.__str__(value) if issubclass(type(value), str) else None


def _used_by(inside: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the modules that the globals of a module are, or come from."""
    for value in list(dict.values(inside))[:_MAX_GLOBALS]:
        yield from _module_names(value)


def _module_names(value: Any) -> Iterator[str]:
    """Yield the module that a value is or comes from; `type`, because a proxy may have the class of another object."""
    kind = type(value)
    if issubclass(kind, type):
        name = _text(_tried(_module_of_class, value))
    elif issubclass(kind, (FunctionType, BuiltinFunctionType)):
        name = _text(value.__module__)
    else:
        name = _text_in(value, "__name__")
    if name is not None:
        yield name


def imports_of(code: Any) -> Iterator[str]:
    """Yield the names of the modules that code imports in its body, without the dots of relative ones."""
    if type(code) is not CodeType:
        return
    instructions = code.co_code
    if _IMPORT in instructions:  # most code has none
        for operation, place in zip(instructions[::2], instructions[1::2], strict=True):
            if operation == _IMPORT and place < len(code.co_names):
                yield code.co_names[place]
    for constant in code.co_consts:
        yield from imports_of(constant)


def _versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions by name of package: of `google.cloud.bigquery` by the first part that has one."""
    found: dict[str, str] = {}
    for module in modules:
        parts = module.split(".")
        if parts[0] in sys.stdlib_module_names or parts[0] in ("__main__", ""):
            continue
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            version = found.get(name) or _version(name)
            if version is not None:
                found[name] = version
                break
        if len(found) >= MAX_PACKAGES:
            break
    return {name: found[name] for name in sorted(found)}


def _version(name: str) -> str | None:
    """Return the version of a loaded module, or of the package that is installed under its name."""
    version = _text_in(sys.modules.get(name), "__version__")
    if version is None:
        version = _installed_version(_normal(name))
    # A version holds no secret, whatever the package is called: `google-auth`.
    return Redacted(version[:_MAX_VERSION]) if version is not None and version.isprintable() else None


def _installed_version(name: str) -> str | None:
    for folder in sys.path:
        if type(folder) is not str:  # such as a `Path`, which an import passes over too
            continue
        if folder not in _installed.folders:
            _installed.folders[folder] = dict(_listed(folder))
        if name in _installed.folders[folder]:
            return _installed.folders[folder][name]
    return None


def _listed(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the names and versions of the packages in a folder, by the names of their metadata."""
    if not folder.endswith("-packages"):  # the program's own folder may be large, and holds no packages
        return
    try:
        names = os.listdir(folder)
    except (OSError, ValueError):
        return
    for each in names:
        if match := _INSTALLED.match(each):
            yield _normal(match[1]), match[2]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
