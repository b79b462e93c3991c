"""Databases, and an S3 server that is started by the first test that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.families.seen import IN_ORDER, loaded
from tests.services import s3_server


@pytest.fixture(params=IN_ORDER)
def engine(request: pytest.FixtureRequest) -> Any:
    return loaded(request.param)


@pytest.fixture(params=["sqlite", "duckdb", "postgresql", "adbc"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param in ("sqlite", "duckdb"):
        return f"{request.param}:///{tmp_path}/x.{request.param}"
    import psycopg

    url = str(request.getfixturevalue("postgresql"))
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture
def how(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the option that chooses the driver of the database."""
    return {"driver": "adbc"} if "adbc" in request.node.callspec.params.values() else {}


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server.serving(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Return the URI of an empty bucket."""
    import boto3

    for name, value in s3_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    name = f"formats-{abs(hash(request.node.name)) % 10**9}"
    boto3.client("s3", endpoint_url=s3_url).create_bucket(Bucket=name)
    return f"s3://{name}"
