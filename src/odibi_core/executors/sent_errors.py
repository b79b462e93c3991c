"""Exceptions on their way from a worker process, with the description that was made where they were raised."""

from __future__ import annotations

import pickle
from typing import Any, NamedTuple

from odibi_core.errors import STOPS, StepError
from odibi_core.events.failure import DESCRIPTION, describe_failure, typed_message_of
from odibi_core.executors.pickling import loads


class SentError(NamedTuple):
    """`pickled` is None if the exception cannot be pickled; `described` are the fields of its event."""

    pickled: bytes | None
    described: dict[str, Any]
    message: str

    def restored(self) -> BaseException:
        """Return the exception; a StepError with its type and message if it cannot be made here."""
        error: BaseException = StepError(self.message)
        try:
            if self.pickled is not None and isinstance(restored := loads(self.pickled), BaseException):
                error = restored
            setattr(error, DESCRIPTION, self.described)
        except STOPS:
            raise
        except BaseException:
            pass  # its class is not importable here, or has no room for the description
        return error


def sent_error(error: BaseException) -> SentError:
    """Return an exception in a form that any process can read. Never raises."""
    try:
        pickled: bytes | None = pickle.dumps(error)
    except STOPS:
        raise
    except BaseException:
        pickled = None
    return SentError(pickled, describe_failure(error), typed_message_of(error))
