"""`odibi record`: a script runs as `python` runs it, and its statements are the steps of a run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Apart, Here, command, environment

AWKWARD = '''
"""A script with nearly everything that a recorder may change."""
import atexit, os, sys, threading, traceback, warnings
import pandas as pd
from multiprocessing import get_context

def square(x):
    return x * x

def fail(frame):
    return frame[
        "nope"
    ]

def main(limit=2, *, other=None):
    """Main."""
    global seen
    seen = sorted(locals())
    df = pd.DataFrame({"a": [1, 2, 3]})
    try:
        fail(df)
    except KeyError:
        traceback.print_exc()
    warnings.warn("careful", DeprecationWarning)
    if 1 is 1:
        os.chdir("/")
    return df

if __name__ == "__main__":
    atexit.register(lambda: print("bye"))
    threading.Timer(0.3, lambda: print("thread")).start()
    df = main()
    print(sys.argv, __file__, __name__, __doc__, sys.path[0], seen, sys.stdin.read())
    print(sorted(name for name in globals()), main.__code__.co_varnames, __builtins__, __spec__, file=sys.stderr)
    with get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [1, 2]))
    df["b"] = (df["a"] *
               df["nope"])
'''


def both(*arguments: str, given: str = "") -> list[subprocess.CompletedProcess[str]]:
    """The same script by Python and recorded."""
    lines = ([sys.executable, *arguments], command("record", "--quiet", *arguments))
    return [
        subprocess.run(line, input=given, env=environment(), capture_output=True, text=True, timeout=60, check=False)
        for line in lines
    ]


def steps_of(here: Here, run: str) -> dict[str, str]:
    """The steps of the latest run of a pipeline, with their states."""
    shown = json.loads(here("show", run, "--format", "json").stdout)
    return {step["name"]: step["state"] for step in shown["steps"]}


def test_output_errors_and_exit_code_are_those_of_python(here: Here) -> None:
    """To the byte: traceback with its lines, warnings, arguments, names, children, threads, functions at the end."""
    Path("awkward.py").write_text(AWKWARD, encoding="utf-8")
    plain, recorded = both("awkward.py", "--limit", "-x", "--", "--resume", "--help", given="typed")
    assert (recorded.stdout, recorded.stderr, recorded.returncode) == (plain.stdout, plain.stderr, plain.returncode)
    assert plain.returncode == 1
    assert "typed" in plain.stdout
    assert "SyntaxWarning" in plain.stderr
    assert steps_of(here, "awkward") == {"df": "success", "df[b]": "failed"}


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import sys; sys.exit('no way')", "failed"),
        ("x = (1,\n", None),
        ("raise KeyboardInterrupt", "cancelled"),
        ("import sys\nsys.excepthook = lambda *error: print('mine', error[0])\n1 / 0", "failed"),
    ],
)
def test_each_end_is_that_of_python(here: Here, source: str, status: str | None) -> None:
    """Exit codes, messages and the hook of the script; a script with a syntax error is not a run."""
    Path("end.py").write_text(source, encoding="utf-8")
    plain, recorded = both("end.py")
    assert (recorded.stdout, recorded.stderr, recorded.returncode) == (plain.stdout, plain.stderr, plain.returncode)
    runs = json.loads(here("runs", "--format", "json").stdout)
    assert [run["status"] for run in runs] == ([] if status is None else [status])


def test_ctrl_c_ends_the_script_and_its_run(here: Here) -> None:
    """The signal ends the process, as the shell expects; the record is closed as cancelled."""
    Path("long.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(30)\n", encoding="utf-8")
    running = subprocess.Popen(
        command("record", "-q", "long.py"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    running.stdout.readline()
    time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == -signal.SIGINT
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert "odibi" not in errors
    assert json.loads(here("runs", "--format", "json").stdout)[0]["status"] == "cancelled"


def test_a_module_runs_as_with_python_m() -> None:
    """Its package is known, and its arguments are its own."""
    Path("shop").mkdir()
    Path("shop/__main__.py").write_text("from . import x\nimport sys\nprint(x, __package__, sys.argv[1:])\n")
    Path("shop/__init__.py").write_text("x = 1\n")
    plain, recorded = both("-m", "shop", "-m")
    assert (recorded.stdout, recorded.stderr) == (plain.stdout, plain.stderr)
    assert plain.stdout == "1 shop ['-m']\n"


def test_a_script_of_polars_brings_no_other_library_of_frames() -> None:
    """Importing NumPy or narwhals takes longer than such a script. The collector of garbage runs, past the command."""
    Path("small.py").write_text(
        """
import gc, sys
import polars as pl
left = pl.DataFrame({"k": [1, 2], "s": ["a", None]})
joined = left.join(pl.DataFrame({"k": [1, 2], "x": [1.5, 2.5]}), on="k", how="left").with_columns(y=pl.col("x") * 2)
print({"numpy", "narwhals", "pandas", "duckdb"} & set(sys.modules), gc.isenabled(), gc.get_freeze_count() > 10_000)
""",
        encoding="utf-8",
    )
    line = command("record", "--quiet", "--no-story", "small.py")
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set() True True\n"


def test_the_summary_goes_to_stderr_after_the_output_of_the_script(apart: Apart) -> None:
    """As text, or as JSON with the parameters, the tags and the name of the run."""
    Path("small.py").write_text("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\nprint('x')\n", encoding="utf-8")
    text = apart("record", "small.py")
    assert text.stdout == "x\n"
    assert "small succeeded" in text.stderr
    options = ("--format", "json", "--name", "mine", "--param", "n=1", "--tag", "team=sales", "--no-story")
    answer = json.loads(apart("record", *options, "small.py").stderr)
    assert (answer["pipeline_name"], answer["status"]) == ("mine", "success")
    assert [(step["name"], step["row_count"]) for step in answer["steps"]] == [("df", 2)]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("nowhere.py",), "nowhere.py cannot be read"),
        (("--tag", "x", "small.py"), "--tag must be NAME=VALUE"),
        (("--nowhere", "small.py"), "No such option"),
        ((), "Missing argument"),
    ],
)
def test_wrong_usage_is_one_message_before_anything_runs(here: Here, arguments: tuple[str, ...], wrong: str) -> None:
    """With exit code 2."""
    Path("small.py").write_text("print('ran')\n", encoding="utf-8")
    answer = here("record", *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert wrong in answer.stderr
