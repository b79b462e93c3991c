"""`CommandRun`: the record of one run of a command, which runs also if it cannot be recorded."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from odibi_core.events import context, kinds
from odibi_core.integrations.base import PlannedNode
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostRun
from odibi_core.integrations.shell.child import CANNOT_RUN, NOT_FOUND, Child, Ended
from odibi_core.integrations.shell.output_lines import OutputLines
from odibi_core.integrations.shell.signals import STOPS, Signals
from odibi_core.logs.context import environment_for_workers
from odibi_core.runtime.observer import Observer

SYSTEM: Final = "exec"


class PeakMemory:
    """The memory of the events of the run: unknown while the command runs, and the peak of the command at its end."""

    def __init__(self) -> None:
        self.mb: float | None = None

    def __call__(self) -> float | None:
        return self.mb


class CommandRun:
    """Runs a command once, as the only node of a run.

    Args:
        command: The command and its arguments.
        observer: The run; None if it cannot be recorded.
        signals: The signals of this process, blocked.
        memory: The memory of the events of that run.
    """

    def __init__(self, command: Sequence[str], observer: Observer | None, signals: Signals, memory: PeakMemory) -> None:
        self._command = command
        self._observer = observer
        self._signals = signals
        self._memory = memory
        self._child: Child | None = None
        self._stopped_by: str | None = None
        self._is_recorded = False
        self.problem: str | None = None
        """The reason for which the command did not run."""

    def run(self) -> int:
        """Run the command, and record it; return its exit code."""
        run, node = self._begin()
        lines = OutputLines(self._publisher(node))
        try:
            self._child = child = Child(self._command, environment_for_workers(), self._signals.mask)
        except OSError as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
            self.problem = f"{self._command[0]}: {'command not found' if code == NOT_FOUND else error.strerror}"
            self._end(run, node, {"exit_code": code}, self.problem)
            return code
        self._signals.follow(self._forward)
        ended = child.run(lines)
        lines.end()
        self._memory.mb = _peak_mb(ended)
        self._end(run, node, _facts(ended), self._error(ended, lines))
        return ended.code

    def pass_on_rest(self) -> None:
        """Pass on what processes write that the command has left."""
        if self._child is not None:
            self._child.pass_on_rest()

    def _begin(self) -> tuple[HostRun | None, HostNode | None]:
        if self._observer is None:
            return None, None
        run = HostRun(self._observer)
        name = os.path.basename(self._command[0]) or self._command[0]
        run.plan([PlannedNode(name, type="command", layer="command", about={"command": shlex.join(self._command)})])
        return run, run.node(name).begin()

    def _publisher(self, node: HostNode | None) -> Any:
        if self._observer is None or node is None:
            return lambda text, stream: None
        bus, here = self._observer.bus, context.current()

        def publish(text: str, stream: str | None) -> None:
            level = "info" if stream else "warning"
            fields = {"component": node.name, "logger": node.name, **({"stream": stream} if stream else {})}
            bus.publish(kinds.MESSAGE if stream is None else "log", text, level=level, fields=fields, context=here)

        return publish

    def _forward(self, number: signal.Signals, of_terminal: bool) -> None:
        """Send a signal to the command, unless the terminal did; end with it once the command has ended."""
        child = self._child
        if child is None:
            return
        if number.name in STOPS:
            self._stopped_by = number.name
        if number.name == "SIGWINCH":
            child.resize()
        elif not of_terminal and not child.send(number) and self._is_recorded and number.name in STOPS:
            os._exit(128 + number)

    def _error(self, ended: Ended, lines: OutputLines) -> str | None:
        if ended.code == 0:
            return None
        what = f"ended by {ended.signal}" if ended.signal else f"exit code {ended.code}"
        last = lines.last.get("stderr") or lines.last.get("output")
        return f"{what}: {last}" if last else what

    def _end(self, run: HostRun | None, node: HostNode | None, facts: dict[str, Any], error: str | None) -> None:
        """End node and run: as cancelled if the command was asked to stop and did not end well."""
        if run is None or node is None:
            return
        cancelled = error is not None and self._stopped_by is not None
        status = None if error is None else "cancelled" if cancelled else "failed"
        if error is None:
            node.note(**facts)
            node.end()
        else:
            facts |= {"error_type": "CommandFailed"}
            node.note(**facts)
            node.fail(error, cancelled=cancelled)
        run.end(error, status=status, **facts)
        self._is_recorded = True


def _facts(ended: Ended) -> dict[str, Any]:
    """Return the exit code and the use of resources as fields."""
    facts = {"exit_code": ended.code, "cpu_user_s": round(ended.usage.ru_utime, 3)}
    facts["cpu_system_s"] = round(ended.usage.ru_stime, 3)
    return facts if ended.signal is None else {**facts, "signal": ended.signal}


def _peak_mb(ended: Ended) -> float | None:
    """Return the largest resident size in MiB: of the command, or of a process that it waited for.

    It is unknown if it is below that of this process: Linux counts the memory from which a process was started.
    """
    if ended.usage.ru_maxrss <= _own_peak():
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return float(round(ended.usage.ru_maxrss * unit / 2**20, 3))


def _own_peak() -> int:
    """Return the largest resident size of this program, in the unit of `ru_maxrss`.

    The `ru_maxrss` of this process itself would have, on Linux, the size of the process that started it.
    """
    import resource  # here: systems without it import this module too

    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
