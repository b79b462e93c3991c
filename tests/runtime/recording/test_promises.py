"""Promises of a recorded script: it finds what an independent tracer finds, and no fault reaches the script."""

from __future__ import annotations

import ast
import subprocess
import sys
import traceback
from pathlib import Path

import cloudpickle
import pytest
from benchmarks.recorded_scripts import truth_of
from tests.runtime.recording.scripts import Recorded

from odibi_core.runtime.recording import transform
from odibi_core.runtime.recording.executions import Executions
from odibi_core.runtime.recording.statements import Plain, StatementReader

EVERYTHING = """
import pandas as pd
import polars as pl
df = pd.DataFrame({"id": [1, 2, 3, 4], "k": ["a", "b", "a", "c"], "x": [1.0, 2.0, None, 4.0]})
names = pd.DataFrame(
    {"k": ["a", "b"],
     "name": ["Ada", "Bob"]}
)
both = (
    df.merge(names, on="k")
      .dropna()
)
df["y"] = df["x"] * 2
df.loc[df["id"] > 2, "x"] = 9.0
df.insert(0, "n", 1)
del df["n"]
df.columns = ["id", "k", "x", "z"]
frames = {}
for key in ("a", "b"):
    if key == "a":
        frames[key] = df[df["k"] == key]
    else:
        frames[key] = df.head(1)
try:
    lost = df["nope"]
except KeyError:
    lost = df.tail(1)
with open(__file__) as file:
    count = len(file.read())
    cut = df.head(count % 2 + 1)
plan = pl.from_pandas(df).lazy().filter(pl.col("id") > 1)
few = plan.collect()
alias = few
total = float(df["x"].sum())
first, *rest = [df.head(1), df.head(2)]
while len(first) < 3:
    first = pd.concat([first, df.head(1)])
"""


def lines_of(run: Recorded) -> set[int]:
    """Return the lines of the steps."""
    return {step["source_line"] for event in run.of("pipeline_plan") for step in event.fields["steps"]}


def test_the_recorder_finds_what_a_tracer_finds(tmp_path: Path) -> None:
    """The tracer compares the frames of all variables after each line, and knows nothing of statements."""
    path = tmp_path / "everything.py"
    path.write_text(EVERYTHING, encoding="utf-8")
    run = Recorded(EVERYTHING, __file__=str(path))
    assert run.error is None
    failed = EVERYTHING[: EVERYTHING.index("lost = ")].count("\n") + 1
    assert sorted(lines_of(run)) == sorted({*truth_of(str(path)), failed})


FAILING = """
def inner(value):
    return [
        1 / each
        for each in value
    ]
def outer():
    \"\"\"Docstring.\"\"\"
    found = inner(
        [1, 0]
    )
    return found
outer()
"""


def printed(source: str, *, recorded: bool) -> str:
    """Return the traceback of a script that fails."""
    if recorded:
        error = Recorded(source).error
        assert error is not None
        return "".join(traceback.format_exception(error))
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile(source, "script.py", "exec"), {"__name__": "__main__"})  # noqa: S102 (the text of a test)
    trace = caught.value.__traceback__
    return "".join(traceback.format_exception(ZeroDivisionError, caught.value, trace and trace.tb_next))


def test_a_traceback_is_that_of_the_script() -> None:
    """Each line, each mark below a line, and no frame of the recorder."""
    assert printed(FAILING, recorded=True) == printed(FAILING, recorded=False) != ""


def test_a_wrong_position_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotaged twin: handlers that raise a new exception, as a careless transformation does."""
    observed = transform._observed

    def careless(node: Plain, number: int) -> list[ast.stmt]:
        made = observed(node, number)
        handler = made[1].handlers[0]  # type: ignore[attr-defined]
        handler.name = "error"
        handler.body[-1].exc = ast.copy_location(ast.Name("error", ast.Load()), node)
        return made

    monkeypatch.setattr(transform, "_observed", careless)
    assert printed(FAILING, recorded=True) != printed(FAILING, recorded=False)


@pytest.mark.parametrize("broken", ["begin", "end", "failed", "add_taken", "adopt"])
def test_a_fault_of_the_recorder_never_reaches_the_script(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script has the same variables; the bus counts the fault, and the run has a warning of the first."""

    def fail(*arguments: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Executions, broken, fail)
    run = Recorded(EVERYTHING, __file__=__file__)
    assert run.error is None
    assert (run.variables["total"], len(run.variables["first"])) == (21.0, 3)
    if broken != "adopt":  # no loop here runs so often that its last frames are adopted
        assert [event.error for event in run.of("hook_failed")] == ["RuntimeError: broken"]


def test_a_script_whose_statements_cannot_be_read_runs_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without steps would look like a script without frames."""

    def fail(*arguments: object) -> None:
        raise RecursionError

    monkeypatch.setattr(StatementReader, "read", fail)
    run = Recorded("found = [1, *range(2)]", is_readable=False)
    assert (run.error, run.variables["found"]) == (None, [1, 0, 1])
    (warning,) = run.of("hook_failed")
    assert warning.error == "OdibiError: its statements could not be read: RecursionError"


def test_a_function_that_is_sent_by_its_code_runs_as_it_was_written() -> None:
    """In a process that has no odibi-core, as a worker of another machine."""
    run = Recorded("def work(n):\n    for i in range(n):\n        found = [i]\n    return found[0] + n")
    sent = cloudpickle.dumps(run.variables["work"])
    program = (
        "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read())(3)); assert 'odibi_core' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True, check=True)
    assert done.stdout.strip() == b"5"
