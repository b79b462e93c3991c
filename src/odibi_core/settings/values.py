"""What a type cannot say of a value: that a URL is one, that a pattern compiles; and how a secret is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.settings.options import Option

if TYPE_CHECKING:
    from urllib.parse import SplitResult

HIDDEN: Final = "********"
_HOST: Final = re.compile(r"[A-Za-z0-9_.:\[\]-]*")
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


def value_problem(option: Option, value: Any) -> str:
    """Why a value of the right type cannot be right all the same; empty when it can."""
    if (rule := _RULES.get(option.name)) is not None:
        return next(filter(None, map(rule, value)), "")
    check = _CHECKS.get(option.name)
    if check is None and option.section == "otel":
        check = next((found for ending, found in _OTEL.items() if option.key.endswith(ending)), None)
    return check(value) if check is not None and value else ""


def right_part(option: Option, value: Any) -> Any:
    """What of a wrong value holds all the same: each rule that is right hides what it should; else the default."""
    rule = _RULES.get(option.name)
    return option.default if rule is None else tuple(each for each in value if not rule(each))


def _url(value: str) -> SplitResult | None:
    from urllib.parse import urlsplit  # here, since most processes set no URL

    try:
        url = urlsplit(value)
        _ = url.port  # raises for one that cannot be
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") and url.hostname else None


def _no_dsn(value: str) -> str:
    url = _url(value)
    is_one = url is not None and url.username and url.path.strip("/")
    return "" if is_one else "a DSN is a URL: https://<key>@<host>/<project>"


def _no_url(value: str) -> str:
    return "" if _url(value) else "it is a URL: http://<host>:<port>"


def _no_host(value: str) -> str:
    return "" if _HOST.fullmatch(value) else "it is the name or the address of a host, and no URL"


def _no_pairs(value: str) -> str:
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    right = all(name.strip() and equals for name, equals, _ in pairs)
    return "" if right else "it is a list of name=value with commas between"


def _no_name(name: str) -> str:
    from odibi_core.events.secret_rules import right_name  # here, since few have rules of their own

    return _refusal(right_name, name)


def _no_pattern(pattern: str) -> str:
    from odibi_core.events.secret_rules import right_pattern

    return _refusal(right_pattern, pattern)


def _refusal(judge: Callable[[str], object], rule: str) -> str:
    try:
        judge(rule)
    except ConfigurationError as error:
        return str(error)
    return ""


_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "sentry.dsn": _no_dsn,
    "datadog.site": _no_host,
    "datadog.host": _no_host,
    "metrics.host": _no_host,
}
_RULES: Final = {"redaction.names": _no_name, "redaction.patterns": _no_pattern}
_OTEL: Final[dict[str, Callable[[Any], str]]] = {
    "endpoint": _no_url,
    "headers": _no_pairs,
    "attributes": _no_pairs,
}
