"""An S3 server for the tests of shared stores: one for all, with a bucket for each."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.services.s3_server import CREDENTIALS, Proxy, serving

_numbers = count()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 server on loopback."""
    with serving(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty prefix in a bucket of its own; the variables of the provider lead to the server."""
    name = f"bucket-{next(_numbers)}"
    request = urllib.request.Request(f"{s3_server}/{name}", method="PUT")
    with urllib.request.urlopen(request, timeout=30):
        pass
    for variable, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": s3_server}.items():
        monkeypatch.setenv(variable, value)
    return f"s3://{name}/team/history"


@pytest.fixture
def proxy(s3_server: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the server, which the variables lead to."""
    with Proxy(s3_server) as started:
        monkeypatch.setenv("AWS_ENDPOINT_URL", started.url)
        yield started
