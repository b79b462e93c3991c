"""Redaction of secrets and personal data: by the name of a field, the shape of a value, and the rules of the user.

The names here are loaded on first use: `keys` needs none of the patterns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core import _lazy

if TYPE_CHECKING:
    from odibi_core.redaction.redactor import HIDDEN as HIDDEN
    from odibi_core.redaction.redactor import Redactor as Redactor
    from odibi_core.redaction.redactor import configure as configure
    from odibi_core.redaction.redactor import failures as failures
    from odibi_core.redaction.redactor import hidden as hidden
    from odibi_core.redaction.redactor import is_secret_name as is_secret_name
    from odibi_core.redaction.redactor import redact as redact
    from odibi_core.redaction.redactor import redact_text as redact_text
    from odibi_core.redaction.redactor import reset as reset

__all__ = ["HIDDEN", "Redactor", "configure", "failures", "hidden", "is_secret_name", "redact", "redact_text", "reset"]

_MODULES: Final = dict.fromkeys(__all__, "redaction.redactor")


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
