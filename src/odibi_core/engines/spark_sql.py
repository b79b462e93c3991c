"""Spark SQL over frames: one statement, whose tables are the inputs of the step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from odibi_core.engines import spark_rows
from odibi_core.engines.duckdb_sql import numbered, refuse_twins, unknown_table
from odibi_core.errors import STOPS, EngineError
from odibi_core.events import clock

_PARAMETER: Final = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/|\$([A-Za-z_]\w*)""", re.DOTALL
)


def query(spark: Any, text: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None) -> Any:
    """Return the frame of a statement, which is planned and not executed.

    Raises:
        EngineError: The SQL fails, or a parameter is missing.
        UnknownTableError: A table is none of `frames`.
    """
    refuse_twins(frames)
    views = {name: f"odibi_{clock.new_id()}".replace("-", "_") for name in frames}
    with_inputs = ", ".join(f"{spark_rows.quoted(name)} AS (SELECT * FROM {views[name]})" for name in frames)
    # In brackets, so that the statement may have a WITH of its own; a line of its own ends a last comment.
    own = _PARAMETER.sub(lambda found: f":{found[1]}" if found[1] else found[0], text.strip().rstrip(";"))
    whole = f"WITH {with_inputs} (\n{own}\n)" if frames else own
    try:
        for name, frame in frames.items():
            frame.createOrReplaceTempView(views[name])
        made = spark.sql(whole, args=dict(parameters) if parameters else None)
    except STOPS:
        raise
    except Exception as error:
        raise _explained(error, text, frames) from error
    finally:
        for view in views.values():
            spark.catalog.dropTempView(view)
    if not made.columns:
        raise EngineError(f"the SQL returns no rows; make it a SELECT:\n{numbered(text)}")
    return made


def reason(error: BaseException) -> str:
    """Return the sentence of an error of Spark, without the stack of Java."""
    java = getattr(error, "java_exception", None)
    text = error.getMessage() if hasattr(error, "getMessage") else str(java.getMessage() if java else error)
    return str(text).strip()[:500]


def _explained(error: Exception, text: str, frames: Mapping[str, Any]) -> EngineError:
    condition = error.getCondition() if hasattr(error, "getCondition") else None
    if condition == "TABLE_OR_VIEW_NOT_FOUND":
        table = error.getMessageParameters()["relationName"].strip("`")  # type: ignore[attr-defined]
        return unknown_table(table, text, frames)
    if condition == "UNBOUND_SQL_PARAMETER":
        name = error.getMessageParameters()["name"]  # type: ignore[attr-defined]
        return EngineError(f"the SQL has a parameter ${name}, and the step gives none of this name:\n{numbered(text)}")
    return EngineError(f"the SQL cannot be run by Spark: {reason(error)}\n{numbered(text)}")
