"""The HTML file of a document, self-contained.

The scripts are plain ES modules in `assets/`, which a live page imports one by one. A file opened from disk cannot
import others, so the modules are joined into one inline script, in the order of `MODULES`, without their `import` and
`export` words. The page's Content-Security-Policy allows that script alone, by its hash: nothing in the data can run.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from odibi_core import html_page
from odibi_core.story.wording import LABELS
from odibi_core.views.wording import count, duration

MODULES = (
    "dom", "format", "states", "past", "verdict", "unusual", "graph", "gantt", "checks", "lineage", "frames", "charts",
    "source", "rows", "cards", "purpose", "activity", "main",
)  # fmt: skip
STATIC_ROWS = 500  # of the table without JavaScript
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |class )", re.MULTILINE)


def render(document: dict[str, Any]) -> str:
    """Return the whole file as text."""
    script, style = _script(), html_page.asset(__package__, "story.css")
    return html_page.template(__package__, "page.html.j2").render(
        policy=html_page.policy(style, script),
        script=script,
        style=style,
        document=document,
        data=embed(document),
        table=_table(document),
    )


def embed(document: dict[str, Any]) -> str:
    """Return the document as JSON in which no HTML tag can begin or end."""
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: _UNSAFE[found[0]], written)


@cache
def _script() -> str:
    texts = (html_page.asset(__package__, f"{name}.js") for name in MODULES)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


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
