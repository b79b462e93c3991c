"""Invalid input is refused, or fails, with the step, the key and the nearest valid name; never with a traceback."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cli.conftest import Here

HEAD = (
    "import pandas as pd\nfrom odibi_core import Step\ndef orders():\n    return pd.DataFrame({'x': [1]})\n"
)


class Case(NamedTuple):
    """A pipeline file, the exit code, and the parts of the message; `options` go to `odibi run`."""

    source: str
    code: int
    said: tuple[str, ...]
    options: tuple[str, ...] = ()


def _step(arguments: str) -> str:
    return f"{HEAD}pipeline = [orders, Step(name='clean', {arguments})]\n"


REFUSED = {
    "a cycle": Case(
        "def a(b): return b\ndef b(a): return a\npipeline = [a, b]\n", 2, ("'a'", "'b'", "waits for itself")
    ),
    "a missing input": Case(_step("value=lambda t: t, inputs={'t': 'order'}"), 2, ("'clean'", "'order'", "'orders'")),
    "two producers": Case(
        _step("value=orders, outputs={'out': 'orders'}"), 2, ("'clean'", "'orders'")
    ),
    "an unknown engine": Case(f"{HEAD}pipeline = [orders]\n", 2, ("'pandsa'", "'pandas'"), ("--engine", "pandsa")),
    "an unknown type": Case(_step("type='slq', value='select 1'"), 2, ("'clean'", "'slq'", "'sql'")),
    "an unknown layer": Case(_step("layer='ingst', value=orders"), 2, ("'clean'", "'ingst'", "'ingest'")),
    "a parameter that no step takes": Case(
        "def orders(limit=1): return [{'x': limit}]\npipeline = [orders]\n", 2, ("'limt'", "'limit'"), ("-p", "limt=3")
    ),
    "a parameter without a value": Case(f"{HEAD}pipeline = [orders]\n", 2, ("NAME=VALUE", "'limit'"), ("-p", "limit")),
    "no pipeline in the file": Case("answer = 42\n", 2, ("pipeline.py", "no pipeline")),
    "an empty pipeline": Case("pipeline = []\n", 2, ("empty",)),
    "a file that is not Python": Case("pipeline = [\n", 2, ("pipeline.py", "line 1", "SyntaxError")),
    "a file that raises": Case("import pandsa\n", 2, ("line 1", "pandsa")),
    "a function without a return": Case(
        "def clean(): pass\ndef after(clean): return clean\npipeline = [clean, after]\n",
        2, ("'clean'", "returns nothing")
    ),
}  # fmt: skip

FAILED = {
    "a step that returns nothing": Case(
        "def clean(n=0):\n    if n:\n        return n\n"
        "def after(clean): return clean\npipeline = [clean, after]\n", 1, ("'clean'", "returned nothing")
    ),
    "a step that returns the wrong thing": Case(
        f"{HEAD}pipeline = [orders, Step(name='split', value=lambda t: 7, inputs={{'t': 'orders'}},"
        " outputs={'good': 'good', 'bad': 'bad'})]\n", 1, ("'split'", "good, bad", "int")
    ),
    "a step that leaves out an output": Case(
        f"{HEAD}pipeline = [orders, Step(name='split', value=lambda t: {{'good': t, 'bda': t}},"
        " inputs={'t': 'orders'},"
        " outputs={'good': 'good', 'bad': 'bad'})]\n", 1, ("'split'", "'bad'", "'bda'")
    ),
    "a SQL step with an unknown table": Case(
        _step("type='sql', value='select * from ordres', inputs={'orders': 'orders'}"), 1, ("ordres", "'orders'")
    ),
    "a file that is missing": Case(_step("layer='ingest', value='order.csv'"), 1, ("order.csv", "clean")),
    "a truncated file": Case(_step("layer='ingest', value='cut.parquet'"), 1, ("cut.parquet", "clean")),
    "a file of another kind": Case(_step("layer='ingest', value='bytes.csv'"), 1, ("bytes.csv", "clean")),
}  # fmt: skip


def _run(here: Here, case: Case) -> str:
    Path("pipeline.py").write_text(case.source, encoding="utf-8")
    Path("cut.parquet").write_bytes(b"PAR1\x15\x04\x15")
    Path("bytes.csv").write_bytes(bytes(range(256)) * 4)
    done = here("run", "pipeline.py", "--name", "case", *case.options)
    assert done.exit_code == case.code, done.output
    assert "Traceback" not in done.output
    said = done.stderr if case.code == 2 else done.stdout
    for part in case.said:
        assert part in said, f"{part!r} is not said in: {said}"
    return said


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_right_is_refused_before_anything_runs(here: Here, case: Case) -> None:
    """Exit code 2, a sentence on stderr that names the culprit, and no run in the record."""
    said = _run(here, case)
    assert said.startswith("error: ")
    assert not Path(".odibi").exists()


@pytest.mark.parametrize("case", FAILED.values(), ids=FAILED)
def test_what_goes_wrong_while_running_is_told_and_recorded(here: Here, case: Case) -> None:
    """Exit code 1, the step and the reason on the screen, the same reason in the record."""
    _run(here, case)
    (row,) = json.loads(here("runs", "--format", "json").stdout)
    assert row["status"] == "failed"
    failures = [
        json.loads(line)
        for line in here("logs", "--event", "node_failed", "--format", "json").stdout.splitlines()
    ]
    assert any(
        case.said[0].strip("'") in f"{failure['node_name']} {failure['error']}" for failure in failures
    )


def test_a_setting_that_cannot_be_right_is_refused(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, with what it was."""
    monkeypatch.setenv("ODIBI_STORE__DURABILITY", "writen")
    done = here("runs")
    assert done.exit_code == 2
    assert "ODIBI_STORE__DURABILITY" in done.stderr
    assert "'writen'" in done.stderr


def test_an_error_of_the_operating_system_names_the_file_and_the_reason(here: Here) -> None:
    """Its number and the brackets of Python are of no use to a reader."""
    done = here("sql", "-f", "missing.sql", "--store", ".")
    assert (done.exit_code, done.stderr) == (4, "error: missing.sql: no such file or directory\n")


def test_a_fault_of_our_own_is_short_and_says_how_to_see_more(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 70 without a traceback; with ODIBI_DEBUG it is the exception itself."""
    from odibi_core.history.index import Index

    def break_down(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(Index, "runs", break_down)
    done = here("runs")
    assert (done.exit_code, "ODIBI_DEBUG=1" in done.stderr, "Traceback" in done.stderr) == (70, True, False)
    assert isinstance(here("--debug", "runs").exception, KeyError)
    monkeypatch.setenv("ODIBI_DEBUG", "1")
    assert isinstance(here("runs").exception, KeyError)


def test_a_store_that_cannot_be_written_is_refused(here: Here, small: str) -> None:
    """A file where the folder should be: exit code 4, and no traceback."""
    Path("taken").write_text("no folder")
    done = here("run", small, "--store", "taken/store")
    assert (done.exit_code, "taken" in done.stderr) == (4, True), done.output
