"""Redaction of secrets and personal data: by the name of a field, the shape of a value, and the rules of the user."""

from odibi_core.redaction.redactor import (
    HIDDEN,
    Redactor,
    configure,
    failures,
    hidden,
    is_secret_name,
    redact,
    redact_text,
    reset,
)

__all__ = ["HIDDEN", "Redactor", "configure", "failures", "hidden", "is_secret_name", "redact", "redact_text", "reset"]
