"""odibi-core, the flight recorder of Python data pipelines.

Everything that happens is an event; an event is written once; every answer is a fold over events. The rooms, from the
ground up, each importing only from below:

    errors                                   what can go wrong, as one tree
    events/  settings  plugins               the language: what an event is, and how anything becomes one
    event_bus  store/  views/                the hall, what keeps events, what answers from them
    engines/ checks/ executors/ pipeline/    frames, questions about them, who runs steps, what steps are
    sinks/  exporters/  story/               what tells the world outside
    structured_logger  metrics_manager  …    instruments, one class each, in the file named after it
    orchestrator                             runs a pipeline
    observer                                 wires it all
    observability  metrics                   doors: import from here
    cli/                                     the command `odibi`

Three names cover most uses: `run([read, clean, join])` runs functions as a pipeline; `with observe("nightly")` and
`@node` ride along with what something else runs.
"""

import logging as _logging
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
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
    "node": "runtime.node_decorator",
    "observe": "runtime.observer",
    "run": "runtime.observer",
}
__all__ = ["Observer", "Orchestrator", "Step", "__version__", "node", "observe", "run"]

_logging.getLogger("odibi_core").addHandler(_logging.NullHandler())

if not TYPE_CHECKING:  # to a type checker this would say that any name is there

    def __getattr__(name):
        """The names of the face are loaded when first used: importing the package costs next to nothing."""
        import odibi_core._lazy as _doors

        return _doors.fetch(globals(), _LAZY, name)


def __dir__() -> list[str]:
    return sorted(__all__)
