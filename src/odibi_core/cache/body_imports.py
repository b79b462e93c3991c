"""The modules of the project that the body of a function imports, by their texts: none is imported for that."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import resolve_name
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from odibi_core.cache.normal_code import Form, Use, form_of
from odibi_core.cache.ownership import Ownership


class _Text(NamedTuple):
    content: bytes
    form: Form


def texts_of(use: Use, package: str, owner: Ownership) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the text of each module of the project that an import loads, and that those import in turn.

    Raises:
        OSError: A file cannot be read.
        SyntaxError: A file is no Python.
    """
    waiting, seen = list(_names(use, package)), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = _source_of(name)
        if found is None or owner.is_library_file(found[0]):
            continue
        text = _read(found[0], Path(found[0]).read_bytes())
        yield name, text.content
        inside = name if found[1] else name.rpartition(".")[0]
        waiting += [each for use in text.form.uses if use.kind == "import" for each in _names(use, inside)]


def _names(use: Use, package: str) -> Iterator[str]:
    """Yield the modules that an import may load: the packages around it too, and the name that it takes from it."""
    try:
        full = resolve_name("." * use.level + use.name, package) if use.level else use.name
    except ImportError:
        return
    yield from accumulate(full.split("."), "{}.{}".format)
    for name in use.chain:
        yield f"{full}.{name}"


def _source_of(name: str) -> tuple[str, bool] | None:
    """Return the file of a module, and whether it is a package; None if it has no file of Python."""
    module = sys.modules.get(name)
    if module is not None:
        file = getattr(module, "__file__", None)
        return (file, hasattr(module, "__path__")) if isinstance(file, str) and file.endswith(".py") else None
    if name.partition(".")[0] in sys.stdlib_module_names and "." in name:
        return None
    path, spec = None, None
    for part in accumulate(name.split("."), "{}.{}".format):
        spec = PathFinder.find_spec(part, path)
        if spec is None:
            return None
        path = spec.submodule_search_locations or []
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return spec.origin, spec.submodule_search_locations is not None


@functools.lru_cache(256)
def _read(file: str, content: bytes) -> _Text:
    return _Text(content, form_of(compile(content, file, "exec", dont_inherit=True)))
