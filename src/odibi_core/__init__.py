"""odibi-core, the recorder of Python data pipelines.

Everything that happens is an event, recorded once; every answer is computed from events. Three names cover most uses:
`run([read, clean, join])` runs functions as a pipeline; `with observe("nightly")` and `@node` record a pipeline that
something else runs. `observability` has every public name. `docs/design.md` lists the packages and their layers.
"""

import logging as _logging
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from odibi_core.history.history import history as history
    from odibi_core.runtime.node_decorator import node as node
    from odibi_core.runtime.observer import Observer as Observer
    from odibi_core.runtime.observer import observe as observe
    from odibi_core.runtime.observer import run as run
    from odibi_core.runtime.orchestrator import Orchestrator as Orchestrator
    from odibi_core.runtime.orchestrator import Step as Step

_LAZY = {
    "Observer": "runtime.observer",
    "Orchestrator": "runtime.orchestrator",
    "Step": "runtime.orchestrator",
    "history": "history.history",
    "node": "runtime.node_decorator",
    "observe": "runtime.observer",
    "run": "runtime.observer",
}
__all__ = ["Observer", "Orchestrator", "Step", "__version__", "history", "node", "observe", "run"]

_logging.getLogger("odibi_core").addHandler(_logging.NullHandler())

if not TYPE_CHECKING:  # a type checker would take every name for an existing one

    def __getattr__(name):
        """Load a public name on first use, because importing the package must cost next to nothing."""
        from odibi_core._lazy import fetch as _fetch

        return _fetch(globals(), _LAZY, name)


def load_ipython_extension(shell: object) -> None:
    """Register the magic `%%odibi` and the progress of runs in a notebook; `%load_ext odibi_core` calls it."""
    from importlib import import_module

    import_module("odibi_core.cli.notebook").register(shell)


def unload_ipython_extension(shell: object) -> None:
    """Remove the magic and the progress; `%unload_ext odibi_core` calls it."""
    from importlib import import_module

    import_module("odibi_core.cli.notebook").unregister(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
