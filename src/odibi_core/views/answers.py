"""The answers about runs: the structs that the views give to the story and the command line.

A value is None if it is not known. A field with a default is left out of JSON while it has that value. Nested data
(samples, metadata) may be shared with the events: read it, do not write to it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from odibi_core.views.cards import Card, Carded
from odibi_core.views.row_changes import RowChange


class _Answer(Struct, frozen=True, omit_defaults=True, gc=False):
    """A part of an answer. It holds no cycles, so the garbage collector need not visit it."""


class Column(_Answer, frozen=True):
    """A column of a schema."""

    column: str | None
    type: str | None


class TypeChange(_Answer, frozen=True):
    """A column that has another type after a step."""

    column: str | None
    before: str | None
    after: str | None


class Rename(_Answer, frozen=True):
    """A column that has another name after a step."""

    before: str
    after: str


class SchemaDiff(_Answer, frozen=True):
    """The difference of two schemas; `left_out` counts, by kind, changes without room in the record.

    A renamed column is also among the added and the removed ones.
    """

    added_columns: list[str]
    removed_columns: list[str]
    changed_types: list[TypeChange]
    left_out: dict[str, int] = {}
    renamed_columns: list[Rename] = []


class ColumnSource(_Answer, frozen=True):
    """A column of a dataset that another column comes from, and the ways from it in OpenLineage's terms."""

    dataset: str | None
    column: str | None
    transformations: list[dict[str, Any]]


class ColumnOrigin(_Answer, frozen=True):
    """A column and its sources; None if they are unknown, then `unknown` has the reason."""

    column: str
    sources: list[ColumnSource] | None
    method: str | None = None
    confidence: float | None = None
    unknown: str | None = None


class ColumnLineage(_Answer, frozen=True):
    """The origins of the columns of a frame, and the columns that decide about its rows; None if unknown."""

    dataset: str
    columns: list[ColumnOrigin]
    indirect: list[ColumnSource] | None
    left_out: int = 0
    items_seen: int | None = None
    """Of a mapped step: the items that were looked at; the others may have other origins."""
    items: int | None = None
    indirect_method: str | None = None
    """`rule` for a function, of whose rows a rule is proved."""


class Snapshot(Carded, _Answer, frozen=True):
    """A frame as a step took or made it; `stats` has a record for each column."""

    name: str
    timestamp: datetime | None
    row_count: int | None
    column_count: int | None
    schema: list[Column]
    sample_data: list[dict[str, Any]]
    metadata: dict[str, Any]
    not_described: str | None
    stats: list[dict[str, Any]] = []

    def _card(self) -> Card:
        from odibi_core.views.cards.frames import snapshot_card

        return snapshot_card(self)


class Check(_Answer, frozen=True):
    """The result of a check; `passed` is None if it could not be checked."""

    check: str | None
    column: str | None
    passed: bool | None
    failed_rows: int | None
    total_rows: int | None
    severity: str | None
    message: str | None
    examples: list[Any]
    mostly: float | None = None
    condition: str | None = None
    key_columns: list[str] | None = None
    contract: str | None = None
    contract_name: str | None = None
    contract_version: str | None = None


class Retry(_Answer, frozen=True):
    """A failed attempt that was followed by another one, after `delay_ms`."""

    attempt: int | None
    error: str | None
    delay_ms: float | None
    timestamp: datetime | None


class Cost(_Answer, frozen=True):
    """The estimated cost of some calls; `cost_usd` is the sum of those with a known cost."""

    cost_usd: float
    calls: int
    unknown_costs: int
    bytes_processed: int
    bytes_billed: int
    operation: str | None = None


class Node(_Answer, frozen=True, kw_only=True):
    """A step of one run, without its data.

    `calls` is set for a step that was called several times, `tasks` for one that is mapped over a list.
    """

    node_name: str
    layer: str | None
    state: str
    start: datetime | None
    end: datetime | None
    duration_ms: float | None
    row_count: int | None
    attempts: int | None
    cache_hit: bool | None
    worker: str | None
    error: str | None
    calls: int | None = None
    failed_calls: int | None = None
    tasks: int | None = None
    failed_tasks: int | None = None
    taken_from: str | None = None
    """The earlier run whose result was taken: the step did not run."""


class NodeLineage(Node, frozen=True, kw_only=True):
    """A step of one run with its data; `started_ms` counts from the start of the run.

    `schema_diff` and `row_delta` compare `after` with the first of `before`. A dependency in `probable` follows from
    a copy or a view of a frame.
    """

    type: str | None
    engine: str | None
    started_ms: float | None
    inputs: dict[str, str]
    outputs: dict[str, str]
    depends_on: list[str]
    memory_mb: float | None
    before: list[Snapshot]
    after: Snapshot | None
    schema_diff: SchemaDiff | None
    row_delta: int | None
    error_type: str | None
    traceback: str | None
    skip_reason: str | None
    retries: list[Retry]
    checks: list[Check]
    probable: list[str] = []
    column_lineage: list[ColumnLineage] = []
    row_changes: list[RowChange] = []
    cost: Cost | None = None
    """Of the calls in all attempts; None if no call of the step has recorded a cost."""


