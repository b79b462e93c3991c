"""The links of built HTML pages: files and anchors that are missing, and everything that a page would load remotely."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Page(HTMLParser):
    """The anchors of a page, and its addresses: each with whether the browser loads it by itself."""

    anchors: set[str] = field(default_factory=set)
    addresses: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the anchor and the addresses of a tag."""
        for name, value in attrs:
            if value and name in {"id", "name"}:
                self.anchors.add(value)
            if value is not None and name in {"href", "src"}:
                self.addresses.append((value, tag != "a"))


def problems(site: Path) -> list[str]:
    """Return a line for each link of the pages of a folder that leads nowhere, or is loaded from elsewhere."""
    pages = {file.resolve(): _read(file) for file in sorted(site.rglob("*.html"))}
    return [
        f"{file.relative_to(site.resolve())}: {address}: {problem}"
        for file, page in pages.items()
        if file.name != "404.html"  # its addresses begin at the root of a server
        for address, loaded in page.addresses
        if (problem := _problem(file, address, pages, loaded=loaded))
    ]


def _read(file: Path) -> Page:
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def _problem(file: Path, address: str, pages: dict[Path, Page], *, loaded: bool) -> str:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return "loaded from another host" if loaded and parts.scheme != "data" else ""
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_file():
        return "no such file"
    known = pages[target].anchors if target in pages else None
    return "no such anchor" if known is not None and parts.fragment and unquote(parts.fragment) not in known else ""
