"""Which form of an answer a caller asks for, by the headers `Accept` and `Accept-Encoding`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

TEXT: Final = "prometheus"
OPEN_METRICS: Final = "openmetrics"
_OPEN_METRICS_TYPE: Final = "application/openmetrics-text"
_VERSIONS: Final = (None, "1.0.0")
_TEXT_TYPES: Final = ("text/plain", "text/*", "*/*")


def exporter_for(accept: str) -> str:
    """The exporter whose text to answer with.

    OpenMetrics only for who names it, in a version that we speak, and likes it no less than plain text: the text
    format 0.0.4 is what every scraper reads, so it also answers who asks for nothing, or for something else.
    """
    wanted = 0.0
    text: dict[str, float] = {}
    for media, parameters, quality in _ranges(accept):
        if media == _OPEN_METRICS_TYPE and parameters.get("version") in _VERSIONS:
            wanted = max(wanted, quality)
        elif media in _TEXT_TYPES:
            text[media] = max(text.get(media, 0.0), quality)
    plain = next((text[media] for media in _TEXT_TYPES if media in text), 0.0)
    return OPEN_METRICS if wanted and wanted >= plain else TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the caller can read gzip."""
    found = {coding: quality for coding, _, quality in _ranges(accept_encoding)}
    return found.get("gzip", found.get("*", 0.0)) > 0


def _ranges(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Each part of a header: what it names, its parameters and its quality; a part that is no such is left out."""
    for part in header.split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        parameters = {}
        for piece in rest:
            key, _, value = piece.partition("=")
            parameters[key.strip().lower()] = value.strip().strip('"')
        try:
            quality = float(parameters.pop("q", 1))
        except ValueError:
            continue
        if name and 0 <= quality <= 1:
            yield name.lower(), parameters, quality
