"""Errors of the system, such as a full disk, as errors of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from odibi_core.errors import StoreError


@contextmanager
def as_store_error(what: str) -> Iterator[None]:
    """Raise an `OSError` of the block as a `StoreError`: the work that cannot be done, and the reason."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror or error}") from error
