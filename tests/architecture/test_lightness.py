"""Importing odibi-core is cheap and leaves the process as it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.plan import SOURCE

# Run in a fresh interpreter: what an import did to the process, as one JSON line.
PROBE = """
import json, logging, os, signal, sys, threading
before_modules = set(sys.modules)
root = logging.getLogger()
state = lambda: {
    "root_handlers": len(root.handlers), "root_level": root.level,
    "excepthook": sys.excepthook is sys.__excepthook__,
    "threading_excepthook": threading.excepthook is threading.__excepthook__,
    "threads": threading.active_count(), "environment": dict(os.environ), "files": sorted(os.listdir(".")),
    "signals": [str(signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)],
}
before = state()
import MODULE
after = state()
loaded = {name.split(".")[0] for name in set(sys.modules) - before_modules}
foreign = sorted(name for name in loaded if name not in sys.stdlib_module_names and name != "odibi_core")
print(json.dumps({"foreign": foreign, "changed": [key for key in before if before[key] != after[key]]}))
"""

# Every public module of the contract; a user's first line may be an import of any of them.
PUBLIC = [
    "odibi_core",
    "odibi_core.observability",
    "odibi_core.metrics",
    "odibi_core.orchestrator",
    "odibi_core.event_bus",
    "odibi_core.metrics_manager",
    "odibi_core.story_generator",
]


def _probe(module: str, cwd: Path) -> dict[str, list[str]]:
    probe = [sys.executable, "-c", PROBE.replace("MODULE", module)]
    done = subprocess.run(probe, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.count("\n") > 1, f"import {module} printed: {done.stdout}"
    assert not done.stderr, f"import {module} wrote to stderr: {done.stderr}"
    result: dict[str, list[str]] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_loads_nothing_heavy_and_changes_nothing(module: str, tmp_path: Path) -> None:
    """No third-party module but msgspec; no file, thread, handler, signal or hook; nothing printed."""
    result = _probe(module, tmp_path)
    assert set(result["foreign"]) <= {"msgspec", "typing_extensions"}  # msgspec itself loads the latter if it can
    assert result["changed"] == []


def test_the_package_alone_loads_no_part_of_itself() -> None:
    """`import odibi_core` loads no package: `observe`, `run` and `node` are loaded on first use."""
    code = "import odibi_core, sys; print(*sorted(n for n in sys.modules if n.startswith('odibi_core.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = tuple(f"odibi_core.{name}" for name in ("observer", "orchestrator", "store", "cli", "web"))
    assert not [name for name in done.stdout.split() if name.startswith(heavy)]


def test_the_package_is_typed() -> None:
    """py.typed ships, so a user's type checker reads the types of the package."""
    assert (SOURCE / "py.typed").exists()


def test_the_probe_sees_what_it_forbids(tmp_path: Path) -> None:
    """Sabotage: a module that starts a thread, adds a root handler and leaves a file is caught."""
    (tmp_path / "heavy.py").write_text(
        "import logging, threading\n"
        "logging.getLogger().addHandler(logging.NullHandler())\n"
        "threading.Thread(target=threading.Event().wait, args=(9,), daemon=True).start()\n"
        "open('left_behind', 'w').close()\n"
    )
    result = _probe("heavy", tmp_path)
    assert result["foreign"] == ["heavy"]
    assert {"root_handlers", "threads", "files"} <= set(result["changed"])
