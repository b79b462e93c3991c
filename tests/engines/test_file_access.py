"""The files that an argument of a reader or a writer names."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import fsspec
import pytest

from odibi_core.engines import file_access, file_remote
from odibi_core.engines.file_access import accesses, dataset_name, format_named
from odibi_core.events.sanitize import sanitize_field


def _only(given: Any, **options: Any) -> file_access.FileAccess:
    (found,) = accesses("read", given, **options)
    return found


def test_a_relative_path_becomes_absolute_with_size_and_time() -> None:
    """The facts are those of the file at the moment of the access."""
    Path("data").mkdir()
    Path("data/a.csv").write_text("n\n1\n")
    os.utime("data/a.csv", (1_700_000_000, 1_700_000_000))
    found = _only("data/../data/a.csv", rows=1)
    assert found.uri == f"{os.getcwd()}/data/a.csv"
    assert (found.bytes, found.modified, found.files) == (4, "2023-11-14T22:13:20.000000Z", None)
    assert (found.dataset, found.format, found.row_count) == ("a", "csv", 1)


@pytest.mark.parametrize("given", ["part", "part/*.parquet", Path("part")], ids=str)
def test_a_folder_and_a_pattern_are_one_access(given: Any) -> None:
    """Number, sum of sizes and latest time; files that begin with . or _ are none of a folder."""
    for name, text in (("a.parquet", "12"), ("b.parquet", "3"), (".hidden", "12345")):
        Path("part").mkdir(exist_ok=True)
        Path("part", name).write_text(text)
    found = _only(given)
    assert (found.files, found.bytes, found.dataset) == (2, 3, "part")


def test_a_very_large_folder_is_not_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Number and size are then unknown, and not those of the part that was looked at."""
    monkeypatch.setattr(file_access, "MAX_MEMBERS", 2)
    Path("many").mkdir()
    for number in range(3):
        Path("many", f"{number}.csv").touch()
    found = _only("many")
    assert (found.files, found.bytes) == (None, None)


@pytest.mark.parametrize("given", [io.BytesIO(b"a"), io.StringIO("a"), '{"a": 1}', "a\n1\n", b"a,b", 3, None, ""])
def test_data_in_memory_is_no_file(given: Any) -> None:
    """Buffers and texts with data have no path."""
    assert accesses("read", given) == []


def test_an_open_file_is_the_file_of_its_name() -> None:
    """`read_csv(open(path))` reads a file too."""
    Path("a.csv").write_text("n\n")
    with open("a.csv", "rb") as stream:
        assert _only(stream).uri == f"{os.getcwd()}/a.csv"


def test_the_size_of_a_file_that_is_still_written_is_unknown(tmp_path: Path) -> None:
    """The buffer of an open file is not in the file: 0 bytes would be a false fact."""
    path = tmp_path / "a.csv"
    with path.open("w") as stream:
        stream.write("a\n1\n")
        (found,) = accesses("write", stream)
        assert (found.uri, found.bytes, found.modified) == (str(path), None, None)
    (found,) = accesses("write", stream)
    assert found.bytes == 4


def test_each_path_of_a_list_is_an_access_without_rows() -> None:
    """The rows are those of all together, and those of each are unknown."""
    found = accesses("read", ["a.csv", "b.csv"], rows=10)
    assert [(file.dataset, file.row_count) for file in found] == [("a", None), ("b", None)]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("s3://key:secret@bucket/a.csv", "s3://bucket/a.csv"),
        ("https://u:p@host/x/a.csv?X-Amz-Signature=abc#f", "https://host/x/a.csv"),
        ("https://h/a.csv?token=abcdef", "https://h/a.csv"),
    ],
)
def test_credentials_of_a_uri_are_removed(given: str, shown: str) -> None:
    """User, password, query and fragment are left out."""
    assert _only(given).uri == shown


@pytest.mark.parametrize(
    "path",
    [
        "/data/jane@example.com/4111111111111111.csv",
        "/d/token=abcdef0123456789abcdef/DE89370400440532013000.csv",
    ],
)
def test_a_path_is_recorded_as_it_is(path: str) -> None:
    """It names a place; redaction changes no part of it. A plain text of the same content is redacted."""
    assert sanitize_field("uri", _only_fields(path)) == path
    assert sanitize_field("note", "token=abcdef0123456789abcdef") != "token=abcdef0123456789abcdef"


