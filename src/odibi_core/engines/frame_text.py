"""Names and types of columns as short texts, where two that differ stay different."""

from __future__ import annotations

from hashlib import blake2s
from typing import Any, Final

MOST_CHARS: Final = 200


def short(content: str) -> str:
    """Return a text of at most `MOST_CHARS` characters; a longer one is cut, and ends in a digest of all of it."""
    if len(content) <= MOST_CHARS:
        return content
    digest = blake2s(content.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{content[: MOST_CHARS - len(digest) - 2]}… {digest}"


def type_text(dtype: Any) -> str:
    """Return the text of a type of polars or narwhals; of an Enum without its categories, which may be millions."""
    name = type(dtype).__name__
    return name if name == "Enum" else short(str(dtype))
