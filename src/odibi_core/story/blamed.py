"""The step where a run begins to differ, with what else is known of the same rows: each thing stands once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from odibi_core.story.background import Background
from odibi_core.story.rows import unusual_sentence
from odibi_core.story.steps import compact
from odibi_core.story.unusual import text_of, without_step
from odibi_core.views.answers import Lineage
from odibi_core.views.wording import shorten

Entry = dict[str, Any]
_EFFECTS: Final = ("lost", "gained", "found no match for")
"""The verbs of a sentence about the rows of a step."""
_FAMILIES: Final = frozenset({"rows", "selectivity", "no rows"})


class Blamed(NamedTuple):
    """The entry of the first step that differs, and the places of the steps whose rows its sentence is about."""

    entry: Entry | None = None
    rows: tuple[int, ...] = ()


def blamed(known: Background, places: Mapping[str, int], lineage: Lineage) -> Blamed:
    """Return the first step that differs from the last good run, with the step that has the effect on rows."""
    begins, text = text_of(known.run.get("blame_step")), text_of(known.run.get("blame"))
    if text is None or begins is None or begins not in places:
        return Blamed()
    effect = next((name for name in places if text.startswith(tuple(f"{name} {verb} " for verb in _EFFECTS))), None)
    name = effect or begins
    rows = () if effect is None else tuple(places[each] for each in dict.fromkeys((effect, begins)))
    unusual = [(each, unusual_sentence(lineage.nodes[each])) for each in rows]
    also = [
        {"step": each, "name": lineage.nodes[each].node_name, "text": shorten(sentence, 160)}
        for each, sentence in unusual
        if sentence is not None
    ]
    entry = {"step": places[name], "tone": "warn", "text": without_step(name, text), **compact({"also": also})}
    return Blamed(entry, rows)


def taken_in(first: Blamed, findings: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Return the entry as a list, with the findings about the same rows in its `also`, and the other findings."""
    entry, rows = first
    if entry is None:
        return [], findings
    same = [each for each in findings if each.get("step") in rows and each.get("family") in _FAMILIES]
    parts = [part for each in same for part in ({**each, "follows": []}, *each.get("follows", ()))]
    also = [*entry.get("also", ()), *map(compact, parts)]
    return [entry | compact({"also": also})], [each for each in findings if each not in same]
