"""The id of one exception: events of all layers about it name the same failure."""

from __future__ import annotations

import weakref
from typing import Final

from odibi_core.errors import STOPS
from odibi_core.events.clock import new_id

_MARK: Final = "__odibi_error_id__"
_known: Final[dict[int, tuple[weakref.ref[BaseException], str]]] = {}


def error_id_of(error: BaseException) -> str:
    """Return the id of this exception object, the same for as long as it lives.

    The id is kept in a table beside a weak reference, so that the exception stays as the program made it (equality,
    `vars`, pickle). Python's own classes allow no weak reference: their objects carry it in `__dict__`.
    """
    made, place, table = new_id(32), id(error), _known
    try:
        # The callback runs before the address is used again.
        entry = (weakref.ref(error, lambda _: table.pop(place, None)), made)
    except TypeError:
        return _marked(error, made)
    known, identity = table.setdefault(place, entry)
    return identity if known() is error else made


def _marked(error: BaseException, made: str) -> str:
    try:
        return str(object.__getattribute__(error, "__dict__").setdefault(_MARK, made))
    except STOPS:
        raise
    except BaseException:
        return made  # the class replaced `__dict__`
