"""The file itself: what it may run, how large it is, that its scripts fit together."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from typing import Any

from tests.story.fixture.flights import flights

from odibi_core.story import build, read_lineage, render
from odibi_core.story.page import MODULES, embed


def _page(lineage: dict[str, Any]) -> str:
    return render(build(read_lineage(lineage)))


def test_only_the_scripts_and_styles_of_the_page_itself_may_run() -> None:
    """The policy names their hashes and nothing else."""
    page = _page(flights())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].replace("&#39;", "'").split(";"))
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        content = re.findall(rf"<{tag}(?: type=\"module\")?>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content[-1].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"


def test_the_page_without_its_data_is_below_150_kilobytes() -> None:
    """The size of every story."""
    assert len(_page({"steps": []}).encode()) < 150_000


def test_no_text_of_a_run_can_end_the_data() -> None:
    """`<`, `>`, `&` and the line separators of JavaScript are written as escapes."""
    written = embed({"x": "</script><!--&\u2028\u2029"})
    assert not set("<>&\u2028\u2029") & set(written)


def test_the_modules_are_joined_without_a_name_twice() -> None:
    """They share one scope in a saved file, so a name that two of them use would break the page."""
    assets = resources.files("odibi_core.story").joinpath("assets")
    declared = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
    names = [
        name
        for module in MODULES
        for name in declared.findall(assets.joinpath(f"{module}.js").read_text("utf-8"))
    ]
    assert len(names) == len(set(names))


def test_every_module_in_the_assets_is_in_the_page_after_those_that_it_imports() -> None:
    """A forgotten file, or one that stands too early, would be found by a reader first."""
    assets = resources.files("odibi_core.story").joinpath("assets")
    assert {f"{module}.js" for module in MODULES} == {
        f.name for f in assets.iterdir() if f.name.endswith(".js")
    }
    for place, module in enumerate(MODULES):
        wanted = re.findall(r'from "\./(\w+)\.js"', assets.joinpath(f"{module}.js").read_text("utf-8"))
        assert set(wanted) <= set(MODULES[:place])


def test_the_scripts_never_parse_html() -> None:
    """Text goes in as text: none of the ways from a string to markup, to code or to the network is used."""
    assets = resources.files("odibi_core.story").joinpath("assets")
    code = "".join(assets.joinpath(f"{module}.js").read_text("utf-8") for module in MODULES)
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser"
    assert re.findall(rf"{markup}|eval\(|new Function|fetch\(|XMLHttp|import\(", code) == []
