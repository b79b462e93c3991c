"""The address of a shared store: a URL or a folder, checked before anything is read or written."""

from __future__ import annotations

import re
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.paths import absolute_path
from odibi_core.plugins import OBJECT_STORES, missing_extra
from odibi_core.store.segments import safe_name

_URL: Final = re.compile(r"(?P<protocol>[A-Za-z][\w+.-]*)://(?P<path>.*)", re.DOTALL)


class Address(Struct, frozen=True):
    """The place of a shared store; it holds no credentials."""

    protocol: str
    """`file` or a protocol of `OBJECT_STORES`."""
    path: str
    """`bucket/prefix`, or an absolute folder."""

    def __str__(self) -> str:
        return self.path if self.protocol == "file" else f"{self.protocol}://{self.path}"

    @property
    def label(self) -> str:
        """The name of the address as a file name, different for different addresses."""
        digest = sha256(str(self).encode()).hexdigest()[:8]
        return f"{safe_name(self.path.strip('/').replace('/', '-'), 60).removesuffix('-')}-{digest}"


def read_address(url: str) -> Address:
    """Return the address of a URL or of a shared folder.

    Raises:
        ConfigurationError: The URL is not valid, or holds credentials.
        MissingExtraError: The library of its protocol is not installed.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return Address("file", str(absolute_path(url)))
    protocol, path = found["protocol"].lower(), found["path"]
    if "@" in path or "?" in path or "#" in path:
        raise ConfigurationError(
            f"the URL of a store must have no credentials and no options, got one at {protocol}://; "
            "set them where the provider's own tools read them, such as AWS_PROFILE"
        )
    if protocol == "file":
        return Address("file", str(absolute_path(unquote(path.removeprefix("localhost")))))
    if protocol not in OBJECT_STORES:
        known = ["file", *OBJECT_STORES]
        raise ConfigurationError(
            f"the URL of a store must begin with one of {', '.join(known)}, got {protocol}://{nearest(protocol, known)}"
        )
    parts = [part for part in path.split("/") if part]
    if not parts or any(part in (".", "..") for part in parts):
        raise ConfigurationError(f"the URL of a store must be {protocol}://bucket/prefix, got {url}")
    if find_spec(OBJECT_STORES[protocol]) is None:
        raise missing_extra(OBJECT_STORES[protocol], f"a store at {protocol}://")
    return Address(protocol, "/".join(parts))


def folder_of(address: Address) -> Path:
    """Return the folder of a `file` address."""
    return Path(address.path)
