"""The line between code of the project, which is read, and code of libraries, which counts by its name and version."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

from odibi_core import errors

_OWN: Final = str(Path(errors.__file__).parent)
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep
"""The folder of the standard library."""


class Ownership:
    """Answers which files, modules and classes belong to the project.

    Attributes:
        home: A folder that does, although it is installed.
    """

    def __init__(self) -> None:
        self.home = ""

    def is_library_file(self, file: str) -> bool:
        if self.home and file.startswith(self.home):
            return False
        if "site-packages" in file or "dist-packages" in file or file.startswith("<frozen "):
            return True
        if file.startswith(_OWN + "/") and not file.startswith(f"{_OWN}/_examples/"):
            return True
        return file.startswith(_STANDARD)

    def is_project(self, value: Any) -> bool:
        """Return whether a module or a class belongs to the project: its file is in no folder of libraries."""
        name = value.__module__ if isinstance(value, type) else value.__name__
        if name in ("__main__", "__mp_main__"):
            return True
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is None:  # built in, or of a notebook
            return name.partition(".")[0] not in sys.stdlib_module_names
        return not self.is_library_file(file)  # a module of the project may have a name of the standard library

    def has_version(self, module: str) -> bool:
        """Return whether the code of a module changes with a version only."""
        top = sys.modules.get(module.partition(".")[0])
        return top is not None and (top.__name__ in sys.stdlib_module_names or not self.is_project(top))

    def exporter(self, value: Any, name: str) -> str | None:
        """Return the library that has an object under a name at its top, such as `polars.col`; None if none has."""
        library = str(getattr(type(value), "__module__", "")).partition(".")[0]
        top = sys.modules.get(library)
        if top is None or self.is_project(top) or getattr(top, name, None) is not value:
            return None
        return library
