"""The one record: everything that happens is an `Event`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

if TYPE_CHECKING:
    from dataclasses import Field

FIELDS_ON_THE_WIRE: Final = "␟"
"""Where `fields` stands in the encoder's output before the codec flattens it; `normalize` lets no key be called so."""


class _DataclassFields:
    """Makes `dataclasses.asdict` and `fields` work on an event; built when first asked for, since few programs ask."""

    def __get__(self, instance: object, owner: type[msgspec.Struct]) -> dict[str, Field[Any]]:
        from dataclasses import make_dataclass

        twin = make_dataclass(owner.__name__, owner.__struct_fields__)
        found: dict[str, Field[Any]] = twin.__dict__["__dataclass_fields__"]
        return found


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What happened, once: a header, the standard fields, and whatever else was said in `fields`.

    `timestamp` is aware and in UTC, `duration_ms` comes from a monotonic clock, `memory_mb` is the process's
    resident size. `seq` counts the events of one `writer_id` from 0 without a gap, so it gives their order
    whatever the wall clock did. The values in `fields` are JSON-plain: `events.sanitize` is the way in. So no ring
    of references can go through an event, and the garbage collector need not look at each one that a view keeps.
    """

    timestamp: datetime
    level: str
    event_type: str
    message: str | None = None
    node_name: str | None = None
    layer: str | None = None
    engine: str | None = None
    status: str | None = None
    duration_ms: float | None = None
    error: str | None = None
    cache_hit: bool | None = None
    row_count: int | None = None
    memory_mb: float | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    run_id: str | None = None
    correlation_id: str | None = None
    operation: str | None = None
    component: str | None = None
    writer_id: str = ""
    seq: int = -1
    fields: dict[str, Any] = msgspec.field(name=FIELDS_ON_THE_WIRE, default_factory=dict)

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__: ClassVar = _DataclassFields()

    def get(self, name: str, default: Any = None) -> Any:
        """A field by its name on the wire, standard or not."""
        value = getattr(self, name, None) if name in COLUMNS else self.fields.get(name)
        return default if value is None else value


COLUMNS: Final = tuple(name for name in Event.__struct_fields__ if name != "fields")
"""The standard fields in the order of the line."""

HEADER: Final = frozenset({"timestamp", "level", "event_type", "writer_id", "seq"})
"""What only the recorder sets: a caller's field of such a name is kept under the name with `_` behind it."""

STANDARD: Final = frozenset(COLUMNS) - HEADER
"""What a caller may set."""
