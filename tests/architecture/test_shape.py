"""Limits of size, and no module for unrelated functions."""

import ast
import re

from tests.architecture.plan import ROOT, Function, Module, functions, modules

LINES, BODY, PARAMETERS = 400, 40, 7

# "path" or "path: function" → why it may be larger. One line each.
WAIVERS: dict[str, str] = {
    "pipeline/step.py: Step.__init__": "the contract's signature: a step is said in one call",
    "cli/run.py: run": "a command's options are its function's parameters",
    "cli/record_script.py: record": "a command's options are its function's parameters",
    "cli/demo.py: demo": "a command's options are its function's parameters",
    "cli/replay.py: replay": "a command's options are its function's parameters",
    "cli/backfill.py: backfill": "a command's options are its function's parameters",
    "cli/store_places.py: export": "a command's options are its function's parameters",
    "cli/store_upkeep.py: prune": "a command's options are its function's parameters",
    "cli/logs.py: logs": "a command's options are its function's parameters",
    "cli/sql.py: sql": "a command's options are its function's parameters",
    "cli/errors.py: errors": "a command's options are its function's parameters",
    "cli/ship.py: ship": "a command's options are its function's parameters",
    "cli/runs.py: runs": "a command's options are its function's parameters",
    "logs/structured_logger.py: StructuredLogger.query_logs": "the contract's signature, filters by keyword",
    "runtime/orchestrator.py: Orchestrator.__init__": "the contract's signature",
}

CATCH_ALLS = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "shared", "tools", "stuff"})


def body_lines(function: Function) -> int:
    """Return the lines from the first statement to the last, without the docstring."""
    body = function.body[ast.get_docstring(function, clean=False) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameter_count(function: Function) -> int:
    """Parameters that a caller may pass; `*args` and `**fields` count as one each, `self` and `cls` not at all."""
    a = function.args
    named = [*a.posonlyargs, *a.args]
    own = bool(named) and named[0].arg in ("self", "cls")
    return len(named) - own + len(a.kwonlyargs) + bool(a.vararg) + bool(a.kwarg)


def too_large(module: Module) -> dict[str, str]:
    """Return each part of a file that exceeds a limit, with its size."""
    found = {}
    if (lines := module.text.count("\n")) > LINES:
        found[module.path] = f"{lines} lines, over {LINES}"
    for name, function in functions(module.tree):
        where = f"{module.path}: {name}"
        if (body := body_lines(function)) > BODY:
            found[where] = f"a body of {body} lines, over {BODY}"
        if (count := parameter_count(function)) > PARAMETERS:
            found[where] = f"{count} parameters, over {PARAMETERS}"
    return found


def test_files_and_functions_are_small() -> None:
    """Files up to 400 lines, bodies up to 40, parameters up to 7, or a waiver with its reason."""
    found = {where: what for module in modules() for where, what in too_large(module).items()}
    wrong = [f"{where}: {what}" for where, what in found.items() if where not in WAIVERS]
    assert not wrong, "\n".join(wrong)


def test_every_waiver_is_still_needed_and_has_a_reason() -> None:
    """A waiver is removed as soon as its file or function is small enough."""
    needed = {where for module in modules() for where in too_large(module)}
    assert set(WAIVERS) <= needed
    assert all(len(reason) > 15 and "\n" not in reason for reason in WAIVERS.values())


def test_no_package_or_file_is_a_catch_all() -> None:
    """A name describes the contents; `utils` describes none."""
    places = ("src", "tests", "examples", "benchmarks")
    files = [file for place in places for file in (ROOT / place).rglob("*.py")]
    named = {part.strip("_") for file in files for part in file.relative_to(ROOT).with_suffix("").parts}
    assert not named & CATCH_ALLS


def test_nothing_is_left_for_later() -> None:
    """The source has no note of unfinished work and no stub; open work is an issue, not a comment."""
    marks = [
        f"{module.path}: {mark}"
        for module in modules()
        for mark in re.findall(r"#.*\b(?:TODO|FIXME|XXX|HACK)\b.*", module.text)
    ]
    stubs = [
        f"{module.path}:{node.lineno} raises NotImplementedError"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise) and _is_stub(node)
    ]
    assert not marks + stubs, "\n".join(marks + stubs)


def _is_stub(node: ast.Raise) -> bool:
    return node.exc is not None and "NotImplementedError" in ast.unparse(node.exc)


def test_the_measures_measure() -> None:
    """Sabotage: a body of 41 lines and eight parameters are found; docstring and `self` do not count."""
    long = "class C:\n  def f(self, a, b, c, d, *e, f, g, **h):\n    'Doc'\n" + "    x = 1\n" * 41
    (name, function) = functions(ast.parse(long))[0]
    assert (name, body_lines(function), parameter_count(function)) == ("C.f", 41, 8)
