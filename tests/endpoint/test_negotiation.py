"""Content negotiation by the headers of a scraper."""

from __future__ import annotations

import pytest

from odibi_core.endpoint.negotiation import OPEN_METRICS, TEXT, accepts_gzip, exporter_for

OLD_PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
NEW_PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (OLD_PROMETHEUS, OPEN_METRICS),
        (NEW_PROMETHEUS, OPEN_METRICS),
        ("application/openmetrics-text", OPEN_METRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0", OPEN_METRICS),
        ('application/openmetrics-text; version="1.0.0"; charset=utf-8', OPEN_METRICS),
        ("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5", OPEN_METRICS),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.9", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.2,*/*", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.4,*/*", OPEN_METRICS),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("application/json", TEXT),
        ("*/*", TEXT),
        ("", TEXT),
    ],
)
def test_openmetrics_if_it_is_preferred_or_equal(accept: str, form: str) -> None:
    """The headers of Prometheus 2 and 3, of browsers, and of clients that ask for no format or another one."""
    assert exporter_for(accept) == form


@pytest.mark.parametrize(
    "accept", [";", ",,;q=,;;", "q=1", "*/*;q=ten", "application/openmetrics-text;q=nan", "\x00" * 99]
)
def test_an_invalid_header_gets_the_plain_text(accept: str) -> None:
    """Unreadable parts are left out, and nothing raises."""
    assert exporter_for(accept) == TEXT
    assert accepts_gzip(accept) is False


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("br", False),
    ],
)
def test_gzip_if_the_client_accepts_it(header: str, takes: bool) -> None:
    """A coding with quality 0 is not accepted."""
    assert accepts_gzip(header) is takes
