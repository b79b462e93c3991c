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
        data = pickle.dumps(value, protocol=5)
        if b"__main__" not in data:
            return data
        reason = "it is part of the main program"
    except Exception as error:
        reason = str(error)
    try:
        import cloudpickle
    except ImportError:
        raise NotSendableError(
            f"{name} cannot be sent to a worker process: {reason}; define it in a module, or install "
            "'odibi-core[processes]', which sends functions by value"
        ) from None
    try:
        return bytes(cloudpickle.dumps(value, protocol=5))
    except Exception as error:
        raise NotSendableError(f"{name} cannot be sent to a worker process: {error}") from error


def loads(data: bytes) -> Any:
    """Return what another process of this run pickled."""
    return pickle.loads(data)  # noqa: S301 (its writer runs the same code as this process)
