"""Addresses of shared stores: what is accepted, what is refused, and what a message may show."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_core.errors import ConfigurationError, MissingExtraError
from odibi_core.history.remote.address import Address, read_address
from odibi_core.settings import read_settings

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket/team/history/", Address("s3", "bucket/team/history")),
        ("S3://bucket", Address("s3", "bucket")),
        ("file:///mnt/share", Address("file", "/mnt/share")),
        ("file://localhost/mnt/a%20b", Address("file", "/mnt/a b")),
        ("/mnt/share/", Address("file", "/mnt/share")),
    ],
)
def test_a_url_has_one_address(url: str, address: Address) -> None:
    """Case of the protocol and a slash at the end make no difference."""
    assert read_address(url) == address


def test_a_relative_folder_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is the same from every working directory."""
    monkeypatch.chdir(tmp_path)
    assert str(read_address("share")) == str(tmp_path / "share")


@pytest.mark.parametrize(
    "url", [f"s3://AKIAEXAMPLE:{SECRET}@bucket/prefix", f"s3://bucket/prefix?secret={SECRET}", f"s3://b#{SECRET}"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    """The message of the address and that of the setting name the fault without the secret."""
    with pytest.raises(ConfigurationError, match="credentials") as refused:
        read_address(url)
    assert SECRET not in str(refused.value)
    with pytest.raises(ConfigurationError, match="credentials") as by_setting:
        read_settings({"ODIBI_STORE__URL": url})
    assert SECRET not in str(by_setting.value)


@pytest.mark.parametrize("url", ["s3://", "s3:///", "s3://bucket/../other", "htp://bucket/x"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    """The message has the valid form, or the nearest protocol."""
    with pytest.raises(ConfigurationError, match=r"must be s3://bucket/prefix|must begin with one of"):
        read_address(url)


@pytest.mark.parametrize(("url", "extra"), [("gs://bucket/x", "gcs"), ("az://container/x", "azure")])
def test_a_missing_library_names_its_extra(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is looked for, not imported, before anything runs."""
    monkeypatch.setattr("odibi_core.history.remote.address.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=rf"odibi-core\[{extra}\]"):
        read_address(url)


def test_labels_of_addresses_differ() -> None:
    """A label is a file name; two addresses never share one."""
    labels = {read_address(url).label for url in ("s3://a/b/c", "s3://a-b/c", "s3://a/b-c", "/a/b/c")}
    assert len(labels) == 4
    assert all("/" not in label for label in labels)
