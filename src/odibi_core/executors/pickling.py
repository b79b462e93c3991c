"""Pickles between the processes of one run; functions of the main program and lambdas travel by value."""

from __future__ import annotations

import pickle
from typing import Any

from odibi_core.errors import NotSendableError


def dumps(value: Any, name: str) -> bytes:
    """Return a pickled value for another process, which has another main program.

    Raises:
        NotSendableError: It cannot be pickled; the message has `name`.
    """
    try:
        import cloudpickle as library
    except ImportError:
        library = pickle
    try:
        data: bytes = library.dumps(value, protocol=5)
    except Exception as error:
        raise NotSendableError(f"{name} cannot be sent to a worker process: {error}{_hint(library)}") from error
    if library is pickle and b"__main__" in data:
        raise NotSendableError(
            f"{name} cannot be sent to a worker process: it is part of the main program{_hint(pickle)}"
        )
    return data


def _hint(library: Any) -> str:
    if library is not pickle:
        return ""
    return "; define it in a module, or install 'odibi-core[processes]', which sends functions by value"


def loads(data: bytes) -> Any:
    """Return what another process of this run pickled."""
    return pickle.loads(data)  # noqa: S301 (its writer runs the same code as this process)
