"""The parts of a page that is one HTML file: texts of a package, a template, and the policy of the page.

The Content-Security-Policy allows the style and the script of the page alone, by their hashes: nothing in the data can
run, and nothing is loaded.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def asset(package: str, name: str) -> str:
    """Return a text of the folder `assets` of a package."""
    text = resources.files(package).joinpath("assets", name).read_text("utf-8")
    return text.replace("\r\n", "\n")  # the parser would do so before it hashes


@cache
def template(package: str, name: str) -> Template:
    """Return a template of the folder `assets` of a package, which escapes every value."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(asset(package, name))


def policy(style: str, script: str = "") -> str:
    """Return the Content-Security-Policy of a page with this style and this script."""
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return f"default-src 'none'; {scripts}style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