def _only_fields(path: str) -> Any:
    return accesses("write", path)[0].fields()["uri"]


def test_a_uri_loses_its_login_and_keeps_its_path() -> None:
    """The path in it names a place as well."""
    uri = accesses("write", "s3://key:hunter2@bucket/4111111111111111/a.csv")[0].fields()["uri"]
    assert sanitize_field("uri", uri).endswith("bucket/4111111111111111/a.csv")
    assert "hunter2" not in uri


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/d/flights.csv.gz", "flights"),
        ("/d/sales/year=2024/part-0.parquet", "sales"),
        ("/d/sales/*.parquet", "sales"),
        ("/d/sales/**/*.csv", "sales"),
        ("/d/orders_*.csv", "orders"),
        ("s3://bucket/raw/orders.parquet", "orders"),
        ("/", None),
        ("/d/orders_2024-03-09.csv", "orders"),
        ("/d/orders_20240309.csv.gz", "orders"),
        ("/d/2024-03-09_orders.parquet", "orders"),
        ("/d/orders-2024-03-final.csv", "orders-final"),
        ("/d/orders_20240309T061500Z.json", "orders"),
        ("/d/orders_2024_03_09_0615.json", "orders"),
        ("/d/orders/2024-03-09.csv", "orders"),
        ("/d/orders/2024/03/2024-03-09.csv", "orders"),
        ("/d/orders/day=2024-03-09/20240309.csv", "orders"),
        ("s3://2024-03-09.csv", "2024-03-09"),
        ("/2024-03-09.csv", "2024-03-09"),
        ("/d/flights2013.csv", "flights2013"),
        ("/d/orders_202403.csv", "orders_202403"),
        ("/d/invoice_12024030912.csv", "invoice_12024030912"),
        ("/d/2024.csv", "2024"),
    ],
)
def test_the_dataset_is_named_by_the_path(path: str, name: str | None) -> None:
    """The stem of a file without a date; the folder of a set of files, and of files that are dates."""
    assert dataset_name(path) == name


@pytest.mark.parametrize(
    ("path", "format"),
    [("a.csv", "csv"), ("a.CSV.GZ", "csv"), ("a.json.zst", "json"), ("a.xlsx", "excel"), ("a", None), ("a.foo", None)],
)
def test_the_format_is_that_of_the_suffix(path: str, format: str | None) -> None:
    """Compression does not count; an unknown suffix is no format."""
    assert format_named(path) == format


def test_a_remote_file_is_described_without_a_request() -> None:
    """A file in memory, and an open one: size is known. For any other, nothing is asked."""
    with fsspec.open("memory://x/a.csv", "wb") as stream:
        stream.write(b"12345")
    assert _only("memory://x/a.csv").bytes == 5
    with fsspec.open("memory://x/a.csv", "rb") as stream:
        assert _only(stream).uri == "memory://x/a.csv" or _only(stream).bytes == 5
    assert _only("s3://bucket/a.csv").bytes is None


def test_the_version_of_a_listed_file_is_its_etag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts of a listing that fsspec keeps; `ask` requests them."""

    class Store(fsspec.AbstractFileSystem):  # type: ignore[misc]
        protocol = "odd"
        asked = 0

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            Store.asked += 1
            return {"name": path, "size": 7, "ETag": '"abc"', "LastModified": "2026-01-02T00:00:00+00:00"}

    store = Store()
    store.dircache["bucket"] = [{"name": "bucket/a.csv", "size": 3, "ETag": '"v1"'}]
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda uri, **_: (store, uri.split("://")[1]))
    assert file_remote.facts("odd://bucket/a.csv", None, None, ask=False) == (3, None, "v1")
    assert Store.asked == 0
    assert file_remote.facts("odd://bucket/a.csv", None, None, ask=True) == (7, "2026-01-02T00:00:00.000000Z", "abc")


def test_a_store_that_fails_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is recorded without facts."""

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError("down")

    monkeypatch.setattr("fsspec.core.url_to_fs", fail)
    assert _only("s3://bucket/a.csv", ask=True).bytes is None
