"""`RunFilter`: the runs that a list shows, as SQL of the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from odibi_core.events.sanitize import sanitize_field, sanitize_text
from odibi_core.history.index.columns import micros

_MEMBER: Final = (
    "exists (select 1 from json_each(runs.{column}) where key = ? and"
    " case type when 'true' then 'true' when 'false' then 'false' when 'null' then 'null'"
    " else cast(value as text) end = ?)"
)
"""A member of a JSON object with that name and that value, as a text."""
_SEARCHED: Final = ("run_id", "pipeline_name", "partition", "host", "error", "tags", "params")


class RunFilter(Struct, frozen=True):
    """The runs that pass every filter that is given.

    `since` and `until` are about the start of a run; `tags` and `params` have values as texts; `unusual` selects runs
    with unusual findings; `text` is a part of the id, the pipeline, the partition, the host, the error, a tag or a
    parameter, in any case. Secrets in the given texts are redacted as in the record: they find every run with a secret
    there.
    """

    pipeline_name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: str | None = None
    tags: Mapping[str, str] = {}
    params: Mapping[str, str] = {}
    partition: str | None = None
    unusual: bool = False
    text: str = ""

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition and its values."""
        found = list(self._conditions())
        return " and ".join(text for text, _ in found), [value for _, values in found for value in values]

    def _conditions(self) -> Iterator[tuple[str, list[Any]]]:
        yield "runs.run_id is not null", []
        for name in ("pipeline_name", "status", "partition"):
            if (value := getattr(self, name)) is not None:
                yield f'runs."{name}" = ?', [sanitize_text(value)]
        if self.since is not None:
            yield "runs.started >= ?", [micros(self.since)]
        if self.until is not None:
            yield "runs.started <= ?", [micros(self.until)]
        if self.unusual:
            yield "runs.unusual > 0", []
        if self.text:
            found = " or ".join(f"instr(lower(runs.{name}), ?) > 0" for name in _SEARCHED)
            yield f"({found})", [sanitize_text(self.text).lower()] * len(_SEARCHED)
        for column, wanted in (("tags", self.tags), ("params", self.params)):
            for name, value in wanted.items():
                yield _MEMBER.format(column=column), [sanitize_text(name), sanitize_field(name, value)]


ALL: Final = RunFilter()
"""The filter that every run passes."""
