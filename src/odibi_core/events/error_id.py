"""The id of one exception: whoever tells of it, in whichever layer, tells of the same failure."""

from __future__ import annotations

import weakref
from typing import Final

from odibi_core.errors import STOPS
from odibi_core.events.clock import new_id

_MARK: Final = "__odibi_error_id__"
_known: Final[dict[int, tuple[weakref.ref[BaseException], str]]] = {}


def error_id_of(error: BaseException) -> str:
    """The id of this very exception, for as long as it lives: whoever counts, counts it once.

    It stands in a table beside a weak reference, so that the program finds its exceptions as it made them (equality,
    `vars`, pickle). Python's own classes take no weak reference: theirs carry it in their `__dict__`.
    """
    made, place, table = new_id(32), id(error), _known
    try:
        entry = (weakref.ref(error, lambda _: table.pop(place, None)), made)  # before the address is another's
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
        return made  # its class has made a thing of its own of `__dict__`
