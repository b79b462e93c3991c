"""The objects of S3, Google Cloud Storage and Azure, by fsspec and the provider's library."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from odibi_core.errors import STOPS, RemoteStoreError
from odibi_core.events import sanitize_text
from odibi_core.events.clock import read_iso
from odibi_core.history.remote.address import Address
from odibi_core.history.remote.objects import Found
from odibi_core.plugins import OBJECT_STORES

T = TypeVar("T")
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "s3fs": {
        "config_kwargs": {
            "connect_timeout": 5, "read_timeout": 20, "retries": {"mode": "standard", "max_attempts": 2},
            "max_pool_connections": 16,
        }
    },
}  # fmt: skip
_ATTEMPTS: Final = 2
_MODIFIED: Final = ("LastModified", "last_modified", "updated", "mtime")
_NO_BUCKET: Final = (
    "nosuchbucket", "bucket does not exist", "containernotfound", "container does not exist", "bucket not found",
)  # fmt: skip
_REASONS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("expiredtoken", "token has expired", "token is expired", "expired credential", "credentials have expired",
         "tokenrefreshrequired", "invalid_grant"),
        "the credentials have expired; renew them, for S3 such as with `aws sso login`",
    ),
    (
        ("nocredentials", "unable to locate credentials", "defaultcredentialserror", "credentials were not found",
         "must provide either a connection_string"),
        "there are no credentials; set those of the provider, for S3 such as AWS_PROFILE",
    ),
    (
        _NO_BUCKET,
        "the bucket does not exist; create it, or correct store.url",
    ),
    (
        ("requesttimetooskewed", "too large"),
        "the clock of this machine differs from that of the store; set it",
    ),
    (
        ("accessdenied", "access denied", "forbidden", "invalidaccesskeyid", "signaturedoesnotmatch", "permission"),
        "access was denied; reading needs list and get, shipping put, compaction also delete",
    ),
    (
        ("connect", "timeout", "timed out", "name or service", "name resolution", "unreachable", "reset by peer"),
        "there is no connection",
    ),
)  # fmt: skip
"""The words of a failure, in lower case, and the sentence for them."""


class ObjectStore:
    """The objects of a bucket; the library is loaded and connects with the first call."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._prefix = f"{address.path}/"
        self._opened: Any = None

    def folders(self, name: str) -> list[str]:
        """Return the common prefixes directly below `name`: one request for each 1,000."""
        found = self._call(lambda files: files.ls(self._prefix + name, detail=True), [])
        return sorted(_end(each["name"]) for each in found if each["type"] == "directory")

    def find(self, name: str) -> list[Found]:
        """Return every object below `name`: one request for each 1,000."""
        found = self._call(lambda files: files.find(self._prefix + name, detail=True), {})
        inside = len(self._prefix)
        return sorted(
            Found(str(path).lstrip("/")[inside:], int(info.get("size") or 0), _modified(info))
            for path, info in found.items()
        )

    def read(self, name: str) -> bytes:
        """Return the content of an object."""
        return bytes(self._call(lambda files: files.cat_file(self._prefix + name)))

    def write(self, name: str, content: bytes) -> None:
        """Write an object with one request."""
        self._call(lambda files: files.pipe_file(self._prefix + name, content))

    def upload(self, name: str, path: Path) -> None:
        """Write a file as an object; a large one in pieces, which become an object with the last one."""
        self._call(lambda files: files.put_file(str(path), self._prefix + name))

    def download(self, name: str, path: Path) -> None:
        """Write an object into a file."""
        self._call(lambda files: files.get_file(self._prefix + name, str(path)))

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, on S3 by one request for each 1,000."""
        paths = [self._prefix + name for name in names]
        if paths:
            self._call(lambda files: files.rm(paths), None)

    def _call(self, call: Callable[[Any], T], absent: Any = ...) -> T:
        """Return the result of a call; `absent` if nothing is there, except for a bucket."""
        try:
            return call(self._files())
        except STOPS:
            raise
        except FileNotFoundError as error:
            if any(word in _text(error) for word in _NO_BUCKET):
                raise self._failure(error) from None
            if absent is ...:
                raise
            found: T = absent
            return found
        except Exception as error:  # each provider has errors of its own
            raise self._failure(error) from None

    def _files(self) -> Any:
        if self._opened is None:
            import fsspec

            library = OBJECT_STORES[self._address.protocol]
            # A new object: a cached one may belong to the program, and hold its listings.
            self._opened = fsspec.filesystem(
                self._address.protocol, skip_instance_cache=True, use_listings_cache=False, **_OPTIONS.get(library, {})
            )
            self._opened.retries = _ATTEMPTS  # s3fs, around those of botocore
        return self._opened

    def _failure(self, error: BaseException) -> RemoteStoreError:
        """Return the error with a sentence that names what to do. Not chained: a cause may hold a signed URL."""
        text = _text(error)
        reason = next((sentence for words, sentence in _REASONS if any(word in text for word in words)), None)
        return RemoteStoreError(f"{self._address} cannot be used: {reason or sanitize_text(f'{error}')[:300]}")


def _text(error: BaseException | None) -> str:
    """Return the types and messages of an error and of its causes, in lower case."""
    texts: list[str] = []
    while error is not None and len(texts) < 10:
        texts.append(f"{type(error).__name__} {error}".lower())
        error = error.__cause__ or error.__context__
    return " ".join(texts)


def _end(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _modified(info: dict[str, Any]) -> float:
    """Return the time of an object; 0 if the provider names none."""
    value = next((info[name] for name in _MODIFIED if info.get(name)), 0)
    if isinstance(value, int | float):
        return float(value)
    moment = value if isinstance(value, datetime) else read_iso(value)
    return moment.timestamp() if moment is not None else 0.0
