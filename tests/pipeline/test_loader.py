from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from odibi_core import pipeline
from odibi_core.errors import PipelineDefinitionError
from odibi_core.pipeline import load_pipeline
from odibi_core.pipeline.loader import load_module, shown_name

STEP = (
    "from odibi_core.pipeline import Step\na = Step(name='a', value=dict)\nb = Step(name='b', value=dict)\n"
)


def write(text: str, name: str = "flow.py") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def names(target: str) -> list[str]:
    return [step.name for step in pipeline.compile(load_pipeline(target)).steps]


def refusal(target: str) -> str:
    with pytest.raises(PipelineDefinitionError) as caught:
        load_pipeline(target)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pipeline = [a]\nsteps = [b]\n", ["a"]),
        ("steps = [a, b]\nother = [b]\n", ["a", "b"]),
        ("anything = (b, a)\n_private = [a]\nnumbers = [1]\nempty = []\n", ["b", "a"]),
        ("def pipeline():\n    return [b]\n", ["b"]),
        ("def build(only=b):\n    return [only]\n", ["b"]),
        ("from odibi_core import pipeline\nmine = [a]\n", ["a"]),
    ],
)
def test_a_pipeline_without_a_name(text: str, found: list[str]) -> None:
    """It is `pipeline`, `steps` or `build`, a list or what makes one; else the only list of either."""
    assert names(write(STEP + text)) == found


def test_a_pipeline_by_its_name() -> None:
    """A name chooses among several, and may be that of a function that makes the list."""
    target = write(STEP + "pipeline = [a]\nother = [b]\ndef make():\n    return [b, a]\n")
    assert names(f"{target}:other") == ["b"]
    assert names(f"{target}:make") == ["b", "a"]


def test_a_pipeline_of_functions() -> None:
    """Functions of a file are found by the names of their parameters."""
    target = write(
        "def raw():\n    return 1\ndef clean(raw, limit=3):\n    return raw\nflow = [clean, raw]\n"
    )
    clean, raw = pipeline.compile(load_pipeline(target)).steps
    assert (clean.inputs, clean.layer) == ({"raw": "raw"}, "transform")
    assert (raw.inputs, raw.layer) == ({}, "ingest")


@pytest.fixture(autouse=True)
def _importing_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A loaded file stays importable for the rest of its process: here, of its test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(Path.cwd()):
            del sys.modules[name]


def test_the_file_is_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules beside it can be imported while it runs; then the path is as it was; nothing is written."""
    Path("beside.py").write_text("VALUE = 3\n", encoding="utf-8")
    dataclass = "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: 'int'\n"
    target = write(f"from beside import VALUE\n{dataclass}{STEP}steps = [a]\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = list(sys.path)
    assert vars(load_module(target))["VALUE"] == 3
    assert sys.path == path
    assert "flow" not in sys.modules
    assert not list(Path("__pycache__").glob("flow*"))
    del sys.modules["beside"]


def test_the_file_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changed since is run as it is now, also within the same second."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert names(write(STEP + "steps = [a]\n")) == ["a"]
    assert names(write(STEP + "steps = [b]\n")) == ["b"]


def test_a_file_with_a_colon_in_its_name() -> None:
    """A path that exists is taken whole."""
    assert names(write(STEP + "steps = [a]\n", "flow:odd.py")) == ["a"]
    assert names(write(STEP + "other = [b]\nsteps = [a]\n", "flow:odd.py") + ":other") == ["b"]


def test_a_file_of_a_package() -> None:
    """Its relative imports mean what they mean when the package is imported, at any depth."""
    Path("shop/flows").mkdir(parents=True)
    for file in ("shop/__init__.py", "shop/flows/__init__.py"):
        Path(file).touch()
    Path("shop/source.py").write_text("def rows():\n    return [1]\n", encoding="utf-8")
    Path("shop/flows/daily.py").write_text("from ..source import rows\npipeline = [rows]\n", encoding="utf-8")
    (rows,) = load_pipeline("shop/flows/daily.py")
    assert rows() == [1]
    assert shown_name(load_module("shop/flows/daily.py").__name__) == "daily"


def test_a_package_is_not_taken_for_a_file_of_its_name() -> None:
    """Also if that file was loaded by the same process before."""
    write("pipeline = [lambda: [0]]\n", "shop.py")
    load_pipeline("shop.py")
    test_a_file_of_a_package()


def test_a_loaded_file_can_be_imported_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It, the files beside it and its package: steps and pickles import them while the run goes on."""
    Path("ways").mkdir()
    Path("ways/__init__.py").touch()
    Path("ways/lazy_beside.py").write_text("VALUE = 3\n", encoding="utf-8")
    late = "def late():\n    import ways.lazy_beside, lazy_beside as same\n    return same.VALUE, Mine\n"
    text = f"class Mine: pass\n{late}"
    Path("ways/by-hand.py").write_text(f"{text}pipeline = [late]\n", encoding="utf-8")
    Path("way.py").symlink_to("ways/by-hand.py")
    for target in ("ways/by-hand.py", "way.py"):
        (late,) = load_pipeline(target)
        value, mine = late()
        assert value == 3
        assert import_module(late.__module__).late is late
        assert type(pickle.loads(pickle.dumps(mine()))) is mine  # noqa: S301
        assert late.__module__ == "ways.by-hand"


