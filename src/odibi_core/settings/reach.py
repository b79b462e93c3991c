"""Settings that lead out of the working directory or the machine, which a file that is only found there may not set.

The directory may belong to another user: a clone, a download, a shared folder. Its `odibi.toml` is read unasked, so it
may not decide where lines are written or sent. The reach of a setting is a property of its type in `sections`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from odibi_core.events.hosts import is_loopback
from odibi_core.settings.options import FILE_VARIABLE, Option
from odibi_core.settings.values import masked


def overreach(option: Option, value: Any, file: str) -> str:
    """Return the sentence that refuses a value of a found file; empty if the value stays inside, or is the default."""
    reach = option.reach
    if not reach or not isinstance(value, str) or value in ("", option.default) or _STAYS[reach](value):
        return ""
    return (
        f"{file}: {option.name} is {masked(option, value)!r:.200}, which leads {_WHERE[reach]}: "
        f"a file that is found in the working directory may not set this unless {FILE_VARIABLE}={file} names it"
    )


def _is_inside(path: str) -> bool:
    """Return true for a path that stays in the working directory, links followed."""
    try:
        here = Path.cwd().resolve()
        found = (here / Path(path).expanduser()).resolve()
        is_loop = any(each.is_symlink() for each in (found, *found.parents))  # from Python 3.13 on, resolve() passes it
        return not is_loop and found.is_relative_to(here)
    except (OSError, ValueError, RuntimeError):  # a loop of links, a NUL, the home of an unknown user
        return False


def _is_of_this_machine(url: str) -> bool:
    from urllib.parse import urlsplit  # here, because few have such a file

    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def _is_folder_inside(store: str) -> bool:
    """Return true for a folder in the working directory; a URL may lead anywhere, also one of this machine."""
    return "://" not in store and _is_inside(store)


_STAYS: Final[dict[str, Callable[[str], bool]]] = {
    "path": _is_inside, "host": is_loopback, "url": _is_of_this_machine, "store": _is_folder_inside,
    "rules": lambda path: False,
}  # fmt: skip
_WHERE: Final = {
    "path": "out of the working directory", "host": "to other machines", "url": "to another machine",
    "store": "to another store", "rules": "to commands and to other machines",
}  # fmt: skip
