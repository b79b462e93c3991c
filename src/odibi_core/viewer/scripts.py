"""The modules of the renderer: one by one for a server, joined into one script for a saved file.

A file opened from disk cannot import others, so the modules that a view needs are joined. Each becomes a function with
a scope of its own, called in the order of the imports. Three rules make that possible without a parser: an import
stands at the start of a line and lists its names, `export` stands before a declaration of one name, and a comment of
whole lines starts with `//` or is a `/** … */`.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from importlib import resources
from typing import Final

from odibi_core import html_page

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ((?:async )?function\*?|const|class) (\w+)", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ ]*(?://[^\n]*|/\*\*(?:(?!\*/)[\s\S])*\*/)\n", re.MULTILINE)
_INDENT: Final = re.compile(r"^ +", re.MULTILINE)


@cache
def asset_names() -> tuple[str, ...]:
    """Return the names of the scripts and styles that a server may send, such as `views/run.js`."""
    root = resources.files(__package__).joinpath("assets")
    names = [entry.name for entry in root.iterdir()] + [f"views/{e.name}" for e in root.joinpath("views").iterdir()]
    return tuple(sorted(name for name in names if name.endswith((".js", ".css"))))


def asset_text(name: str) -> str:
    """Return a script or a style by its name. Raises `KeyError` for a name that `asset_names` does not have."""
    if name not in asset_names():
        raise KeyError(name)
    return html_page.asset(__package__, name)


@cache
def joined(view: str) -> str:
    """Return one script: the modules of a view, and the call that draws the document of the page."""
    script, module = bundle(f"views/{view}.js")
    root, text = 'document.getElementById("page")', 'document.getElementById("data").textContent'
    start = f'{module}.mount({root}, JSON.parse({text}), {{}});\ndocument.documentElement.dataset.ready = "true";'
    return f"{script}\n{start}"


def bundle(name: str) -> tuple[str, str]:
    """Return a script of a module and those that it needs, and the name of the constant that has its exports."""
    order: list[str] = []
    _collect(name, order)
    return "\n".join(_module(each, order) for each in order), f"m{len(order) - 1}"


def _collect(name: str, order: list[str]) -> None:
    """Add a module after those that it imports."""
    for _, source in _IMPORT.findall(asset_text(name)):
        needed = _resolved(name, source)
        if needed not in order:
            _collect(needed, order)
    order.append(name)


def _resolved(name: str, source: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), source))


def _module(name: str, order: list[str]) -> str:
    text = _INDENT.sub("", _COMMENT.sub("", asset_text(name)))
    exported = ", ".join(found[1] for found in _EXPORT.findall(text))
    taken = _IMPORT.sub(lambda found: _taken(found[1], order.index(_resolved(name, found[2]))), text)
    body = _EXPORT.sub(r"\1 \2", taken)
    return f"const m{order.index(name)} = (() => {{\n{body}return {{{exported}}};\n}})();"


def _taken(names: str, place: int) -> str:
    return f"const {{{names.replace(' as ', ': ')}}} = m{place};\n"
