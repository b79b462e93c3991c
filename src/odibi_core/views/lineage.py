"""The data of one run: its steps with their snapshots, differences and checks, and the edges between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import asdict

from odibi_core.events import Event, kinds
from odibi_core.views.answers import Check, ColumnLineage, Cost, Edge, Lineage, NodeLineage, Retry, Snapshot, Totals
from odibi_core.views.column_lineage import column_lineage_of, with_renames, with_rules
from odibi_core.views.deciding_columns import deciding_columns
from odibi_core.views.diffs import columns, difference, row_delta
from odibi_core.views.join_wording import join_warning
from odibi_core.views.row_changes import row_change
from odibi_core.views.run_activity import RunActivity
from odibi_core.views.step import ENDED, Group, Step, step_key
from odibi_core.views.steps import STEP_HANDLERS, StepsView
from odibi_core.views.values import count, keys_by_name, milliseconds, number, passed_of, record, records, text, texts

TakenRows = Callable[[str, str, str], int | None]
"""Rows by source, target and dataset."""
MAX_SAMPLE_ROWS: Final = 5
MAX_SNAPSHOTS: Final = 256
"""Datasets kept on each side of a step."""
MAX_CHECKS: Final = 1000
MAX_JOINS: Final = 100


class LineageView(StepsView):
    """The lineage of one run (see `StepsView` for which).

    Steps stand in the plan's order, else in that of their first events. A step is `pending` until it starts, also in a
    run that ended without it. If the run was cancelled or lost, its running steps are `cancelled` or `lost`.

    An edge leads from the step that made a dataset to each that took it, with the rows that were taken. A dependency
    without a dataset is an edge with `dataset` None. Without a plan, as with a `Tracker` alone, a step depends on the
    one that its thread or task started just before.

    A step with several attempts shows the last. `schema_diff` and `row_delta` compare the first output with the first
    input: by the plan's order, else by arrival. Memory is bounded for each step.
    """

    def _reset(self, run_id: str | None) -> None:
        super()._reset(run_id)
        self._activity = RunActivity()
        self._few_matches: dict[tuple[str, ...], str] = {}

    def _on_other(self, event: Event) -> None:
        self._activity(event)

    def _on_join(self, event: Event) -> None:
        """Keep the keys of a join, and the sentence about its last attempt."""
        step = self._step(event)
        if step is not None and len(step.joins) < MAX_JOINS:
            step.keep("joins", (text(event.fields.get("left")), text(event.fields.get("right"))), event)
        join = tuple(str(text(each)) for each in (event.node_name, event.fields.get("left"), event.fields.get("right")))
        warning = join_warning(event.fields)
        self._few_matches.pop(join, None)
        if warning is not None and len(self._few_matches) < MAX_JOINS:
            self._few_matches[join] = f"{join[0]}: {warning}"
        self._on_other(event)

    def _on_end(self, event: Event) -> None:
        super()._on_end(event)
        if event.event_type == kinds.NODE_FAILED:
            self._activity.step_failed(event)

    def _on_snapshot(self, event: Event) -> None:
        step = self._step(event)
        if step is None:
            return
        step.touched = True
        fields = event.fields
        where: Group = "after" if fields.get("when") == "after" else "before"
        side = step.after if where == "after" else step.before
        key = text(fields.get("dataset")) or event.timestamp
        if len(side) >= MAX_SNAPSHOTS and key not in side:
            return
        sample = fields.get("sample_data")
        if isinstance(sample, list) and len(sample) > MAX_SAMPLE_ROWS:
            fields = {**fields, "sample_data": sample[:MAX_SAMPLE_ROWS]}
            event = msgspec.structs.replace(event, fields=fields)
        step.keep(where, key, event)

    def _on_column_lineage(self, event: Event) -> None:
        step = self._step(event)
        dataset = text(event.fields.get("dataset"))
        if step is not None and dataset is not None and (dataset in step.lineage or len(step.lineage) < MAX_SNAPSHOTS):
            step.keep("lineage", dataset, event)

    def _on_cost(self, event: Event) -> None:
        """Add the cost to a step that began; that of any other place is one of the run alone."""
        if (step := self._steps.get(step_key(event) or "")) is not None:
            step.add_cost(event)
        self._on_other(event)

    def _on_row_change(self, event: Event) -> None:
        """Keep the rows of each dataset, of the last attempt; one that is unusual is a line of the log too."""
        step = self._step(event)
        dataset = text(event.fields.get("dataset"))
        if step is not None and dataset is not None and (dataset in step.changes or len(step.changes) < MAX_SNAPSHOTS):
            step.keep("changes", dataset, event)
        self._on_other(event)

    def _on_check(self, event: Event) -> None:
        step = self._step(event)
        if step is None or len(step.checks) >= MAX_CHECKS:
            return
        # By its number: two checks of a step may have events with equal fields.
        fields = (text(event.fields.get("check")), text(event.fields.get("column")), text(event.message))
        step.keep("checks", (text(event.writer_id), count(event.seq), *fields), event)

    handlers: ClassVar[dict[str, Callable[[Any, Event], None]]] = {
        **STEP_HANDLERS,
        **dict.fromkeys(ENDED, _on_end),
        kinds.SNAPSHOT: _on_snapshot,
        kinds.CHECK_RESULT: _on_check,
        kinds.JOIN_MATCH: _on_join,
        kinds.COLUMN_LINEAGE: _on_column_lineage,
        kinds.ROW_CHANGE: _on_row_change,
        kinds.COST: _on_cost,
    }

    def answer(self) -> Lineage:
        """Return the lineage."""
        run = self._head.answer(self.status)
        steps = self._in_order()
        nodes = [node_of(step, run.status, run.start) for step in steps]
        return Lineage(
            **asdict(run),
            nodes=nodes,
            edges=edges(nodes, taken_rows({step.name: step for step in steps})),
            summary=totals(nodes),
            activity=self._activity.answer(),
            few_matches=[warning for _, warning in sorted(self._few_matches.items())],
            overhead_ms=self._head.closing_number("overhead_ms"),
            overhead_pct=self._head.closing_number("overhead_pct"),
        )


def node_of(step: Step, run_status: str, run_start: datetime | None) -> NodeLineage:
    """Return a step of a run with that status and start, with its data."""
    end, state = step.end, step.state(run_status)
    node = step.node(state)
    inputs, outputs = keys_by_name(step.field("inputs")), keys_by_name(step.field("outputs"))
    before, after = snapshots_of(step.before, inputs), snapshots_of(step.after, outputs)
    taken, made = before[0] if before else None, after[0] if after else None
    lineage = column_lineages(step)
    diff = difference(taken, made, recorded_diffs(step, made.name)) if taken and made else None
    known = asdict(node)
    if node.row_count is None and made is not None:
        known["row_count"] = made.row_count
    return NodeLineage(
        **known,
        type=text(step.field("type")),
        engine=step.standard("engine"),
        started_ms=milliseconds(run_start, node.start) if node.start and run_start else None,
        inputs=inputs,
        outputs=outputs,
        depends_on=texts(step.field("depends_on")),
        probable=texts(step.field("probable")),
        memory_mb=number(end.memory_mb) if end else None,
        before=before,
        after=made,
        schema_diff=with_renames(diff, lineage.get(made.name), taken.name) if taken and made else None,
        row_delta=row_delta(taken, made) if taken and made else None,
        error_type=text(end.fields.get("error_type")) if end else None,
        traceback=text(end.fields.get("traceback")) if end else None,
        skip_reason=text(end.fields.get("reason")) if state == "skipped" and end else None,
        retries=[_retry(event) for event in step.retries.copy().values()],
        checks=[check_of(event) for event in step.checks.copy().values()],
        column_lineage=list(lineage.values()),
        row_changes=[row_change(event.fields) for event in step.changes.copy().values()],
        cost=Cost(**step.costs.row()) if step.costs else None,
    )


def column_lineages(step: Step) -> dict[str, ColumnLineage]:
    """Return the lineage of the columns of each frame that a step made, by dataset key."""
    found = {}
    for dataset, event in step.lineage.copy().items():
        made = step.after.get(dataset)
        columns = records(made.fields.get("schema")) if made is not None else []
        lineage = column_lineage_of(event, (text(each.get("column")) for each in columns))
        change = step.changes.get(dataset)
        if lineage.indirect is None and change is not None and step.calls is None:
            joins = [each.fields for each in step.joins.copy().values()]
            lineage = with_rules(lineage, deciding_columns(change.fields, joins, keys_by_name(step.field("inputs"))))
        found[str(dataset)] = lineage
    return found


def snapshots_of(side: dict[object, Event], order: dict[str, str]) -> list[Snapshot]:
    """Return the snapshots of one side, the first declared dataset first."""
    events = list(side.copy().items())
    if len(events) > 1:
        rank = {key: place for place, key in enumerate(order.values())}
        events.sort(key=lambda item: rank.get(item[0], len(rank)) if isinstance(item[0], str) else len(rank))
    return [_snapshot(event) for _, event in events]


def recorded_diffs(step: Step, made: str) -> object:
    """Return the differences that were recorded with an output because the snapshots leave out columns."""
    events = (event for event in step.after.copy().values() if (text(event.fields.get("dataset")) or "after") == made)
    return next((event.fields.get("schema_diffs") for event in events), None)


def _snapshot(event: Event) -> Snapshot:
    fields = event.fields
    return Snapshot(
        name=text(fields.get("dataset")) or text(fields.get("when")) or "before",
        timestamp=event.timestamp,
        row_count=count(event.row_count),
        column_count=count(fields.get("column_count")),
        schema=columns(fields.get("schema")),
        sample_data=records(fields.get("sample_data")),
        metadata=record(event.metadata) or record(fields.get("metadata")),
        not_described=text(fields.get("not_described")),
        stats=records(fields.get("stats")),
    )


def _retry(event: Event) -> Retry:
    return Retry(
        attempt=count(event.fields.get("attempt")),
        error=text(event.error),
        delay_ms=number(event.fields.get("delay_ms")),
        timestamp=event.timestamp,
    )


def check_of(event: Event) -> Check:
    """Return the result of a check."""
    fields = event.fields
    examples = fields.get("examples")
    return Check(
        check=text(fields.get("check")),
        column=text(fields.get("column")),
        passed=passed_of(event),
        failed_rows=count(fields.get("failed_rows")),
        total_rows=count(fields.get("total_rows")),
        severity=text(fields.get("severity")),
        message=text(event.message) or text(fields.get("message")),
        examples=examples[:MAX_SAMPLE_ROWS] if isinstance(examples, list) else [],
        mostly=number(fields.get("mostly")),
        condition=text(fields.get("condition")),
        key_columns=[str(each) for each in key] if isinstance(key := fields.get("key_columns"), list) else None,
        contract=text(fields.get("contract")),
        contract_name=text(fields.get("contract_name")),
        contract_version=text(fields.get("contract_version")),
    )


def taken_rows(steps: dict[str, Step]) -> TakenRows:
    """Return the function that finds the rows of a dataset: as they were taken, else as they were made."""

    def rows_of(source: str, target: str, key: str) -> int | None:
        event = steps[target].before.get(key) or steps[source].after.get(key)
        return count(event.row_count) if event else None

    return rows_of


def edges(nodes: Sequence[NodeLineage], rows_of: TakenRows) -> list[Edge]:
    """Return an edge for each dataset that a step took, then one for each dependency without a dataset."""
    by_name = {node.node_name: node for node in nodes}
    makers: dict[str, str] = {}
    for node in nodes:
        for key in node.outputs.values():
            makers.setdefault(key, node.node_name)
    found: list[Edge] = []
    for target in nodes:
        linked = set()
        for key in dict.fromkeys(target.inputs.values()):
            source = by_name[makers[key]] if key in makers else None
            if source is not None and source is not target:
                linked.add(source.node_name)
                # calls: the snapshot of one call is not that of all
                rows = None if source.calls or target.calls else rows_of(source.node_name, target.node_name, key)
                if rows is None and len(source.outputs) == 1:
                    rows = source.row_count
                found.append(_edge(source, target, key, rows))
        for name in dict.fromkeys(target.depends_on):
            if name in by_name and name not in linked and name != target.node_name:
                found.append(_edge(by_name[name], target, None, by_name[name].row_count))
    return found


def _edge(source: NodeLineage, target: NodeLineage, key: str | None, rows: int | None) -> Edge:
    return Edge(source.node_name, target.node_name, key, rows, source.node_name in target.probable)


def totals(nodes: Sequence[NodeLineage]) -> Totals:
    """Return the counts over the steps."""
    states = Counter(node.state for node in nodes)
    checks = Counter(check.passed for node in nodes for check in node.checks)
    return Totals(
        total_steps=len(nodes),
        success_count=states["success"],
        failed_count=states["failed"],
        skipped_count=states["skipped"],
        success_rate=round(100.0 * states["success"] / len(nodes), 2) if nodes else 0.0,
        total_duration_ms=round(sum(node.duration_ms or 0.0 for node in nodes), 3),
        checks_passed=checks[True],
        checks_failed=checks[False],
        checks_not_checked=checks[None],
    )
