"""The key of a step: a digest over named parts, each of which can be compared with that of an earlier run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from odibi_core import plugins
from odibi_core.cache.code import CodeReader
from odibi_core.cache.files import Guard, local_parts
from odibi_core.cache.sql_text import sql_parts
from odibi_core.engines.digests import Digest, digest_of
from odibi_core.engines.fingerprint import pandas_options
from odibi_core.errors import STOPS, OdibiError
from odibi_core.events.sanitize import sanitize_field
from odibi_core.pipeline import Step

FORMAT: Final = 2
"""The version of keys and entries: an entry of another one is never read."""
_MOST_SHOWN: Final = 200

Versions = Callable[[Iterable[Any], Iterable[str]], Mapping[str, str]]
"""`versions(functions, modules)` returns the versions of the packages that they use, by name."""


class Key(msgspec.Struct, frozen=True):
    """The key of a step: `parts` by readable name, and `shown`, the values of some of them, redacted."""

    hash: str
    parts: dict[str, str]
    shown: dict[str, str] = {}


class Unkeyable(msgspec.Struct, frozen=True):
    """The reasons why a step has no key."""

    reasons: list[str]

    @property
    def reason(self) -> str:
        more = f"; and {len(self.reasons) - 3} more" if len(self.reasons) > 3 else ""
        return "; ".join(self.reasons[:3]) + more


class KeyBuilder:
    """Builds the key of one step; `guard` knows afterwards whether its files are still those of the key."""

    def __init__(self, step: Step, engine: str, versions: Versions, *, anyway: bool = False) -> None:
        self.step = step
        self.guard = Guard()
        self._engine = engine
        self._versions = versions
        self._anyway = anyway
        """True to ignore the reasons that come from names in the code."""

    def code(self) -> CodeReader:
        """Return the parts of the function and of the parameters."""
        reader = CodeReader()
        if self.step.operation == "call":
            reader.read(self.step.value)
        for name, value in self.step.params.items():
            reader.value(value, f"parameter {name!r}")
        return reader

    def build(self, inputs: Mapping[str, str], libraries: Iterable[str]) -> Key | Unkeyable:
        """Return the key.

        Args:
            inputs: The fingerprints of the inputs by logical name, in their order.
            libraries: The libraries of the frames among them.
        """
        step = self.step
        if reason := unfit(step):
            return Unkeyable([reason])
        reader = self.code()
        if reader.reasons and not self._anyway:
            return Unkeyable(reader.reasons)
        parts = {
            "operation": str(step.operation), "engine": self._engine, "outputs": digest_of(step.outputs),
            "order of inputs": digest_of(list(inputs)), "order of parameters": digest_of(list(step.params)),
            "python": _python(), "time zone": _time_zone(), "cache format": str(FORMAT), **reader.parts,
        }  # fmt: skip
        parts |= {f"input {name!r}": found for name, found in inputs.items()}
        used = [*reader.modules, *libraries, *self._of_engine()]
        if any(name.partition(".")[0] == "pandas" for name in used):
            parts |= pandas_options()
        versions = self._versions(reader.functions, used)
        unknown = sorted(_without_version(reader.modules, versions))
        if unknown and not self._anyway:
            return Unkeyable([f"the version of {unknown[0]} is unknown"])
        parts |= {f"version of {name}": str.__str__(each) for name, each in versions.items()}
        try:
            parts |= self._of_files()
        except STOPS:
            raise
        except (OdibiError, OSError) as error:
            return Unkeyable([str(error)])
        digest = Digest()
        for name in sorted(parts):
            digest.bytes(name, parts[name])
        shown = {f"parameter {name!r}": _shown(name, value) for name, value in step.params.items()}
        return Key(digest.hex(), parts, shown)

    def may_store(self, files: int) -> bool:
        """Return whether a result may be stored, by the files that were used while the step ran.

        Names of a library may hide that a function reads a file; its readers are watched for the record of files.
        """
        return self._anyway or self.step.operation != "call" or not files

    def _of_engine(self) -> list[str]:
        """Return the libraries of the engine, if it has a part in the step; a function may bring its own frames."""
        step, engine = self.step, self._engine
        if step.operation == "call" and step.engine is None and engine in ("pandas", "polars"):
            return []
        made_by = str(plugins.load("engines", engine).__module__)
        return [engine.partition("-")[0], made_by, "pyarrow", "duckdb", "numpy"]

    def _of_files(self) -> dict[str, str]:
        step = self.step
        if step.operation == "read":
            options = step.params.get("storage_options")
            return local_parts(str(step.value), step.params.get("format"), options, self.guard)
        if step.operation == "sql":
            return sql_parts(str(step.value), step.params, self.guard, anyway=self._anyway)
        return {}


def _without_version(modules: Iterable[str], versions: Mapping[str, str]) -> set[str]:
    """Return the libraries whose code may change without a sign."""
    known = {name.partition(".")[0] for name in versions} | sys.stdlib_module_names | {"builtins", ""}
    return {module.partition(".")[0] for module in modules} - known


def unfit(step: Step) -> str | None:
    """Return why a step of this kind is never cached; None if it may be."""
    if step.layer == "connect" or step.operation == "give":
        return "a connection belongs to the process that opened it"
    if step.layer == "publish" or step.operation == "write" or not step.outputs:
        return "it writes"
    if step.map is not None:
        return "it is mapped: its items are run one by one"
    return None


def _python() -> str:
    return f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"


def _time_zone() -> str:
    """Return the local time zone by its offsets in winter and summer, which conversions of times depend on."""
    return " ".join(datetime(2024, month, 1).astimezone().strftime("%Z%z") for month in (1, 7))


def _shown(name: str, value: Any) -> str:
    """Return a parameter as text, redacted, for the comparison of two runs."""
    return f"{sanitize_field(name, value)}"[:_MOST_SHOWN]
