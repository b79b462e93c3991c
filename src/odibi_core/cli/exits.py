"""The exit codes: what a script or a scheduler may count on."""

from __future__ import annotations

from typing import Final

from odibi_core.errors import (
    CheckError,
    ConfigurationError,
    OdibiError,
    QueryError,
    RunNotFoundError,
    StoreError,
    StoryError,
)

SUCCESS: Final = 0
FAILED: Final = 1
"""The pipeline ran, and failed."""
USAGE: Final = 2
"""What was asked cannot be right: an option, a setting, a file, a pipeline, a SQL text."""
NOT_FOUND: Final = 3
"""No such run, or no such error in the record."""
UNREADABLE: Final = 4
"""A file of the record could not be read or written."""
INTERNAL: Final = 70
"""A fault of odibi-core's own."""
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

HELP: Final = (
    "Exit codes: 0 success; 1 the pipeline failed; 2 wrong usage, setting or pipeline; 3 no such run or error; "
    "4 the record could not be read or written; 129 hung up; 130 interrupted; 143 terminated."
)

_CODES: Final[tuple[tuple[type[OdibiError], int], ...]] = (
    (RunNotFoundError, NOT_FOUND),
    (QueryError, USAGE),
    (StoreError, UNREADABLE),
    (StoryError, UNREADABLE),
    (ConfigurationError, USAGE),
    (CheckError, USAGE),
)


def code_of(error: OdibiError) -> int:
    """The exit code of an error that was raised on purpose."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
