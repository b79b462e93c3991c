"""`Carded`: the methods by which IPython, `print` and `repr` show an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core.errors import STOPS

if TYPE_CHECKING:
    from odibi_core.views.cards.card import Card


class Carded:
    """A class with a card: a table in a notebook, one screen of text for `print` and IPython, one line for `repr`.

    A subclass has `_card`, which is cheap and bounded: it reads no file and runs no lazy frame. None of the methods
    here raises; an object whose card fails is shown by its type and the reason.
    """

    __slots__ = ()

    def _card(self) -> Card:
        """Return the card; without one of its own, the name of the type."""
        from odibi_core.views.cards.card import Card

        return Card(title=type(self).__name__)

    def _repr_html_(self) -> str:
        """Return the card for a notebook: static HTML without styles of a page, scripts and requests."""
        from odibi_core.views.cards import html

        return html.render(_card_of(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Write the card for the terminal of IPython; one line inside a list or a dict."""
        printer.text(repr(self) if cycle or len(printer.stack) > 1 else Carded.__str__(self))

    def __str__(self) -> str:
        from odibi_core.views.cards import plain

        return plain.render(_card_of(self))

    def _line(self) -> str:
        """Return the one line of `repr`; a class with a cheaper or exact one has its own."""
        card = _card_of(self)
        return f"<{type(self).__name__}: {'; '.join((card.title, *card.facts))}>"

    def __repr__(self) -> str:
        # A subclass has no `__repr__` of its own: IPython would then use it instead of `_repr_pretty_`.
        from odibi_core.events.inert import printable
        from odibi_core.views.wording import shorten

        try:
            return shorten(printable(self._line()))
        except STOPS:
            raise
        except BaseException as error:
            return f"<{type(self).__name__}: {type(error).__name__}>"


def _card_of(each: Carded) -> Card:
    from odibi_core.views.cards.card import Card

    try:
        return each._card()
    except STOPS:
        raise
    except BaseException as error:
        return Card(title=f"{type(each).__name__} cannot be shown: {type(error).__name__}")
