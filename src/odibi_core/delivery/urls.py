"""URLs of receivers: their parts, and the form in which they may be shown."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split_url(url: str) -> SplitResult | None:
    """Return the parts of an HTTP URL with a host and a valid port; None for any other text."""
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_valid else None


def shown_url(url: str) -> str:
    """Return a URL without user, password, query and fragment, for messages."""
    scheme, found, rest = url.partition("://")
    if not found:
        return "****" if "@" in url else url[:200]
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}".partition("?")[0].partition("#")[0][:200]
