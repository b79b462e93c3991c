"""Content negotiation by the headers `Accept` and `Accept-Encoding`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

TEXT: Final = "prometheus"
OPEN_METRICS: Final = "openmetrics"
PROTOBUF: Final = "prometheus_protobuf"
_PROTOBUF_TYPE: Final = "application/vnd.google.protobuf"
_PROTOBUF_FORM: Final = {"proto": "io.prometheus.client.MetricFamily", "encoding": "delimited"}
_OPEN_METRICS_TYPE: Final = "application/openmetrics-text"
_VERSIONS: Final = (None, "1.0.0")
_TEXT_TYPES: Final = ("text/plain", "text/*", "*/*")


def exporter_for(accept: str, *, native: bool = False) -> str:
    """Return the exporter for a request.

    OpenMetrics needs a header that names it in a supported version, with at least the quality of plain text. Every
    other request gets the text format 0.0.4, which all scrapers read.

    Args:
        accept: The header of the request.
        native: There are native histograms, which only the protobuf format has: it is chosen if the header names it
            with at least the quality of both texts.
    """
    open_metrics = protobuf = 0.0
    text: dict[str, float] = {}
    for media, parameters, quality in _ranges(accept):
        if media == _OPEN_METRICS_TYPE and parameters.get("version") in _VERSIONS:
            open_metrics = max(open_metrics, quality)
        elif media == _PROTOBUF_TYPE and native and _PROTOBUF_FORM.items() <= parameters.items():
            protobuf = max(protobuf, quality)
        elif media in _TEXT_TYPES:
            text[media] = max(text.get(media, 0.0), quality)
    plain = next((text[media] for media in _TEXT_TYPES if media in text), 0.0)
    if protobuf and protobuf >= max(open_metrics, plain):
        return PROTOBUF
    return OPEN_METRICS if open_metrics and open_metrics >= plain else TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Return true if the client accepts gzip."""
    found = {coding: quality for coding, _, quality in _ranges(accept_encoding)}
    return found.get("gzip", found.get("*", 0.0)) > 0


def _ranges(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield name, parameters and quality of each valid part of a header."""
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
