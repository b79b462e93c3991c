"""How a value is shown, a secret masked; and what a type cannot say of one: whether it is a rule of redaction."""

from __future__ import annotations

import re
from typing import Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.settings.options import Option

HIDDEN: Final = "********"
_USER_INFO: Final = re.compile(r"://[^/\s]*@")


def masked(option: Option, value: Any) -> Any:
    """A value as it may be shown: nothing of a secret, and of an address not who calls there."""
    if option.is_secret:
        return "" if isinstance(value, str) and not value else HIDDEN
    return _USER_INFO.sub(f"://{HIDDEN}@", value) if isinstance(value, str) else value


def text_of(value: Any) -> str:
    """A value as a variable or the file would spell it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def refusal(option: Option, rule: str) -> str:
    """Why a rule of redaction cannot be one; empty when it can."""
    from odibi_core.redaction.rules import (
        right_name,
        right_pattern,
    )  # here, since few have rules of their own

    try:
        (right_name if option.key == "names" else right_pattern)(rule)
    except ConfigurationError as error:
        return str(error)
    return ""
