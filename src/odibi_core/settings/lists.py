"""Settings that are lists in one text, and what they hold for other settings: `service.name`, the tag `env`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def resource_attributes(text: str) -> dict[str, str]:
    """Return `OTEL_RESOURCE_ATTRIBUTES`, names and values percent-decoded; of a repeated name, the last."""
    from urllib.parse import unquote  # here, because few have such a list

    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {unquote(name.strip()): unquote(value.strip()) for name, _, value in pairs}


def pairs(text: str) -> dict[str, str]:
    """Return a list of `name=value` with commas between; of a repeated name, the last."""
    split = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in split}


def buckets(text: str) -> dict[str, list[float]] | None:
    """Return the bounds of `metrics.buckets` by metric; None unless all are ascending numbers."""
    try:
        found = {metric: [float(bound) for bound in bounds.split()] for metric, bounds in pairs(text).items()}
    except ValueError:
        return None
    is_right = all(lower < upper for bounds in found.values() for lower, upper in pairwise(bounds))
    return found if is_right else None


def tags(text: str) -> list[tuple[str, str | None]]:
    """Return `DD_TAGS`, split at commas if there is one, else at spaces; None for a tag without a value."""
    parts = (part.strip() for part in (text.split(",") if "," in text else text.split()))
    split = (part.partition(":") for part in parts if part)
    return [(name, value if colon else None) for name, colon, value in split]


def value_within(listed: str, text: str, names: Sequence[str]) -> str:
    """Return the value that a list holds under the first of the names; empty if under none."""
    found = dict(tags(text)) if listed == "datadog_tags" else resource_attributes(text)
    return next((value for name in names if (value := found.get(name))), "")
