"""The calls that are compiled into a script, as constants of its code: no name of the script refers to them.

A function of a script may be sent to another process by its code, as cloudpickle does. There, the constants are objects
of the standard library that do nothing, and the function runs as it was written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from types import CodeType, FrameType, SimpleNamespace
from typing import Any, Final

MARK: Final = "\0odibi_core "
"""Before the name of a constant, while the script is compiled."""


class Hook:
    """A call into the recorder with the number of a statement, a function or a loop, and the frame of the script."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[int, FrameType], Any]) -> None:
        self._call = call

    def __call__(self, number: int) -> Any:
        """Call the recorder."""
        return self._call(number, sys._getframe(1))

    def __reduce__(self) -> tuple[Any, ...]:
        return attrgetter, ("real",)


class Guard:
    """A switch between the recorded and the original form of a function or of the body of a loop."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = True

    def __reduce__(self) -> tuple[Any, ...]:
        return SimpleNamespace, (), {"on": False}


def with_constants(code: CodeType, constants: Mapping[str, object]) -> CodeType:
    """Return code in which the marked texts are replaced by objects, in the functions inside too."""
    found = tuple(
        with_constants(each, constants)
        if isinstance(each, CodeType)
        else constants.get(each, each)
        if isinstance(each, str)
        else each
        for each in code.co_consts
    )
    return code.replace(co_consts=found)
