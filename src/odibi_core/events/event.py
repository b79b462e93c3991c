"""The event: the record of one occurrence."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

if TYPE_CHECKING:
    from dataclasses import Field

FIELDS_ON_THE_WIRE: Final = "␟"
"""The name of `fields` in the encoder's output before the codec flattens it; `normalize` allows no key of this name."""


class _DataclassFields:
    """The fields for `dataclasses.asdict` and `fields`, made at the first use, because few programs need them."""

    def __get__(self, instance: object, owner: type[msgspec.Struct]) -> dict[str, Field[Any]]:
        from dataclasses import make_dataclass

        twin = make_dataclass(owner.__name__, owner.__struct_fields__)
        found: dict[str, Field[Any]] = twin.__dict__["__dataclass_fields__"]
        return found


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The record of one occurrence: a header, the standard fields, and all other fields in `fields`.

    `timestamp` is aware and in UTC, `duration_ms` comes from a monotonic clock, `memory_mb` is the resident size of the
    process. `seq` counts the events of one `writer_id` from 0 without a gap: it is their order, even if the wall clock
    was set. The values in `fields` are JSON-plain (`events.sanitize`), so no cycle goes through an event and the
    garbage collector need not visit it.
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
        """Return a field by its name in the line, standard or not."""
        value = getattr(self, name, None) if name in COLUMNS else self.fields.get(name)
        return default if value is None else value


COLUMNS: Final = tuple(name for name in Event.__struct_fields__ if name != "fields")
"""The standard fields in the order of the line."""

HEADER: Final = frozenset({"timestamp", "level", "event_type", "writer_id", "seq"})
"""Fields that only the bus sets: a given field of such a name is kept with `_` behind the name."""

STANDARD: Final = frozenset(COLUMNS) - HEADER
"""Standard fields that may be given."""
