"""The settings by their attribute: for each its section, its type and the variables that set it, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from odibi_core.errors import nearest
from odibi_core.settings.environment import INHERITED, TRACEPARENT, process_environment
from odibi_core.settings.field_types import REACH, Source
from odibi_core.settings.sections import SECTIONS

PREFIX: Final = "ODIBI_"
FILE_VARIABLE: Final = "ODIBI_CONFIG_FILE"
NO_SETTINGS: Final = (FILE_VARIABLE, INHERITED, "ODIBI_DEBUG")
"""Variables of odibi that set no key."""


class Option(NamedTuple):
    """One setting: its place, its attribute of `ObservabilityConfig`, its type, and the variables in their order."""

    section: str
    key: str
    attribute: str
    variables: tuple[str, ...]
    kind: Any
    """The annotation of the field."""
    within: tuple[str, ...]
    instead: str
    """The attribute whose value stands in while none is given."""
    is_secret: bool
    is_used: bool

    @property
    def name(self) -> str:
        """`metrics.port`, as in the file."""
        return f"{self.section}.{self.key}"

    @property
    def default(self) -> Any:
        """The value if nothing sets it."""
        return getattr(SECTIONS[self.section](), self.key)

    @property
    def own_variable(self) -> str:
        """`ODIBI_METRICS__PORT`, which every setting has."""
        return f"{PREFIX}{self.section}__{self.key}".upper()

    @property
    def reach(self) -> str:
        """The boundary that the setting may lead out of: `path`, `host`, `url`, `store`, `rules`, or nothing."""
        extras = [getattr(meta, "extra", None) or {} for meta in getattr(self.kind, "__metadata__", ())]
        return str(next((extra[REACH] for extra in extras if REACH in extra), ""))


def _option(section: str, key: str, kind: Any) -> Option:
    source = next((meta for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, Source)), Source())
    attribute = source.short.lower() or f"{section}_{key}"
    signal = section.removeprefix("otel").upper()
    return Option(
        section,
        key,
        attribute,
        variables=(
            *([source.short] if source.short else []),
            f"{PREFIX}{section}__{key}".upper(),
            *(variable.format(signal=signal) for variable in source.ecosystem),
        ),
        kind=kind,
        within=source.within,
        instead=source.instead if source.instead != attribute else "",
        is_secret=source.is_secret,
        is_used=source.is_used,
    )


def _kinds(section: type[Any]) -> dict[str, Any]:
    """Return the annotation of each field, those of base classes included."""
    found = {name: kind for base in section.__mro__ for name, kind in getattr(base, "__annotations__", {}).items()}
    return {name: found[name] for name in section.__struct_fields__}


OPTIONS: Final = {
    option.attribute: option
    for section, fields in SECTIONS.items()
    for option in (_option(section, key, kind) for key, kind in _kinds(fields).items())
}
"""Every setting by its attribute."""
VARIABLES: Final = frozenset(name for option in OPTIONS.values() for name in option.variables)
_SECTION_PREFIXES: Final = tuple(f"{PREFIX}{section}__".upper() for section in SECTIONS)


def options_of(section: str) -> list[Option]:
    """Return the settings of one section."""
    return [option for option in OPTIONS.values() if option.section == section]


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence for each variable that is ignored; it may be a misspelling, or another program's.

    That is an `ODIBI_…` of an unknown section, and a `TRACEPARENT` that names no span.
    """
    environment = process_environment() if environment is None else environment
    known = {*NO_SETTINGS, *VARIABLES}
    unknown = [
        f"{name} is not a variable of odibi{nearest(name, sorted(known))}; it changes nothing"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name not in known and not name.startswith(_SECTION_PREFIXES)
    ]
    return unknown + _invalid_parent(environment.get(TRACEPARENT, ""))


def _invalid_parent(parent: str) -> list[str]:
    from odibi_core.events.trace_context import read_traceparent  # here, because few are in a trace

    if not parent or read_traceparent(parent):
        return []
    return [
        f"{TRACEPARENT} is {parent!r:.200}, which names no span and is ignored: it is "
        "00-<trace id>-<span id>-<flags>, of 2, 32, 16 and 2 hexadecimal digits in lower case, and no id is all 0"
    ]
