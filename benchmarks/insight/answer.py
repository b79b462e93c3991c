"""The format of an entry: the answer of one explanation, and the claims about rows in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Side = Literal["lost", "gained", "unmatched"]

LONGEST_TEXT: Final = 400
"""A claim is a predicate or a key; a longer text is a list of rows, and counts as no claim."""


@dataclass(frozen=True)
class Claim:
    """A predicate or a key that an entry states about the rows of the main input.

    Args:
        side: lost: rows without a row in the output; gained: rows that come more than once; unmatched: rows without
            a partner in another input.
        text: The predicate or key as a person reads it.
        proved: True if the entry claims that it holds for all rows, and not for a part of them.
        share: The share of the rows of that side that it claims to explain.
        columns: The columns of the main input that it reads.
        selects: Return the rows of the main input that it selects; None if it can only be read.
    """

    side: Side
    text: str
    proved: bool
    share: float = 1.0
    columns: tuple[str, ...] = ()
    selects: Callable[[], Mask] | None = None


@dataclass(frozen=True)
class Answer:
    """The answer about one output. None: unknown.

    Args:
        kind: The kind of the operation, such as filter, inner join or dedup.
        lost: The number of rows of the main input without a row in the output.
        gained: The number of rows of the output beyond one for each row of the main input.
        unmatched: The number of rows without a partner, by the name of the other input.
        claims: The predicates and keys.
        lost_rows: Return the numbers of the lost rows, if the entry knows them without a predicate, else None.
        reason: The reason for an unknown part.
    """

    kind: str = "unknown"
    lost: int | None = None
    gained: int | None = None
    unmatched: Mapping[str, int] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    lost_rows: Callable[[], npt.NDArray[np.int64] | None] | None = None
    reason: str = ""


Entry = Callable[[Mapping[str, Any], Any, Callable[..., Any] | None], Answer]
"""`explain(inputs, output, source)`: the frames by name, the output, and the function or None. Nothing else is known:
neither which input is the main one, nor the keys."""
