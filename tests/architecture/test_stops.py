"""One rule for exceptions that are no `Exception` (`errors.STOPS`): the handlers that may catch everything."""

import ast

from tests.architecture.plan import Module, modules

# Files with handlers that keep a request to stop as well, how many, and why.
KEEPS_ALL = {
    "bus/worker_queue.py": (1, "in a thread of its own it would end nothing but that thread"),
    "metrics/forwarder.py": (1, "on the queue's thread, as above"),
    "delivery/delivery.py": (1, "in the delivery's own thread, as above"),
    "health/monitor.py": (1, "a check's own thread: the check is unhealthy"),
    "endpoint/app.py": (1, "an answer's own thread: the server gets it as a failure"),
    "executors/threads.py": (1, "raised by the thread that waits for the workers"),
    "executors/ray_worker.py": (1, "the answer of the worker, as below"),
    "executors/worker.py": (1, "the answer of the worker, raised in the process of the run"),
    "runtime/map_runner.py": (1, "raised when the mapped step ends"),
    "pipeline/attempts.py": (1, "raised by the thread that waits for the attempt"),
    "coroutines.py": (1, "raised by the thread that waits for the loop"),
    "runtime/orchestrator.py": (1, "raised when the record is closed"),
    "runtime/recording/recorder.py": (1, "the end of the script, which the command raises when the run is closed"),
    "cli/run_pipeline.py": (1, "decides on the exit code when the files are written"),
}


def passes_stops_on(handlers: list[ast.ExceptHandler], place: int) -> bool:
    """Return true if the handler raises itself, or an earlier one of its `try` re-raises requests to stop."""
    handler, earlier = handlers[place], handlers[:place]
    stops = ("STOPS", "SystemExit", "GeneratorExit")
    return any(isinstance(node, ast.Raise | ast.Yield) for node in ast.walk(handler)) or any(
        isinstance(each.type, ast.Name) and each.type.id in stops and isinstance(each.body[-1], ast.Raise)
        for each in earlier
    )


def keeping_all(module: Module) -> list[int]:
    """Return the lines of handlers of `BaseException`, or of everything, that swallow requests to stop."""
    return [
        handler.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Try)
        for place, handler in enumerate(node.handlers)
        if (handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id == "BaseException"))
        and not passes_stops_on(node.handlers, place)
    ]


def test_a_request_to_stop_passes_every_handler() -> None:
    """`except BaseException` stands behind `except STOPS: raise`, or raises, or works in a thread of its own.

    The exceptions from the rule are counted, since a number that is too large would hide the next one.
    """
    found = {module.path: lines for module in modules() if (lines := keeping_all(module))}
    counted = {path: len(lines) for path, lines in found.items()}
    assert counted == {path: count for path, (count, _) in KEEPS_ALL.items()}, found
