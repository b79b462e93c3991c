"""The HTML file of a document: self-contained, with the modules of its view as one script.

The Content-Security-Policy of the page allows that script alone, by its hash: nothing in the data can run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from odibi_core import html_page
from odibi_core.viewer.outline import Outline
from odibi_core.viewer.scripts import asset_text, joined

_UNSAFE: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def page(view: str, document: Mapping[str, Any], outline: Outline) -> str:
    """Return the whole file as text.

    Args:
        view: The view that draws the document: the name of a module in `assets/views/`.
        document: The document of the view, as JSON values.
        outline: The part of the page for readers without JavaScript.
    """
    script, style = joined(view), asset_text("viewer.css")
    return html_page.template(__package__, "page.html.j2").render(
        policy=html_page.policy(style, script), script=script, style=style, outline=outline, data=embed(document)
    )


def embed(document: Mapping[str, Any]) -> str:
    """Return a document as JSON in which no HTML tag can begin or end."""
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: _UNSAFE[found[0]], written)
