"""The vocabulary of kinds: a kind is the type of an event, the `event_type` of its log line, and the name of a hook."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from odibi_core.errors import STOPS

PIPELINE_START: Final = "pipeline_start"
PIPELINE_PLAN: Final = "pipeline_plan"
PIPELINE_COMPLETE: Final = "pipeline_complete"
PIPELINE_ERROR: Final = "pipeline_error"
RUN_LOST: Final = "run_lost"
WORKER_LOST: Final = "worker_lost"

NODE_START: Final = "node_start"
NODE_COMPLETE: Final = "node_complete"
NODE_FAILED: Final = "node_failed"
NODE_RETRY: Final = "node_retry"
NODE_SKIPPED: Final = "node_skipped"
PIPELINE_ENDS: Final = frozenset({PIPELINE_COMPLETE, PIPELINE_ERROR})
TASK: Final = "task"
"""The end of one attempt of one item of a mapped step."""
NODE_EDGES: Final = frozenset({NODE_START, NODE_COMPLETE, NODE_FAILED})
"""Start and end of a node, whose lines measure the memory at that moment."""
PLAN_EXECUTED: Final = "plan_executed"
"""The execution of the plans of lazy frames, for the steps that need their rows."""
CACHE_HIT: Final = "cache_hit"
CACHE_MISS: Final = "cache_miss"
CACHE_SKIPPED: Final = "cache_skipped"
SNAPSHOT: Final = "snapshot"
CHECK_RESULT: Final = "check_result"
FILE_ACCESS: Final = "file_access"
JOIN_MATCH: Final = "join_match"
ROW_CHANGE: Final = "row_change"
"""The rows that a step lost, gained or left unmatched, as far as they are known."""
COLUMN_LINEAGE: Final = "column_lineage"
"""The columns that each column of a frame comes from, as far as they are known."""
FRAMES_KEPT: Final = "frames_kept"

METRIC: Final = "metric"
ERROR: Final = "error"
MESSAGE: Final = "message"
ALERT_RAISED: Final = "alert_raised"
ALERT_RESOLVED: Final = "alert_resolved"
ALERT_ESCALATED: Final = "alert_escalated"
ALERT_NOTIFIED: Final = "alert_notified"
"""A notification about alerts was handed to a route."""
ALERT_DELIVERED: Final = "alert_delivered"
"""The route delivered a notification, or gave up."""
ALERT_RULE_MUTED: Final = "alert_rule_muted"
RULES_NOT_EVALUATED: Final = "rules_not_evaluated"
ANOMALY: Final = "anomaly"
BLAME: Final = "blame"
"""The first step at which a run begins to differ from the last good one, and the likely cause."""
OPERATION_COMPLETE: Final = "operation_complete"
OPERATION_FAILED: Final = "operation_failed"
STAGE_COMPLETED: Final = "stage_completed"
STAGE_FAILED: Final = "stage_failed"
CIRCUIT_STATE_CHANGE: Final = "circuit_state_change"
PIPELINE_HEALTH: Final = "pipeline_health"
COST: Final = "cost"
QUERY: Final = "query"
BIGQUERY_OPERATION: Final = "bigquery_operation"
CLI_COMMAND: Final = "cli_command"
CLI_ARGUMENT: Final = "cli_argument"
FEATURE_USAGE: Final = "feature_usage"
DATA_QUALITY_CHECK: Final = "data_quality_check"
HEALTH_CHECK: Final = "health_check"
MESSAGES_SUPPRESSED: Final = "messages_suppressed"

HOOK_FAILED: Final = "hook_failed"

FOR_MACHINES: Final = frozenset({METRIC, PIPELINE_PLAN, SNAPSHOT, FILE_ACCESS, FRAMES_KEPT, COLUMN_LINEAGE})
"""Kinds that programs read: views, tables and the story. Lists of lines for people leave them out."""

EVERYTHING: Final = "*"
"""The kind under which a hook receives every event."""

OF_PROGRAMS: Final = frozenset(
    {
        ERROR, MESSAGE, ALERT_RAISED, ALERT_RESOLVED, ALERT_ESCALATED, RULES_NOT_EVALUATED,
        OPERATION_COMPLETE, OPERATION_FAILED,
        STAGE_COMPLETED, STAGE_FAILED, CIRCUIT_STATE_CHANGE, PIPELINE_HEALTH, COST, QUERY, BIGQUERY_OPERATION,
        CLI_COMMAND, CLI_ARGUMENT, FEATURE_USAGE, DATA_QUALITY_CHECK, HEALTH_CHECK, MESSAGES_SUPPRESSED,
    }
)  # fmt: skip
"""Kinds that the toolkit publishes; the log of a program shows them beside the lines of its loggers."""

ALIASES: Final = {"node_error": NODE_FAILED}
"""Older names of a kind: a hook may register under either, and receives the name that it chose."""


def canonical(kind: str) -> str:
    """Return the name under which `kind` is kept."""
    return ALIASES.get(kind, kind)


class LogLevel(StrEnum):
    """The severity of an event. A text, so that `LogLevel.INFO == "info"`."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


SEVERITY: Final = {level.value: rank * 10 for rank, level in enumerate(LogLevel, start=1)}
"""Levels as the numbers of the standard library's `logging`: debug 10 … critical 50."""


LEVEL_ALIASES: Final = {"warn": "warning", "fatal": "critical"}
"""Other spellings of a level."""


def level_name(level: object, unknown: str = "info") -> str:
    """Return a level by any usual spelling; `unknown` for another value."""
    rank = severity(level, unknown)
    return next(name for name, value in SEVERITY.items() if value == rank)


def severity(level: object, unknown: str = "info") -> int:
    """Return the rank of a level by any usual spelling; that of `unknown` for another value."""
    return SEVERITY.get(spelled_level(level), SEVERITY[unknown])


def spelled_level(level: object) -> str:
    """Return the name of a level by any usual spelling; another value as it is spelled."""
    if type(level) is str and level in SEVERITY:
        return level
    try:
        name = str(getattr(level, "value", level)).lower()
    except STOPS:
        raise
    except BaseException:
        return ""
    return LEVEL_ALIASES.get(name, name)
