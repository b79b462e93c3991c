"""Loading of the pipeline in a Python file: `FILE[:NAME]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import blake2s
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from traceback import walk_tb
from types import CodeType, ModuleType
from typing import Any

from odibi_core.errors import PipelineDefinitionError, nearest
from odibi_core.events.normalize import to_text
from odibi_core.pipeline.main_call import MainCall
from odibi_core.pipeline.step import Step

_PREFIX = "_odibi_pipeline_"
NAMES = ("pipeline", "steps", "build")
"""The usual names of a pipeline, in the order of precedence."""


def load_pipeline(target: str) -> list[Any]:
    """Return the steps and functions at `FILE` or `FILE:NAME`, for `compile`.

    NAME is a list, or a function without arguments that returns one. Without NAME the pipeline is `pipeline`, `steps`
    or `build`, otherwise the only list of steps or functions, otherwise the only list that the file passes to
    `run([…])`. Each call runs the file. Afterwards its folder is first on `sys.path`, and the file is a module that its
    steps, their pickles and spawned workers can import.

    Raises:
        PipelineDefinitionError: There is no file or no pipeline, or the file raises; names its line.
    """
    path, name = split_target(target)
    module = _guarded(lambda: _run(path, importable=True), path, "while it was imported")
    found = _named(module, path, name) if name else _unnamed(module, path)
    if callable(found):
        found = _guarded(found, path, f"while {name or found.__name__}() was called")
    if not isinstance(found, (list, tuple)):
        what = f"{name} in {path.name}" if name else f"the pipeline of {path.name}"
        raise PipelineDefinitionError(f"{what} is a {type(found).__name__}; it must be a list of steps or functions")
    return list(found)


def load_module(target: str, *, importable: bool = False) -> ModuleType:
    """Return the module of a file, which is run, or of a dotted name.

    Args:
        target: A path or a dotted name.
        importable: Let the file, and the modules beside it, be imported afterwards.

    Raises:
        PipelineDefinitionError: There is no such file or module, or it raises; names its line.
    """
    if target.endswith(".py") or "/" in target or Path(target).exists():
        path, _ = split_target(target)
        return _guarded(lambda: _run(path, importable), path, "while it was imported")  # type: ignore[no-any-return]
    try:
        return import_module(target)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # including SystemExit: it is raised by the file, and nothing has run yet
        raise PipelineDefinitionError(
            f"the module {target!r} cannot be imported{_innermost(error)}: {_what(error)}"
        ) from error


def shown_name(module: str) -> str:
    """Return the name of a module for messages; for one that was loaded from a file, the name of the file."""
    found = sys.modules.get(module)
    file = getattr(found, "__file__", None) if isinstance(getattr(found, "__loader__", None), _Source) else None
    return Path(file).stem if file else module


def split_target(target: str) -> tuple[Path, str]:
    """Return the existing file of `FILE[:NAME]`, and the name or an empty text."""
    whole = Path(target)
    file, colon, name = target.rpartition(":")
    path = whole if whole.exists() or not colon else Path(file)
    if path.is_file():
        return path.resolve(), "" if path is whole else name
    if path.is_dir():
        raise PipelineDefinitionError(f"{str(path)!r} is a folder; name the Python file in it that holds the pipeline")
    if not path.parent.is_dir():
        raise PipelineDefinitionError(f"there is no file {str(path)!r}: there is no folder {str(path.parent)!r}")
    beside = [each.name for each in path.parent.glob("*.py") if each.is_file()]
    raise PipelineDefinitionError(f"there is no file {str(path)!r}{nearest(path.name, beside)}")


class _Source(SourceFileLoader):
    """A loader that runs the present content of a file, and writes no compiled copy."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _run(path: Path, importable: bool = False) -> ModuleType:
    """Run a file as a module; its folder is on `sys.path` while it runs, and stays there if it is `importable`."""
    package, root = _package_of(path)
    _forget_namesake(package.partition(".")[0])
    name = _name_of(path, package, importable)
    loader = _Source(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path), is_package=path.stem == "__init__")
    spec.has_location = True
    if spec.submodule_search_locations is not None:
        spec.submodule_search_locations.append(str(path.parent))
    module = module_from_spec(spec)
    known = sys.modules.get(name)
    folders = [str(path.parent), *([str(root)] if package else [])]
    sys.path[:0] = folders
    sys.modules[name] = module  # where pickle and dataclasses look for what the file defines
    try:
        loader.exec_module(module)
    except BaseException:
        _forget(name, known, folders)
        raise
    if not importable:
        _forget("", None, folders)
    return module


def _forget_namesake(package: str) -> None:
    """Forget a file that was loaded before under the name of the package, whose imports would look into the file."""
    known = sys.modules.get(package)
    if isinstance(getattr(known, "__loader__", None), _Source) and not hasattr(known, "__path__"):
        del sys.modules[package]


def _forget(name: str, known: ModuleType | None, folders: list[str]) -> None:
    sys.modules.pop(name, None)
    if known is not None:
        sys.modules[name] = known
    for folder in folders:
        if folder in sys.path:
            sys.path.remove(folder)


