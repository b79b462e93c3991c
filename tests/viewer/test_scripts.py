"""The modules of the renderer: joined for a file, checked as programs, and without a way from a text to markup."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import odibi_core.viewer
from odibi_core.viewer import asset_names, asset_text, joined

ASSETS = Path(odibi_core.viewer.__file__).parent / "assets"
SCRIPTS = [name for name in asset_names() if name.endswith(".js")]
VIEWS = [name.removeprefix("views/").removesuffix(".js") for name in SCRIPTS if name.startswith("views/")]
CHECK = [
    "--noEmit", "--allowJs", "--checkJs", "--strict", "--noUnusedLocals", "--skipLibCheck", "--target", "es2022",
    "--module", "es2022", "--moduleResolution", "node", "--lib", "es2022,dom,dom.iterable",
]  # fmt: skip


def test_a_module_keeps_its_names_for_itself() -> None:
    """In the joined script two modules may use one name, and each module stands once, after those that it imports."""
    script = joined("run")
    modules = re.findall(r"^const (m\d+) = \(\(\) => \{$", script, re.MULTILINE)
    assert modules == [f"m{place}" for place in range(len(modules))]
    for place, text in enumerate(re.split(r"^const m\d+ = ", script, flags=re.MULTILINE)[1:]):
        assert all(int(used) < place for used in re.findall(r"^const \{[^}]*\} = m(\d+);$", text, re.MULTILINE))
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)


def test_every_script_belongs_to_a_view_or_to_the_live_page() -> None:
    """A forgotten file would never run."""
    needed = {"mount.js", "types.js", *(f"views/{view}.js" for view in VIEWS)}
    grown = True
    while grown:
        found = {
            str((ASSETS / name).parent.joinpath(other).resolve().relative_to(ASSETS.resolve()))
            for name in needed
            for other in re.findall(r'^import .* from "([^"]+)";$', asset_text(name), re.MULTILINE)
        }
        grown = not found <= needed
        needed |= found
    assert set(SCRIPTS) == needed


def test_the_scripts_never_parse_html() -> None:
    """Text goes in as text: none of the ways from a string to markup, to code or to the network is used."""
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment"
    ways = re.compile(rf"{markup}|eval\(|new Function|fetch\(|XMLHttp|import\(")
    found = [(name, way) for name in SCRIPTS for way in ways.findall(re.sub(r"/\*\*[\s\S]*?\*/", "", asset_text(name)))]
    assert found == [("mount.js", "import(")]


def test_a_script_reads_without_scrolling_and_ends_a_template_on_its_line() -> None:
    """Lines have 120 characters at most, save for a long text; the joined script drops the indentation of each line."""
    lines = [line.strip() for name in SCRIPTS for line in asset_text(name).splitlines()]
    code = [line for line in lines if not line.startswith(("//", "/**", "*"))]
    assert [line for line in code if line.count("`") % 2] == []
    assert [line for line in code if len(line) > 120 and not re.search("[\"`]|//", line)] == []
    assert not re.search(r"^ ", joined("run"), re.MULTILINE)


def test_only_known_assets_have_a_text() -> None:
    """A server asks by a name that a client sent."""
    for name in ("../page.py", "page.html.j2", "views/../dom.js", "/etc/passwd", ""):
        with pytest.raises(KeyError):
            asset_text(name)


@pytest.mark.services
def test_the_scripts_have_the_types_of_their_documents() -> None:
    """`types.js` describes each document; tsc reads the scripts against it, strictly."""
    program = shutil.which("tsc")
    if program is None:
        pytest.skip("no tsc on this machine")
    checked = subprocess.run(
        [program, *CHECK, *SCRIPTS], cwd=ASSETS, capture_output=True, text=True, timeout=300, check=False
    )
    assert (checked.stdout, checked.returncode) == ("", 0)
