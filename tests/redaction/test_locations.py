"""A path stays the path; credentials of a URI go; a text that is redacted already passes the bus as it is."""

from __future__ import annotations

import pytest

from odibi_core.events.sanitize import sanitize_field, sanitize_value, split_fields
from odibi_core.redaction.keys import Redacted
from odibi_core.redaction.locations import location
from odibi_core.redaction.redactor import HIDDEN

PATHS = [
    "/srv/AKIAIOSFODNN7EXAMPLE/x.csv",
    "/x/ghp_16C7e42F292c6912E7710c838347Ae178B4a.csv",
    "/data/2026-01-01/DE89370400440532013000.csv",
    "/data/ssn=123-45-6789/x",
    "/data/password=hunter2/part-0.parquet",
    "./sk-live-abcdefghijklmnopqrstuvwxyz123456/x",
    "~/ann@example.com/x.csv",
    "C:\\Users\\4111111111111111\\x.csv",
    "/Üñï/数据.csv",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_stays_a_path(path: str) -> None:
    """Also as a field, in a container, and under the name of a secret."""
    found = location(path)
    assert found == path
    assert sanitize_field("uri", found) == path
    assert sanitize_field("token", found) == path
    assert sanitize_value({"steps": [{"password": found, "set": {1}}]}) == {"steps": [{"password": path, "set": [1]}]}
    standard, rest, _ = split_fields({"error": found, "secret": found})
    assert (standard, rest) == ({"error": path}, {"secret": path})


def test_what_was_redacted_before_reaches_the_record_as_a_plain_text() -> None:
    """A subclass of `str` would surprise hooks and encoders."""
    for kept in (sanitize_field("a", Redacted("x")), sanitize_value([Redacted("x")])[0], sanitize_value(Redacted("x"))):
        assert type(kept) is str


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("s3://AKIAIOSFODNN7EXAMPLE:wJalr@bucket/ghp_16C7e42F292c6912E7710c838347Ae178B4a/x",
         f"s3://{HIDDEN}@bucket/ghp_16C7e42F292c6912E7710c838347Ae178B4a/x"),
        ("https://u:p@host/x?token=abc&sig=xyz&a=1", f"https://{HIDDEN}@host/x?token={HIDDEN}&sig={HIDDEN}&a=1"),
        ("https://host/x#access_token=abcdef", f"https://host/x#access_token={HIDDEN}"),
        ("postgres://u:p/w@d@h/db?sslpassword=abc", f"postgres://{HIDDEN}@h/db?sslpassword={HIDDEN}"),
        ("abfss://container@account.dfs.core.windows.net/x", "abfss://container@account.dfs.core.windows.net/x"),
        ("s3://bucket/year=2026/part-0.parquet", "s3://bucket/year=2026/part-0.parquet"),
    ],
)  # fmt: skip
def test_the_credentials_of_a_uri_go(uri: str, shown: str) -> None:
    """The login, and the secrets of query and fragment; the path stays."""
    assert location(uri) == shown


@pytest.mark.parametrize("text", ["password=hunter2hunter2", "Server=x;Password=hunter2", "/x\npassword=hunter2"])
def test_a_text_that_is_no_path_is_redacted(text: str) -> None:
    """Sabotage of the exception: it holds for paths alone."""
    assert "hunter2" not in location(text)
