"""The site of the documentation: its navigation is whole, and a broken page is reported. `make site` builds it."""

import re
import tomllib
from collections import Counter
from pathlib import Path

from docs_site import api
from docs_site.build import finish, pages
from docs_site.links import problems
from tests.architecture.plan import ROOT
from tests.architecture.test_docs import _anchors


def _named(entries: list[dict[str, object]]) -> list[str]:
    found = []
    for entry in entries:
        for value in entry.values():
            found += _named(value) if isinstance(value, list) else [str(value)]
    return found


def test_the_navigation_names_every_page_once() -> None:
    """A page that the navigation lacks is found by the search alone; one that is twice in it has two places."""
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    wanted = [page.relative_to(ROOT).as_posix() for page in pages()]
    assert Counter(_named(navigation)) == Counter(wanted)
    assert sum(name.startswith("docs/") for name in wanted) >= 50


def test_every_link_of_a_page_of_the_site_leads_somewhere() -> None:
    """Files and anchors, of those pages too that no test of the documentation reads."""
    wrong = []
    for page in pages():
        for file, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", page.read_text(encoding="utf-8")):
            target = (page.parent / file).resolve() if file else page
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
                wrong.append(f"{page.relative_to(ROOT)}: {file}#{anchor}")
    assert not wrong, "\n".join(wrong)


def test_a_broken_page_is_reported(tmp_path: Path) -> None:
    """Sabotage: a missing file, a missing anchor and a remote script are named; a folder is led to its page."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="top">a</h1><a href="inner">b</a><a href="https://example.com">c</a><a href="#top">d</a>'
        '<script src="https://unpkg.com/iframe-worker/shim"></script><script src="https://cdn.test/x.js"></script>'
    )
    (tmp_path / "inner" / "index.html").write_text('<a href="..">up</a><a href="../#low">e</a><a href="no.html">f</a>')
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "frame_worker.js").touch()
    finish(tmp_path)
    assert problems(tmp_path) == [
        "index.html: https://cdn.test/x.js: loaded from another host",
        "inner/index.html: ../index.html#low: no such anchor",
        "inner/index.html: no.html: no such file",
    ]


def test_the_page_of_public_names_is_up_to_date() -> None:
    """docs/api.md is what the code makes of it now; otherwise it is made again."""
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert written == api.page(), "run: PYTHONPATH=scripts python -m docs_site.api > docs/api.md"
    assert written.count("\n## ") == len(api.public()) > 100
    assert {"## node", "## checks.not_null", "## history.History"} <= set(written.splitlines())
