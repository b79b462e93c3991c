"""Digests of arrays, scalars and types of numpy, and of types of polars."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.engines.digests import Digest, NotDigestibleError

_TYPES: Final = ("numpy.dtypes", "polars.datatypes")
_KINDS: Final = "biufcmMSU"
"""Kinds of numpy's types whose bytes are their values."""


def is_of_numpy(kind: type) -> bool:
    """Return whether `digest_of_array` may know objects of a class."""
    return kind.__module__ == "numpy" or kind.__module__.startswith(_TYPES)


def digest_of_array(value: Any, digest: Digest) -> str:
    """Return the digest of an array, of a scalar or of a type.

    Raises:
        NotDigestibleError: It holds objects, or is another thing of numpy.
    """
    kind = type(value)
    if kind.__name__ == "ndarray":
        if value.dtype.kind not in _KINDS:
            raise NotDigestibleError(f"an array of {value.dtype} has no stable form")
        return digest.bytes(repr(value.dtype), repr(value.shape), value.tobytes()).hex()
    if hasattr(value, "tobytes") and value.dtype.kind in _KINDS:
        return digest.bytes(kind.__name__, repr(value.dtype), value.tobytes()).hex()
    if kind.__module__.startswith(_TYPES):
        return repr(value)
    raise NotDigestibleError(f"a {kind.__module__}.{kind.__name__} has no stable form")
