"""Names whose use shows that a function depends on more than its arguments, or changes more than its result."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_CLOCK: Final = "the clock"
_CHANCE: Final = "random numbers"
_SYSTEM: Final = "the environment or the files of the machine"
_NETWORK: Final = "the network or a database"
_FILES: Final = "files"
_PROCESS: Final = "the state of the process"

_MODULES: Final = {
    **dict.fromkeys(("time",), _CLOCK),
    **dict.fromkeys(("random", "secrets", "uuid", "numpy.random"), _CHANCE),
    **dict.fromkeys(("os", "posix", "nt", "posixpath", "ntpath", "platform", "getpass", "locale", "glob", "shutil",
                     "tempfile", "subprocess", "multiprocessing", "pwd", "ctypes"), _SYSTEM),
    **dict.fromkeys(("socket", "ssl", "requests", "httpx", "aiohttp", "urllib.request", "urllib3", "http", "ftplib",
                     "smtplib", "sqlite3", "psycopg", "psycopg2", "sqlalchemy", "boto3", "botocore", "s3fs", "fsspec",
                     "gcsfs", "adlfs", "google", "azure", "duckdb", "_duckdb", "pymongo", "redis", "deltalake",
                     "pyiceberg"), _NETWORK),
    **dict.fromkeys(("pyarrow.parquet", "pyarrow.csv", "pyarrow.dataset", "pyarrow.fs", "pyarrow.feather",
                     "pyarrow.json", "pyarrow.orc", "pickle", "shelve", "openpyxl", "fastavro", "linecache"), _FILES),
    **dict.fromkeys(("sys", "importlib", "gc", "inspect", "weakref", "threading", "contextvars", "signal", "atexit"),
                    _PROCESS),
}  # fmt: skip
"""Modules by their names; those below them count too."""

_PURE_TEXT: Final = """
    time.sleep time.strptime uuid.UUID uuid.uuid3 uuid.uuid5 os.path os.sep os.fspath os.linesep posixpath.join
    posixpath.basename posixpath.dirname posixpath.splitext posixpath.split posixpath.normpath os.path.join
    os.path.basename os.path.dirname os.path.splitext os.path.split os.path.normpath sys.maxsize sys.float_info
    sys.version_info http.HTTPStatus
"""
_PURE: Final = frozenset(_PURE_TEXT.split())

_NAMES: Final = {
    **dict.fromkeys(("open", "input", "io.open"), _FILES),
    **dict.fromkeys(("eval", "exec", "globals", "locals", "vars", "__import__", "breakpoint", "id", "hash"), _PROCESS),
    **dict.fromkeys(("polars.sql", "polars.SQLContext"), _PROCESS),
    **dict.fromkeys(("numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.memmap", "numpy.save",
                     "numpy.savetxt", "numpy.savez", "pyarrow.memory_map", "pyarrow.OSFile"), _FILES),
}  # fmt: skip

_ATTRIBUTES: Final = {
    **dict.fromkeys(("now", "utcnow", "today"), _CLOCK),
    **dict.fromkeys(("sample", "shuffle", "default_rng", "random", "uuid1", "uuid4"), _CHANCE),
    **dict.fromkeys(("environ", "getenv", "cwd", "getcwd", "home", "expanduser", "absolute", "system"), _SYSTEM),
    **dict.fromkeys(("open", "popen", "iterdir", "rglob", "exists", "is_file", "is_dir", "stat", "unlink", "mkdir",
                     "touch", "rmdir", "to_csv", "to_parquet", "to_json", "to_pickle", "to_excel", "to_feather",
                     "to_hdf", "to_orc", "to_stata", "savefig", "fromfile", "loadtxt"), _FILES),
    **dict.fromkeys(("execute", "executemany", "cursor", "connect", "urlopen", "to_sql", "to_gbq", "commit"), _NETWORK),
    **dict.fromkeys(("eval", "__globals__", "__dict__", "f_globals", "f_locals"), _PROCESS),
}  # fmt: skip
"""Attributes of values whose types are not known before the function runs."""
_BEGINNINGS: Final = ("read_", "scan_", "write_", "sink_")


@lru_cache(4096)
def reason_of_name(name: str) -> str | None:
    """Return why a dotted name is impure; None if it is not known to be.

    The name of an attribute counts too: `pandas.Timestamp.now`.
    """
    if any(name == pure or name.startswith(f"{pure}.") for pure in _PURE if pure != "os.path") or name == "os.path":
        return None
    if name in _NAMES:
        return _NAMES[name]
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if found := _MODULES.get(".".join(parts[:end])):
            return found
    return next((found for part in parts[1:] if (found := reason_of_attribute(part))), None)


def reason_of_attribute(name: str) -> str | None:
    """Return why an attribute of a value of unknown type is impure; None if it is not known to be."""
    return _ATTRIBUTES.get(name) or (_FILES if name.startswith(_BEGINNINGS) else None)
