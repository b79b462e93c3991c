"""The source as it stands on disk: its units, their layers, and the syntax tree of each file."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "odibi_core"
PACKAGE = "odibi_core"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _layers() -> dict[str, int]:
    """Unit (package or root module) → layer, from the table of docs/design.md."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", text, re.MULTILINE)
    return {unit: int(layer) for layer, units in rows for unit in re.findall(r"`(\w+)`", units)}


LAYER_OF = _layers()


@dataclass(frozen=True)
class Module:
    """One source file: its dotted `name`, its `unit` (package or root module), its `path` below the package."""

    name: str
    unit: str
    path: str
    is_package: bool
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Import:
    """One imported module as written at `line`; `inside` a function, or `typing_only` below TYPE_CHECKING."""

    target: str
    line: int
    inside: bool
    typing_only: bool


def _module(file: Path) -> Module:
    path = file.relative_to(SOURCE)
    parts = path.with_suffix("").parts
    is_package = parts[-1] == "__init__"
    inner = parts[:-1] if is_package else parts
    text = file.read_text(encoding="utf-8")
    return Module(
        name=".".join((PACKAGE, *inner)),
        unit=inner[0] if inner else PACKAGE,
        path=path.as_posix(),
        is_package=is_package,
        text=text,
        tree=ast.parse(text, filename=str(file)),
    )


@cache
def modules() -> tuple[Module, ...]:
    """Return every source file of the package in order of name, the examples shipped with it left out."""
    files = sorted(file for file in SOURCE.rglob("*.py") if "_examples" not in file.parts)
    return tuple(_module(file) for file in files)


@cache
def module_names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Every import of a file, wherever it is: at the top, inside a function, or for the type checker only."""
    return tuple(_imports(module, module.tree, inside=False, typing_only=False))


def _imports(module: Module, node: ast.AST, *, inside: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for target in _targets(module, child):
                yield Import(target, child.lineno, inside, typing_only)
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from _imports(module, ast.Module(child.body, []), inside=inside, typing_only=True)
            yield from _imports(module, ast.Module(child.orelse, []), inside=inside, typing_only=typing_only)
        else:
            is_function = isinstance(child, Function | ast.Lambda)
            yield from _imports(module, child, inside=inside or is_function, typing_only=typing_only)


def _targets(module: Module, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        here = module.name.split(".")
        up = node.level - module.is_package
        base = ".".join([*here[: len(here) - up], *([base] if base else [])])
    # `from package import x` names the module `package.x` where there is one.
    full_names = (f"{base}.{alias.name}" for alias in node.names)
    return sorted({name if name in module_names() else base for name in full_names})


def unit_of(target: str) -> str | None:
    """Return the unit of an imported module, or None if it is not part of the package."""
    parts = target.split(".")
    if parts[0] != PACKAGE:
        return None
    return parts[1] if len(parts) > 1 else PACKAGE


def functions(tree: ast.AST) -> list[tuple[str, Function]]:
    """Every function of a tree with its dotted name, methods and nested ones included."""
    return list(_functions(tree, ""))


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child
        if isinstance(child, Function | ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


def dotted(node: ast.AST) -> str:
    """`os.environ` of an attribute expression, or an empty text for anything that is not a chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


@cache
def builtin_plugins() -> dict[str, dict[str, str]]:
    """Family name → {plugin name: "module:attr"}, read from the literal `BUILTIN` of each family."""
    found: dict[str, dict[str, str]] = {}
    for module in modules():
        for node in module.tree.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(dotted(target) == "BUILTIN" for target in targets):
                found[module.unit] = {str(k): str(v) for k, v in ast.literal_eval(node.value).items()}
    return found
