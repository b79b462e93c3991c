"""`Connection`, the contract of a connection to another system.

- `odibi connect` creates one for each call, without arguments, and calls it in one thread.
- `questions` are asked in their order, unless `known` or the command line has the answer. `problems` refuses answers
  before anything is sent.
- `prove` sends one test signal and returns within about `within_s` seconds. It never raises because of the other
  system: no answer and a refusal are a `Proof` that failed, with the setting and the fix. If a protocol confirms
  nothing, the proof is `sent`, never `arrived`.
- `write` changes files only after that, and keeps their comments and order. It writes a secret only if asked to.
- `check` proves what is configured now, without asking; an empty list means that nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

Values = Mapping[str, str]


class Question(Struct, frozen=True):
    """One value that a connection needs."""

    key: str
    """Its name for `--set`."""
    text: str
    attribute: str = ""
    """The setting, as an attribute of `ObservabilityConfig`; empty for a part of an address."""
    default: str = ""
    is_required: bool = False
    is_secret: bool = False


class Proof(Struct, frozen=True):
    """The result of a test signal."""

    status: Literal["arrived", "sent", "failed"]
    """`sent` if the protocol has no answer."""
    message: str
    """The signal that arrived and the place, or the reason and the fix."""


class Written(Struct):
    """The files that were written, and the work that is left."""

    files: list[str] = []
    variables: dict[str, str] = {}
    """Variables that must be set, each with its meaning: secrets, which no file has."""
    notices: list[str] = []


class Connection(Protocol):
    """A connection; the docstring of the module has the whole contract."""

    title: str
    questions: tuple[Question, ...]

    def known(self) -> dict[str, str]:
        """Return the answers that settings and variables have already."""
        ...

    def problems(self, values: Values) -> list[str]:
        """Return a sentence for each answer that cannot be right."""
        ...

    def prove(self, values: Values, within_s: float) -> Proof:
        """Send a test signal."""
        ...

    def write(self, values: Values, *, with_secrets: bool) -> Written:
        """Write the settings. Raises `OSError` and `ConfigurationError`."""
        ...

    def check(self, within_s: float) -> list[Proof]:
        """Prove what is configured now."""
        ...
