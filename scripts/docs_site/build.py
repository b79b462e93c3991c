"""The site of the documentation, built by Zensical from `zensical.toml` into `site/`, and checked.

    PYTHONPATH=scripts python -m docs_site.build

The pages are staged in `build/pages` under their paths in the repository, so that a link is the same on the site. Then
the pages are made to open from a folder, without a server and without a request to another host.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from docs_site import gallery
from docs_site.links import problems

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
STAGED = ROOT / "build" / "pages"
SITE = ROOT / "site"
REMOTE_SHIM = "https://unpkg.com/iframe-worker/shim"

_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_HREF = re.compile(r'(?<=href=")([^"#:?]+)(?=["#])')


def pages() -> list[Path]:
    """Return every page of the site, in the repository."""
    readmes = [*ROOT.glob("[a-z]*_*/README.md"), *(ROOT / "examples").glob("*/README.md")]
    benchmarks = [ROOT / "benchmarks" / "README.md", ROOT / "benchmarks" / "insight" / "README.md"]
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return sorted([*top, *(ROOT / "docs").rglob("*.md"), *readmes, *benchmarks])


def stage(folder: Path = STAGED) -> None:
    """Copy the pages into a folder, with every file of the repository that they link to."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in pages():
        _copy(page, folder)
        for target in _targets(page):
            _copy(target, folder)
    shutil.copytree(HERE, folder / "site", ignore=shutil.ignore_patterns("*.py", "__pycache__"))


def _targets(page: Path) -> Iterator[Path]:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / link).resolve()
        if target.is_relative_to(ROOT) and target.suffix != ".md" and target.exists():
            yield target


def _copy(source: Path, folder: Path) -> None:
    target = folder / source.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, target)
    elif not (source / "README.md").exists():
        _list(source, target)


def _list(source: Path, target: Path) -> None:
    """Write a page for a folder of source that is linked as a whole: the list of its files."""
    files = sorted(file for file in source.iterdir() if file.is_file())
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, target / file.name)
    lines = [f"# {source.relative_to(ROOT)}", "", *(f"- [{file.name}]({file.name})" for file in files)]
    (target / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def stage_gallery(folder: Path = STAGED) -> None:
    """Make the stories of the gallery, and link them on its staged page."""
    page = folder / "docs" / "gallery.md"
    made = gallery.make(page, ROOT / "examples", folder / "gallery")
    page.write_text(gallery.with_links(page.read_text(encoding="utf-8"), made), encoding="utf-8")


def finish(site: Path = SITE) -> None:
    """Make the pages open from a folder: links to folders name their page, and the search needs no other host."""
    for file in sorted(set(site.rglob("*.html")) - set(site.glob("gallery/*.html"))):
        up = "../" * len(file.relative_to(site).parts[:-1])
        text = file.read_text(encoding="utf-8").replace(REMOTE_SHIM, f"{up or './'}site/frame_worker.js")
        file.write_text(_HREF.sub(partial(_page_of, file.parent), text), encoding="utf-8")


def _page_of(folder: Path, match: re.Match[str]) -> str:
    address = match[1]
    return f"{address.rstrip('/')}/index.html" if (folder / address / "index.html").is_file() else address


def main() -> int:
    """Build the site and check its links; return the exit code."""
    stage()
    stage_gallery()
    zensical = Path(sys.executable).with_name("zensical")
    built = subprocess.run([zensical, "build", "--strict", "--clean"], cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    finish()
    found = [problem for problem in problems(SITE) if not problem.startswith("gallery/")]  # anchors made by scripts
    print("\n".join(found) or f"the site is {SITE.relative_to(ROOT)}/index.html; no link is broken")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
