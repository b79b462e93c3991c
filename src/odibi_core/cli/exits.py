"""The exit codes of the command, a stable interface for scripts and schedulers."""

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
"""The pipeline ran and failed."""
USAGE: Final = 2
"""An option, a setting, a file, a pipeline or a query is wrong."""
NOT_FOUND: Final = 3
"""No such run or error in the store."""
UNREADABLE: Final = 4
"""A record, or a file that was asked for, could not be read or written."""
UNUSUAL: Final = 5
"""`odibi watch` found something that needs a look, or an alert is open for `odibi alerts check --exit-on-open`."""
INTERNAL: Final = 70
"""An error inside odibi-core."""
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

HELP: Final = (
    "Exit codes: 0 success; 1 pipeline failed; 2 wrong usage, setting or pipeline; 3 no such run or error; "
    "4 file not readable or writable; 5 alerts of `odibi watch`; 129 hung up; 130 interrupted; 143 terminated."
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
    """Return the exit code of an error of the library."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