def test_two_files_of_one_name_and_one_named_like_a_module_of_python() -> None:
    """Neither takes the other's name: each is loaded, under a name of its own."""
    import statistics

    Path("other").mkdir()
    write("def f():\n    return 1\npipeline = [f]\n")
    write("def f():\n    return 2\npipeline = [f]\n", "other/flow.py")
    write("def f():\n    return 3\npipeline = [f]\n", "statistics.py")
    files = ("flow.py", "other/flow.py", "statistics.py")
    assert [load_pipeline(file)[0]() for file in files] == [1, 2, 3]
    assert sys.modules["statistics"] is statistics


MAIN = "import odibi_core\ndef a():\n    return 1\ndef b(a):\n    return a\nif __name__ == '__main__':\n    "


def test_the_list_that_a_script_runs_itself() -> None:
    """As in the README's first example: the file needs no other line."""
    assert names(write(f"{MAIN}print(odibi_core.run([a, b]))\n")) == ["a", "b"]
    assert names(write(f"{MAIN}odibi_core.Orchestrator([b, a]).execute()\n")) == ["b", "a"]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("odibi_core.run([b, a], 'polars')", "pipeline = [b, a]"),
        ("odibi_core.run([a, b], params={'x': 1})", "pipeline = [a, b]"),
        ("odibi_core.run([a] + [b])", "pipeline = [a, b]"),
        ("odibi_core.run([a, unknown])", "pipeline = [a, b]"),
        ("odibi_core.run([a]); odibi_core.run([a, b])", "pipeline = [a]"),
    ],
)
def test_a_call_that_says_more_is_not_guessed(call: str, line: str) -> None:
    """Options would be lost, and of two calls one: the message shows the line to add."""
    assert refusal(write(f"{MAIN}{call}\n")).endswith(f"; add this line at its end: {line}")


def test_no_such_file() -> None:
    """The nearest file beside it is named; a folder is distinguished from a missing file."""
    write("")
    Path("folder").mkdir()
    assert refusal("folw.py") == "there is no file 'folw.py' (did you mean 'flow.py'?)"
    assert refusal("folw.py:steps") == "there is no file 'folw.py' (did you mean 'flow.py'?)"
    assert "there is no folder 'nowhere'" in refusal("nowhere/flow.py")
    assert "'folder' is a folder" in refusal("folder")
    assert "no file" in refusal("a\0b")


def test_a_name_that_the_file_does_not_have() -> None:
    """The nearest name that could be a pipeline is offered."""
    target = write(STEP + "sales = [a]\n")
    assert "flow.py has no 'slaes' (did you mean 'sales'?)" in refusal(f"{target}:slaes")


def test_a_file_without_a_pipeline() -> None:
    """The message lists what the file has instead."""
    assert "it has no lists, functions or steps" in refusal(write("import sys\n"))
    line = refusal(write(STEP + "def clean(x):\n    return x\n"))
    assert line.endswith(
        "it has functions clean; steps a, b; add this line at its end: pipeline = [a, b, clean]"
    )


def test_a_file_with_several_pipelines() -> None:
    """None is guessed; the message shows how to choose."""
    line = refusal(write(STEP + "one = [a]\ntwo = [b]\n"))
    assert line == "flow.py has several pipelines: one, two; name one: flow.py:one"


def test_what_is_no_list() -> None:
    """The message names the type of the value."""
    assert refusal(write("steps = {}\n")).startswith("the pipeline of flow.py is a dict;")
    assert refusal(write("def build():\n    pass\n")).startswith("the pipeline of flow.py is a NoneType;")
    assert refusal(write("x = 3\n") + ":x").startswith("x in flow.py is a int;")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "a = 1\nb = c\n",
            "flow.py, line 2 `b = c`, while it was imported: NameError: name 'c' is not defined",
        ),
        ("def f(:\n", "flow.py, line 1 `def f(:`, while it was imported: SyntaxError: invalid syntax"),
        (
            "import asyncio\nraise asyncio.CancelledError('gone')\n",
            "flow.py, line 2 `raise asyncio.CancelledError('gone')`, while it was imported: CancelledError: gone",
        ),
        ("import sys\nsys.exit(3)\n", "flow.py, line 2 `sys.exit(3)`, while it was imported: SystemExit: 3"),
        (
            "import json\njson.loads('{')\n",
            "flow.py, line 2 `json.loads('{')`, raised in decoder.py, line ",
        ),
        (
            "def build():\n    raise ValueError('many\\nlines')\n",
            "flow.py, line 2 `raise ValueError('many\\nlines')`, while build() was called: ValueError: many",
        ),
        (
            "class E(Exception):\n    def __str__(self):\n        return 1 / 0\nraise E\n",
            "flow.py, line 4 `raise E`, while it was imported: E",
        ),
        ("a = '\0'\n", "flow.py"),
    ],
)
def test_a_file_that_fails(text: str, line: str) -> None:
    """The author's own line is shown with what was raised there, and the file is not left half imported."""
    before = set(sys.modules)
    assert refusal(write(text)).startswith(line)
    if "build" not in text:
        assert not [name for name in set(sys.modules) - before if "odibi_pipeline" in name]
