"""The page of every public name, docs/api.md, made from signatures and docstrings.

    PYTHONPATH=scripts python -m docs_site.api > docs/api.md

A test compares the page with the code.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from odibi_core import observability

HEAD = """# Every public name

Made from the code by `docs_site.api`; not edited by hand. Each name is imported from `odibi_core.observability`;
[the reference](reference.md#names-to-import) orders them by task.
"""

_SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Attributes):$")
_EXAMPLE = re.compile(r"^(?:>>>|\.\.\.)")


@dataclass(frozen=True)
class _Text:
    """A text that a signature prints as it is, without quotes."""

    text: str

    def __repr__(self) -> str:
        return self.text


def names() -> list[str]:
    """Return every public name, in the order of the page."""
    return sorted(vars(observability)["__all__"], key=lambda name: (name.lower(), name))


def page() -> str:
    """Return the whole page."""
    lines = [line for name in names() for line in _name(name, getattr(observability, name))]
    return "\n".join([HEAD, *lines]).rstrip() + "\n"


def _name(name: str, value: Any) -> Iterator[str]:
    yield f"## {name}\n"
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield f"{_first(value)}\n"
        yield ", ".join(f"`{member}`" for member in value.__members__) + "\n"
        return
    if callable(value):
        yield _signature(name, value)
    yield from _docstring(inspect.getdoc(value) or "")
    if isinstance(value, type):
        yield from _methods(value)


def _methods(kind: type) -> Iterator[str]:
    """Yield a table of the public methods and properties that the class or its private bases define."""
    members = {name: member for name, member in inspect.getmembers_static(kind) if name[0] != "_"}
    rows = []
    for name, member in members.items():
        function = getattr(member, "__func__", member)
        if isinstance(member, property):
            rows.append(f"| `.{name}` | {_first(member)} |")
        elif inspect.isfunction(function) and (function.__module__ or "").startswith("odibi_core"):
            rows.append(f"| `.{name}({_names(function)})` | {_first(function)} |")
    if rows:
        yield "\n".join(["| member | is |", "|---|---|", *rows]) + "\n"


def _names(function: Callable[..., Any]) -> str:
    """Return the parameters of a method by name; defaults are left out."""
    parameters = list(inspect.signature(function).parameters.values())
    shown = [str(each.replace(annotation=each.empty, default=each.empty)) for each in parameters]
    return ", ".join(name for name in shown if name not in {"self", "cls"})


def _first(value: object) -> str:
    """Return the first paragraph of a docstring in one line, for a cell."""
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split()).replace("|", "\\|")


def _signature(name: str, value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    parameters = [
        each.replace(annotation=_annotation(each.annotation), default=_default(each.default))
        for each in signature.parameters.values()
    ]
    plain = signature.replace(parameters=parameters, return_annotation=_annotation(signature.return_annotation))
    one = f"{name}{plain}"
    return f"```py\n{one if len(one) <= 100 else _in_lines(name, plain)}\n```\n"


def _in_lines(name: str, signature: inspect.Signature) -> str:
    """Return a long signature with a parameter a line."""
    parameters = list(signature.parameters.values())
    lines = [f"    {each}," for each in parameters]
    kinds = [each.kind for each in parameters]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        lines.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "    *,")
    end = str(signature.replace(parameters=[])).removeprefix("()")
    return "\n".join([f"{name}(", *lines, f"){end}"])


def _annotation(annotation: Any) -> Any:
    return _Text(annotation) if isinstance(annotation, str) else annotation


def _default(default: Any) -> Any:
    if isinstance(default, enum.Enum):
        return _Text(f"{type(default).__name__}.{default.name}")
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(default))
    return default if default is inspect.Parameter.empty else _Text("…" if text.startswith("<") else text)


def _docstring(text: str) -> Iterator[str]:
    """Yield a Google docstring as Markdown: sections are lists, examples are blocks."""
    in_section = in_example = False
    for line in text.splitlines():
        if in_example and not line.strip():
            yield "```"
            in_example = False
        if match := _SECTION.match(line):
            in_section = True
            yield f"**{match[1]}**\n"
        elif _EXAMPLE.match(line) and not in_example:
            in_example = True
            yield f"```pycon\n{line}"
        elif in_section and re.match(r"^ {4}\S", line):
            yield _item(line.strip())
        else:
            yield line if in_example else ("  " if in_section and line.strip() else "") + line.strip()
            in_section = in_section and (line.startswith(" ") or not line)
    if in_example:
        yield "```"
    yield ""


def _item(line: str) -> str:
    name, colon, meaning = line.partition(": ")
    return f"- `{name}`: {meaning}" if colon and " " not in name else f"- {line}"


if __name__ == "__main__":
    sys.stdout.write(page())
