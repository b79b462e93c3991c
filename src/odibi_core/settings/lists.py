"""Settings that are lists in one text, and what they say of other settings: `service.name`, the tag `env`."""

from __future__ import annotations

from typing import Final

_RESOURCE: Final = "otel_resource_attributes"
_TAGS: Final = "datadog_tags"

WITHIN: Final = {
    "service_name": (_RESOURCE, ("service.name",)),
    "service_version": (_RESOURCE, ("service.version",)),
    "environment": (_RESOURCE, ("deployment.environment.name", "deployment.environment")),
    "datadog_service": (_TAGS, ("service",)),
    "datadog_env": (_TAGS, ("env",)),
    "datadog_version": (_TAGS, ("version",)),
}
"""The attributes that a list may speak of: which list, and by which names, the first before the others."""


def resource_attributes(text: str) -> dict[str, str]:
    """`OTEL_RESOURCE_ATTRIBUTES`, its names and values percent-decoded; of a name that is there twice, the last."""
    from urllib.parse import unquote  # here, since few have such a list

    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {unquote(name.strip()): unquote(value.strip()) for name, _, value in pairs}


def tags(text: str) -> list[tuple[str, str | None]]:
    """`DD_TAGS`: with commas between, where there is one, else with spaces; None for a tag that is only a name."""
    parts = (part.strip() for part in (text.split(",") if "," in text else text.split()))
    split = (part.partition(":") for part in parts if part)
    return [(name, value if colon else None) for name, colon, value in split]


def said_within(attribute: str, text: str) -> str:
    """What the list says of another setting; empty for nothing."""
    listed, names = WITHIN[attribute]
    said = resource_attributes(text) if listed == _RESOURCE else dict(tags(text))
    return next((value for name in names if (value := said.get(name))), "")
