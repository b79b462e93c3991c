"""Cards: short answers for a notebook, a terminal and a pull request, each from one description.

A `Card` has no form. `html.render` makes a part of a page without scripts and styles, `plain.render` a screen of text,
`markdown.render` a comment. `Carded` gives a class the methods by which IPython and `print` show its card.
"""

from __future__ import annotations

from odibi_core.views.cards.card import Card, Section, Table, Tone
from odibi_core.views.cards.carded import Carded

__all__ = ["Card", "Carded", "Section", "Table", "Tone"]
