"""The history of a store: everything over more than one run.

Tables over all runs, SQL, compaction, the index, retention, comparison, baselines and remote copies.
`odibi_core.history(store)` is the history of one store in Python.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odibi_core.history.history import History

__all__ = ["figures", "index", "rows", "schema"]


class _CallablePackage(ModuleType):
    """This package, which can be called.

    A function `odibi_core.history` would be replaced by the package as soon as any code imports a module of it, and
    would hide the package until then. The package as the function is one object under both names.
    """

    def __call__(self, store: Any = None) -> History:
        """Return the history of a store; see `odibi_core.history.history.History`."""
        from odibi_core.history.history import History

        return History(store)


sys.modules[__name__].__class__ = _CallablePackage
