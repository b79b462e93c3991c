"""The HTML file of a document, self-contained.

The scripts are plain ES modules in `assets/`, which a live page imports one by one. A file opened from disk cannot
import others, so the modules are joined into one inline script, in the order of `MODULES`, without their `import` and
`export` words. The page's Content-Security-Policy allows that script alone, by its hash: nothing in the data can run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from odibi_core.story.wording import LABELS
from odibi_core.views.wording import count, duration

if TYPE_CHECKING:
    from jinja2 import Template

MODULES = (
    "dom", "format", "states", "past", "verdict", "unusual", "graph", "gantt", "checks", "frames", "charts", "source",
    "cards", "purpose", "activity", "main",
)  # fmt: skip
STATIC_ROWS = 500  # of the table without JavaScript
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |class )", re.MULTILINE)


def render(document: dict[str, Any]) -> str:
    """Return the whole file as text."""
    script, style = _script(), _asset("story.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return _template().render(
        policy=policy, script=script, style=style, document=document, data=embed(document), table=_table(document)
    )


def embed(document: dict[str, Any]) -> str:
    """Return the document as JSON in which no HTML tag can begin or end."""
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: _UNSAFE[found[0]], written)


@cache
def _asset(name: str) -> str:
    text = resources.files(__package__).joinpath("assets", name).read_text("utf-8")
    return text.replace("\r\n", "\n")  # the parser would do so before it hashes


@cache
def _script() -> str:
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _asset(f"{name}.js"))) for name in MODULES)


@cache
def _template() -> Template:
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("page.html.j2"))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _table(document: dict[str, Any]) -> list[dict[str, str]]:
    """Return the steps for a page without JavaScript; those that did not succeed first, if not all fit."""
    steps = document["steps"]
    if len(steps) > STATIC_ROWS:
        steps = sorted(steps, key=lambda step: step["state"] == "success")[:STATIC_ROWS]
    return [
        {
            "name": step["name"],
            "layer": step["layer"],
            "state": LABELS[step["state"]],
            "duration": duration(step.get("durationMs")),
            "rows": count(step.get("rows")),
            "note": step.get("error") or step.get("skipReason") or "",
        }
        for step in steps
    ]
