from __future__ import annotations

import sys
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


def test_the_file_is_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules beside it can be imported while it runs; then the path is as it was; nothing is written."""
    Path("beside.py").write_text("VALUE = 3\n", encoding="utf-8")
    dataclass = "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: 'int'\n"
    target = write(f"import beside\n{dataclass}{STEP}steps = [a]\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = list(sys.path)
    assert names(target) == ["a"]
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
    path = list(sys.path)
    assert [step() for step in load_pipeline("shop/flows/daily.py")] == [[1]]
    assert shown_name(load_module("shop/flows/daily.py").__name__) == "daily"
    assert sys.path == path


def test_no_such_file() -> None:
    """The nearest file beside it is named; a folder is told apart from nothing."""
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
    """The message says what the file has instead."""
    assert "it has no lists, functions or steps" in refusal(write("import sys\n"))
    line = refusal(write(STEP + "def clean(x):\n    return x\n"))
    assert line.endswith("it has functions clean; steps a, b")


def test_a_file_with_several_pipelines() -> None:
    """Nobody guesses; the message shows how to choose."""
    line = refusal(write(STEP + "one = [a]\ntwo = [b]\n"))
    assert line == "flow.py has several pipelines: one, two; say which one: flow.py:one"


def test_what_is_no_list() -> None:
    """What the name stands for is told by its class."""
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
