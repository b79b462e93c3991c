"""The page of every public name, docs/api.md, made from signatures and docstrings.

    PYTHONPATH=scripts python -m docs_site.api > docs/api.md

A test compares the page with the code.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from odibi_core import checks, observability
from odibi_core.history.answer import HistoryAnswer
from odibi_core.history.comparison import Comparison
from odibi_core.history.history import History
from odibi_core.history.index import RunFilter

HEAD = """# Every public name

Made from the code by `docs_site.api`; not edited by hand. A name without a dot is imported from
`odibi_core.observability`, `checks.…` from `odibi_core.checks` ([checks](checks.md)). `odibi_core.history(store)`
returns a `history.History`, whose methods return the others of `history.…` ([the history](history.md)).
[The reference](reference.md#names-to-import) orders the names by task.
"""
OF_HISTORY = (History, HistoryAnswer, Comparison, RunFilter)

_SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Attributes):$")
_MODULE = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])")
_LONGEST = 100
"""Characters of a default that is shown."""
_EXAMPLE = re.compile(r"^(?:>>>|\.\.\.)")


@dataclass(frozen=True)
class _Text:
    """A text that a signature prints as it is, without quotes."""

    text: str

    def __repr__(self) -> str:
        return self.text


def public() -> dict[str, Any]:
    """Return every public name with its value, in the order of the page."""
    found = {name: getattr(observability, name) for name in _sorted(vars(observability)["__all__"])}
    found |= {f"checks.{name}": getattr(checks, name) for name in _sorted(checks.__all__)}
    return found | {f"history.{kind.__name__}": kind for kind in OF_HISTORY}


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.lower(), name))


def page() -> str:
    """Return the whole page."""
    lines = [line for name, value in public().items() for line in _name(name, value)]
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
    """Return an annotation as it is written: a struct has objects, whose names have their modules."""
    if annotation is inspect.Parameter.empty:
        return annotation
    return _Text(_MODULE.sub("", inspect.formatannotation(annotation) if type(annotation) is not str else annotation))


def _default(default: Any) -> Any:
    if isinstance(default, enum.Enum):
        return _Text(f"{type(default).__name__}.{default.name}")
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(default))
    return (
        default
        if default is inspect.Parameter.empty
        else _Text("…" if text.startswith("<") or len(text) > _LONGEST else text)
    )


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
