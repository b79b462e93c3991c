"""State of the process: one object holds it, and one registry handles forks."""

import ast
from collections.abc import Iterator

from tests.architecture.plan import Module, dotted, modules

EMPTY = frozenset(
    """dict list set Counter defaultdict deque WeakSet WeakKeyDictionary WeakValueDictionary count Lock RLock
    local""".split()  # noqa: SIM905
)

_FORKS = "the registry of forks, which concerns the interpreter"
_CACHE = "a cache: computed from its key alone, and cleared when the rules change"
_OBJECTS = "the living objects of a class, weakly: each has its own state"
_THREAD = "a mark of the running thread, for the length of one call"
_EMPTY = "an empty mapping, which nothing changes"

# "module: name" → the reason why it is no part of `ProcessState`. Every other mutable global is one.
KEPT: dict[str, str] = {
    "_fork.py: _before": _FORKS,
    "_fork.py: _after": _FORKS,
    "_fork.py: _resets": _FORKS,
    "_fork.py: _numbers": _FORKS,
    "_lazy.py: _lock": "the lock of importing, which concerns the interpreter",
    "costs/bigquery/watch.py: _watches": _OBJECTS,
    "endpoint/server.py: _started": _OBJECTS,
    "engines/duckdb_engine.py: _databases": "numbers of names in a database; a used one is never reused",
    "engines/duckdb_sql.py: _scratch": "numbers of names in a database; a used one is never reused",
    "engines/duckdb_sql.py: _bases": "two databases in memory for each process id, expensive to open",
    "engines/frame_pandas.py: _NAMES": _CACHE,
    "engines/spark_rows.py: _known": _OBJECTS,
    "events/clock.py: _statm": "a descriptor of the interpreter's own memory, open for speed",
    "events/error_id.py: _known": _OBJECTS,
    "events/pickling.py: _here": _OBJECTS,
    "events/sanitize.py: _ordinary": _CACHE,
    "events/sanitize.py: _clean_texts": _CACHE,
    "events/sanitize.py: _silent": _CACHE,
    "events/sanitize.py: _standard": _CACHE,
    "logs/from_logging.py: _capturing": _THREAD,
    "logs/program_logger.py: _logs": _OBJECTS,
    "logs/to_logging.py: _forwarding": _THREAD,
    "logs/to_logging.py: _sinks": _OBJECTS,
    "logs/to_logging.py: _paused": "the sinks that wait for the end of a fork",
    "metrics/recorder.py: _recorders": _OBJECTS,
    "process_end.py: _watched": _OBJECTS,
    "process_end.py: _flushes": "calls at the end of a child, registered while modules are imported",
    "redaction/names.py: _own": "the rules in force, computed from those of the process",
    "redaction/redactor.py: failures": "a counter of errors, which a reset must not hide",
    "redaction/redactor.py: _NONE": _EMPTY,
    "redaction/rules.py: _forgetters": "calls on new rules, registered while modules are imported",
    "runtime/file_events.py: _open": "the runs whose files are watched, which a reset must not lose",
    "runtime/file_events.py: _opened": _OBJECTS,
    "runtime/sigterm.py: _forking": _THREAD,
    "runtime/sigterm.py: _installed": "the signal handlers of the interpreter, which a reset must not lose",
    "runtime/sigterm.py: _calls": "calls before the process ends, which a reset must not lose",
    "store/journal.py: _journals": _OBJECTS,
    "views/step.py: _NONE": _EMPTY,
}


def mutable_globals(module: Module) -> Iterator[str]:
    """Yield the names of a module that are bound to an empty container or a lock, or rebound by a function."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_mutable(node.value):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield f"{module.path}: {dotted(target)}"
    for rebinding in ast.walk(module.tree):
        if isinstance(rebinding, ast.Global):
            yield from (f"{module.path}: {name}" for name in rebinding.names)


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return dotted(value.func).split(".")[-1] in EMPTY and not value.args
    return (isinstance(value, ast.Dict) and not value.keys) or (isinstance(value, ast.List) and not value.elts)


def test_no_module_keeps_state_of_the_process() -> None:
    """A mutable global is in the list with its reason, or it is a part of `ProcessState`, which `reset()` renews."""
    found = {name for module in modules() for name in mutable_globals(module)}
    assert found == set(KEPT)
    assert all(len(reason) > 10 for reason in KEPT.values())


def test_forks_are_handled_in_one_place() -> None:
    """One call of `os.register_at_fork`; every other module registers a reset with `_fork`."""
    calls = [
        module.path
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and dotted(node.func).endswith("register_at_fork")
    ]
    assert calls == ["_fork.py"]


def test_the_measure_sees_a_mutable_global() -> None:
    """Sabotage: an empty dict, a lock and a rebound name are found."""
    text = "import threading\na: dict[str, int] = {}\nb = threading.Lock()\nc = 0\ndef f():\n    global c\n    c = 1\n"
    module = Module("m", "m", "m.py", False, text, ast.parse(text))
    assert list(mutable_globals(module)) == ["m.py: a", "m.py: b", "m.py: c"]
