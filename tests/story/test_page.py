"""The file itself: what it may run, and how large it is."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from tests.story.fixture.flights import flights

from odibi_core.story import build, read_lineage, render
from odibi_core.viewer import embed


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


def test_the_page_without_its_data_is_below_200_kilobytes() -> None:
    """The size of every story."""
    assert len(_page({"steps": []}).encode()) < 200_000


def test_no_text_of_a_run_can_end_the_data() -> None:
    """`<`, `>`, `&` and the line separators of JavaScript are written as escapes."""
    written = embed({"x": "</script><!--&\u2028\u2029"})
    assert not set("<>&\u2028\u2029") & set(written)