class Edge(_Answer, frozen=True):
    """A dataset that one step made and another took; `dataset` is None for a dependency without one."""

    source: str
    target: str
    dataset: str | None
    row_count: int | None
    probable: bool = False


class Totals(_Answer, frozen=True):
    """Counts over the steps of a run; `success_rate` in percent, `total_duration_ms` the sum of the steps."""

    total_steps: int
    success_count: int
    failed_count: int
    skipped_count: int
    success_rate: float
    total_duration_ms: float
    checks_passed: int
    checks_failed: int
    checks_not_checked: int


class Operation(_Answer, frozen=True):
    """All measurements of one name under one parent; `kind` is `step` for a step of a pipeline."""

    name: str
    calls: int
    failures: int
    total_ms: float | None
    self_ms: float | None
    min_ms: float | None
    max_ms: float | None
    children: list[Operation]
    kind: str | None = None


class ErrorExample(_Answer, frozen=True):
    """One failure of a group, with all its details."""

    timestamp: datetime
    event_type: str
    level: str
    run_id: str | None
    node_name: str | None
    operation: str | None
    component: str | None
    user: str | None
    correlation_id: str | None
    error_id: str | None
    handled: bool | None
    context: dict[str, Any]
    contexts: dict[str, Any]
    breadcrumbs: list[dict[str, Any]]
    traceback: str | None


class ErrorGroup(_Answer, frozen=True):
    """Failures of one fingerprint; `runs` are the last ten, `run_count` is exact for up to 1,000 runs side by side."""

    fingerprint: str
    error_type: str | None
    message: str | None
    count: int
    first_seen: datetime
    last_seen: datetime
    run_count: int
    runs: list[str]
    nodes: list[str]
    operations: list[str]
    example: ErrorExample


class Errors(_Answer, frozen=True):
    """The failures of runs: their total, their groups, and the number of groups without room."""

    total: int
    groups: list[ErrorGroup]
    forgotten: int


class CapturedError(_Answer, frozen=True):
    """Failures of one fingerprint that were captured beside the steps."""

    error_type: str | None
    message: str | None
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    operations: list[str]
    fingerprint: str | None
    handled: bool | None
    component: str | None
    traceback: str | None


class LogLine(_Answer, frozen=True):
    """A line of the log; `event_type` is None if it is the message itself."""

    timestamp: datetime | None
    level: str
    event_type: str | None
    message: str | None
    component: str | None
    operation: str | None
    node_name: str | None
    fields: dict[str, Any]


class Costs(_Answer, frozen=True):
    """The cost of a run, and of its most expensive operations."""

    total: Cost
    by_operation: list[Cost]


class Activity(_Answer, frozen=True):
    """The activity of a run beside its steps: the last errors, the last lines of the log, operations and costs."""

    errors: list[CapturedError] = []
    error_count: int = 0
    log: list[LogLine] = []
    log_levels: dict[str, int] = {}
    operations: list[Operation] = []
    costs: Costs | None = None


class Run(_Answer, frozen=True):
    """The start and the end of a run; `status` is running, success, failed, cancelled or lost."""

    run_id: str | None
    pipeline_name: str | None
    status: str
    engine: str | None
    start: datetime | None
    end: datetime | None
    duration_ms: float | None
    error: str | None


class RunRow(Run, frozen=True):
    """A run in a list of runs; `rows_read` and `rows` were read and published by its steps."""

    steps: int | None
    success_count: int
    failed_count: int
    skipped_count: int
    checks_passed: int
    checks_failed: int
    checks_not_checked: int
    rows: int | None
    rows_read: int | None
    pid: int | None
    host: str | None
    process_start: float | None
    last_event: datetime | None


class Timeline(Run, frozen=True):
    """A run and the states of its steps; `total` is the number of steps, `counts` has every state."""

    last_event: datetime | None
    total: int
    counts: dict[str, int]
    nodes: list[Node]


class Lineage(Run, frozen=True):
    """A run, its steps with their data, the edges between them, and its activity beside them.

    `overhead_ms` is the time that recording took of the run, `overhead_pct` the same in percent of the duration and the
    recording before and after it.
    `few_matches` has a sentence for each join in which most rows have no partner.
    """

    nodes: list[NodeLineage]
    edges: list[Edge]
    summary: Totals
    activity: Activity | None = None
    overhead_ms: float | None = None
    overhead_pct: float | None = None
    few_matches: list[str] = []
