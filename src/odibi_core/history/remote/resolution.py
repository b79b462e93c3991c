"""The batches of a shared store that a reader takes, if several have the same run.

Two hosts may compact the same runs at once, because there is no lock. Every reader decides by the manifests alone, so
that all decide alike, and each run is taken from one batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from odibi_core.store.manifest import Manifest, active


class Choice(NamedTuple):
    """The batches to read."""

    whole: list[Manifest]
    """Batches whose runs are all taken from them: their files are read as they are."""
    partly: list[tuple[Manifest, list[str]]]
    """Batches of which only some runs are taken, each with the ids of these."""
    needless: list[Manifest]
    """Batches whose runs are all taken from others."""


def choose(manifests: Iterable[Manifest]) -> Choice:
    """Return the batches to read: each run is taken from the batch that has most of its events.

    If several have all of them, it is the batch with most runs, then the one with the later name. A batch that another
    one replaces is not read.
    """
    alive = active(manifests)
    owners: dict[str, tuple[int, int, str]] = {}
    for manifest in alive:
        for entry in manifest.runs:
            rank = (entry.events, len(manifest.runs), manifest.batch)
            owners[entry.run_id] = max(rank, owners.get(entry.run_id, rank))
    choice = Choice([], [], [])
    for manifest in alive:
        own = [entry.run_id for entry in manifest.runs if owners[entry.run_id][2] == manifest.batch]
        if len(own) == len(manifest.runs):
            choice.whole.append(manifest)
        elif own:
            choice.partly.append((manifest, own))
        else:
            choice.needless.append(manifest)
    return choice
