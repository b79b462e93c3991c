"""Values of settings as text: as a variable spells them, and with secrets masked."""

from __future__ import annotations

import re
from typing import Any, Final

from odibi_core.settings.options import Option

HIDDEN: Final = "********"
_USER_INFO: Final = re.compile(r"://[^/\s]*@")
_QUERY: Final = re.compile(r"(://[^?#\s]*[?#])\S+")


def masked(option: Option, value: Any) -> Any:
    """Return a value as it may be shown: nothing of a secret, and of a URL no user, password and query."""
    if option.is_secret:
        return "" if isinstance(value, str) and not value else HIDDEN
    if not isinstance(value, str):
        return value
    shown = _USER_INFO.sub(f"://{HIDDEN}@", value)
    return _QUERY.sub(rf"\1{HIDDEN}", shown) if option.reach in ("url", "store") else shown


def text_of(value: Any) -> str:
    """Return a value as a variable or the file would spell it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