def _name_of(path: Path, package: str, importable: bool) -> str:
    """Return the name by which a worker process can import the file, or a unique one if another module has it."""
    stem = path.stem
    name = package if package and stem == "__init__" else f"{package}.{stem}" if package else stem
    known = sys.modules.get(name)
    taken = known is not None and getattr(known, "__file__", None) != str(path)
    if importable and not taken and "." not in stem and stem not in sys.stdlib_module_names:
        return name
    own = f"{_PREFIX}{blake2s(str(path).encode(errors='surrogateescape'), digest_size=8).hexdigest()}"
    return f"{package}.{own}" if package else own  # then its relative imports mean something


def _package_of(path: Path) -> tuple[str, Path]:
    """Return the dotted name of the package of a file, or "", and the folder that contains the package."""
    names: list[str] = []
    folder = path.parent
    while folder.name.isidentifier() and (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names), folder


def _guarded(call: Callable[[], Any], path: Path, when: str) -> Any:
    """Call code of the file; an exception becomes a PipelineDefinitionError that names the line."""
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # including SystemExit: it is raised by the file, and nothing has run yet
        raise PipelineDefinitionError(f"{path.name}{_where(error, path)}, {when}: {_what(error)}") from error


def _where(error: BaseException, path: Path) -> str:
    """Return the last line of the file in the traceback, and the place of the error if that is elsewhere."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return _line(error.lineno, error.text)
    places = _places(error)
    lines = [line for file, line in places if file == path]
    if not lines:
        return ""
    file, line = places[-1]
    elsewhere = "" if file == path else f", raised in {file.name}, line {line}"
    return _line(lines[-1], _text_of(path, lines[-1])) + elsewhere


def _innermost(error: BaseException) -> str:
    """Return the innermost place in a source file, or ""; frames of Python's import system are left out."""
    if isinstance(error, SyntaxError) and error.filename:
        return f", {Path(error.filename).name}{_line(error.lineno, error.text)}"
    own = [
        (file, line)
        for file, line in _places(error)
        if file.is_file() and file != Path(__file__) and file.parent.name != "importlib"
    ]
    if not own:
        return ""
    file, line = own[-1]
    return f", {file.name}{_line(line, _text_of(file, line))}"


def _places(error: BaseException) -> list[tuple[Path, int]]:
    return [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]


def _text_of(file: Path, line: int) -> str | None:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[line - 1] if line <= len(lines) else None


def _line(number: int | None, text: str | None) -> str:
    shown = (text or "").strip()[:200]
    return f", line {number}" + (f" `{shown}`" if shown else "")


def _what(error: BaseException) -> str:
    text = " ".join(to_text((error.msg or "") if isinstance(error, SyntaxError) else error).split())[:500]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _named(module: ModuleType, path: Path, name: str) -> Any:
    if name in vars(module):
        return vars(module)[name]
    contents = _Contents(module)
    known = contents.lists + contents.functions
    raise PipelineDefinitionError(f"{path.name} has no {name!r}{nearest(name, known)}; {contents.text()}")


def _unnamed(module: ModuleType, path: Path) -> Any:
    members = vars(module)
    for name in NAMES:
        if name in members and not isinstance(members[name], ModuleType):
            return members[name]
    contents = _Contents(module)
    lists = contents.lists
    if len(lists) == 1:
        return members[lists[0]]
    if lists:
        raise PipelineDefinitionError(
            f"{path.name} has several pipelines: {', '.join(lists)}; name one: {path.name}:{lists[0]}"
        )
    called = MainCall(path, module)
    if (passed := called.pipeline()) is not None:
        return passed
    steps = [name for name in members if name in {*contents.functions, *contents.steps}]
    line = called.line() or (f"pipeline = [{_some(steps)}]" if steps else "")
    advice = f"; add this line at its end: {line}" if line else ""
    raise PipelineDefinitionError(
        f"{path.name} has no pipeline: no list of steps or functions, and nothing called"
        f" {', '.join(NAMES[:-1])} or {NAMES[-1]}; {contents.text()}{advice}"
    )


class _Contents:
    """The public names of a file that a pipeline could be made of."""

    def __init__(self, module: ModuleType) -> None:
        own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
        self.lists = [name for name, value in own.items() if _is_pipeline(value)]
        self.functions = [
            name
            for name, value in own.items()
            if callable(value) and getattr(value, "__module__", None) == module.__name__
        ]
        self.steps = [name for name, value in own.items() if isinstance(value, Step)]

    def text(self) -> str:
        """Return a sentence for a message."""
        kinds = {"lists": self.lists, "functions": self.functions, "steps": self.steps}
        found = [f"{kind} {_some(names)}" for kind, names in kinds.items() if names]
        return f"it has {'; '.join(found)}" if found else "it has no lists, functions or steps"


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:8])}{', …' * (len(names) > 8)}"


def _is_pipeline(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(e, Step) or callable(e) for e in value)
