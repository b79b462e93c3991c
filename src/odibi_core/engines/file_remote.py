"""Remote files: URIs without credentials, and what is known of them without a request."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any, Final, NamedTuple

from odibi_core.errors import STOPS
from odibi_core.events.clock import iso, read_iso

_LOGIN: Final = re.compile(r"(?<=://)[^/?#\s]*@")
_SIZES: Final = ("size", "Size", "ContentLength")
_ETAGS: Final = ("ETag", "etag", "md5Hash", "content_md5", "checksum", "generation")
_TIMES: Final = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
_IN_PROCESS: Final = frozenset({"memory", "local", "file"})


class RemoteFacts(NamedTuple):
    """Size, time and version of a remote file, as far as they are known."""

    size: int | None = None
    modified: str | None = None
    etag: str | None = None


def without_login(uri: str) -> str:
    """Return a URI without user, password, query and fragment; a signed URL has its key in the query."""
    return re.split(r"[?#]", _LOGIN.sub("", uri))[0]


def without_database_login(url: str) -> str:
    """Return the URL of a database without user, password and options; a password may hold a slash."""
    scheme, found, rest = url.partition("://")
    return f"{scheme}{found}{rest.partition('?')[0].rpartition('@')[2]}"


def uri_of_open(value: Any) -> str | None:
    """Return the URI of a file that fsspec opened or will open; None for any other value."""
    if "fsspec" not in sys.modules:
        return None
    system, path = getattr(value, "fs", None), getattr(value, "path", None)
    if system is None or not isinstance(path, str) or not hasattr(system, "unstrip_protocol"):
        return None
    uri = str(system.unstrip_protocol(path))
    return uri.removeprefix("file://")


def facts(uri: str, opened: Any, options: Any, *, ask: bool) -> RemoteFacts:
    """Return the facts of a remote file that need no request; with `ask`, by one request.

    They come from the open file or from a listing that fsspec keeps. Never raises.
    """
    try:
        known = getattr(opened, "details", None)
        if not isinstance(known, Mapping):
            known = _known(uri, options, ask=ask)
        return _facts(known) if isinstance(known, Mapping) else RemoteFacts()
    except STOPS:
        raise
    except BaseException:
        return RemoteFacts()


def _known(uri: str, options: Any, *, ask: bool) -> Any:
    if "fsspec" not in sys.modules and not ask:
        return None
    system, path = import_module("fsspec.core").url_to_fs(uri, **(options if isinstance(options, Mapping) else {}))
    protocols = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
    if ask or _IN_PROCESS & set(protocols):
        return system.info(path)
    listed = system.dircache.get(path.rpartition("/")[0], ())
    return next((entry for entry in listed if entry.get("name") == path), None)


def _facts(known: Mapping[str, Any]) -> RemoteFacts:
    size = next((known[name] for name in _SIZES if isinstance(known.get(name), int)), None)
    etag = next((str(known[name]).strip('"') for name in _ETAGS if known.get(name)), None)
    time = next((known[name] for name in _TIMES if known.get(name)), None)
    moment = time if isinstance(time, datetime) else read_iso(time)
    return RemoteFacts(size, None if moment is None else iso(moment), etag)
