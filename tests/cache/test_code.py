"""The parts of a key that come from code: each difference that can change a result changes them."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odibi_core.cache.code import CodeReader
from odibi_core.cache.key import Key, KeyBuilder, Unkeyable
from odibi_core.cache.ownership import Ownership
from odibi_core.pipeline import Step
from odibi_core.runtime.resume.identity import Identities
from odibi_core.runtime.run_context.packages import packages_of


def key(function: Any, params: dict[str, Any] | None = None, **fields: Any) -> Key:
    found = unkeyed(function, params, **fields)
    assert isinstance(found, Key), found
    return found


def unkeyed(function: Any, params: dict[str, Any] | None = None, **fields: Any) -> Key | Unkeyable:
    step = Step(name="step", value=function, params=params, inputs=["frame"], **fields)
    return KeyBuilder(step, "pandas", packages_of).build({"frame": "1"}, [])


def reasons(function: Any, **fields: Any) -> str:
    found = unkeyed(function, **fields)
    assert isinstance(found, Unkeyable), found
    return "; ".join(found.reasons)


def digests(function: Any, params: dict[str, Any] | None = None, **fields: Any) -> tuple[str, str]:
    """Return the key for the cache and the identity for a resumed run, which have the same parts of the code."""
    step = Step(name="step", value=function, params=params, inputs=["frame"], **fields)
    found = Identities().of(step)
    assert {"code_hash", "params_hash"} <= set(found), found
    return key(function, params, **fields).hash, found["code_hash"] + found["params_hash"]


def number_of(found: list[tuple[str, str]]) -> int:
    """Return how many keys differ, of which as many identities do."""
    keys, identities = ({each[place] for each in found} for place in (0, 1))
    assert len(keys) == len(identities)
    return len(keys)


Write = Callable[..., Any]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write modules of a project and return the function `step` of `main`, imported anew."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(**texts: str) -> Any:
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        for name in [path.stem for path in tmp_path.glob("*.py")]:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module("main").step

    return written


BASE = """
from helpers import clean
LIMIT = 3

def step(frame, top=5, *, names=("a", "b")):
    return clean(frame, LIMIT, top, names)
"""
HELPERS = """
import deeper

def clean(frame, limit, top, names):
    return [row for row in frame if deeper.keep(row, limit)][:top]
"""
DEEPER = """
FLOOR = 0

def keep(row, limit):
    return FLOOR < row < limit
"""


def digests_around(write: Write, module: str, old: str, new: str) -> list[tuple[str, str]]:
    """Return the digests of the step before and after a text of a module is replaced."""
    texts = {"main": BASE, "helpers": HELPERS, "deeper": DEEPER}
    assert old in texts[module]
    before = digests(write(**texts))
    return [before, digests(write(**{**texts, module: texts[module].replace(old, new)}))]


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("main", "LIMIT = 3", "LIMIT = 4"),
        ("main", "LIMIT = 3", "LIMIT = 3.0"),
        ("main", "LIMIT = 3", "LIMIT = True"),
        ("main", "top=5", "top=6"),
        ("main", '("a", "b")', '("b", "a")'),
        ("main", "clean(frame, LIMIT, top, names)", "clean(frame, top, LIMIT, names)"),
        ("helpers", "[:top]", "[top:]"),
        ("helpers", "deeper.keep(row, limit)", "not deeper.keep(row, limit)"),
        ("deeper", "FLOOR = 0", "FLOOR = -1"),
        ("deeper", "FLOOR = 0", "FLOOR = -0.0"),
        ("deeper", "FLOOR < row < limit", "FLOOR <= row < limit"),
        ("deeper", "row < limit", "row < (limit or 1)"),
    ],
)
def test_a_change_of_code_or_values_changes_the_key(write: Write, module: str, old: str, new: str) -> None:
    """The function, its defaults and globals, a helper, and a helper of the helper in a module of its own."""
    assert number_of(digests_around(write, module, old, new)) == 2


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("main", "LIMIT = 3", "# a comment\n\n\nLIMIT = 3"),
        ("main", "def step(", "UNUSED = 1\n\ndef step("),
        ("main", "    return clean(", '    """A docstring."""\n    # a comment\n    return clean('),
        ("main", "clean(frame, LIMIT, top, names)", "clean(\n  frame,\n  LIMIT, top,\n  names,\n    )"),
        ("helpers", "def clean(frame, limit, top, names):", 'def clean(frame, limit, top, names):\n    "Clean."'),
        ("deeper", "    return FLOOR < row < limit", "\n\n    return (FLOOR < row < limit)"),
    ],
)
def test_comments_and_formatting_do_not_change_the_key(write: Write, module: str, old: str, new: str) -> None:
    """Text that does not run has no part in the key."""
    assert number_of(digests_around(write, module, old, new)) == 1


LOOP = """
def step(frame, limit, top):
    found = []
    for row in frame:
        try:
            found.append(min(row, limit, top))
        except TypeError:
            continue
        if len(found) > top:
            break
    return [max(row, limit) for row in found], limit
"""


@pytest.mark.parametrize(
    ("old", "new", "number"),
    [
        ("min(row, limit, top)", "min(\n                row,\n                limit, top)", 1),
        ("        if len(found)", "        pass\n        if len(found)", 1),
        ("    found = []\n", "    found = []\n    pass\n", 1),
        ("max(row, limit)", "max(row,\n      limit)", 1),
        ("            continue", "            break", 2),
        ("            break", "            continue", 2),
        ("        if len(found) > top:\n            break\n", "    if len(found) > top:\n        return None\n", 2),
    ],
)
def test_jumps_and_handlers_count_by_where_they_lead(write: Write, old: str, new: str, number: int) -> None:
    """The compiler merges operations of one line, so distances differ between formats of the same code."""
    assert old in LOOP
    assert number_of([digests(write(main=LOOP)), digests(write(main=LOOP.replace(old, new, 1)))]) == number


def test_the_key_is_that_of_the_code_in_memory(write: Write, tmp_path: Path) -> None:
    """A file that was edited after the import changes nothing: the old code still runs."""
    step = write(main=BASE, helpers=HELPERS, deeper=DEEPER)
    before = digests(step)
    (tmp_path / "helpers.py").write_text("raise SystemExit")
    assert digests(step) == before


def test_each_part_of_a_closure_counts() -> None:
    """A value in a cell, and a function in a cell."""

    def made(limit: Any, function: Any = len) -> Any:
        def step(frame: Any) -> Any:
            return [function(row) for row in frame if row > limit]

        return step

    def one(row: Any) -> Any:
        return row + 1

    def two(row: Any) -> Any:
        return row + 2

    found = [digests(made(1)), digests(made(2)), digests(made(1, one)), digests(made(1, two))]
    assert number_of(found) == 4
    assert digests(made(1)) == found[0]


def test_tables_of_functions_classes_and_their_methods_count(write: Write) -> None:
    """A dict of functions, a dataclass as a global, a method that it calls."""
    text = """
    from dataclasses import dataclass
    from enum import Enum

    class Mode(Enum):
        FAST = 1

    @dataclass(frozen=True)
    class Rules:
        limit: int = 3
        mode: Mode = Mode.FAST
        def keep(self, row):
            return row < self.limit

    RULES = Rules()
    TABLE = {"one": lambda row: row + 1}

    def step(frame):
        return [TABLE["one"](row) for row in frame if RULES.keep(row)]
    """
    changes = [("row + 1", "row + 2"), ("limit: int = 3", "limit: int = 4"), ("row < self", "row <= self"),
               ("FAST = 1", "FAST = 2"), ('"one": lambda', '"one": lambda row: row, "two": lambda')]  # fmt: skip
    found = [digests(write(main=text)), *(digests(write(main=text.replace(*change))) for change in changes)]
    assert number_of(found) == 6


def test_classes_derived_from_built_in_ones_count_with_their_content(write: Write) -> None:
    """A text, a list, a dict and a named tuple of the project, and a set of members of an enum."""
    text = """
    from enum import Enum
    from typing import Generic, NamedTuple, TypeVar

    class Mode(Enum):
        FAST = 1
        SLOW = 2

    class Rules(NamedTuple):
        limit: int

    class Day(str):
        pass

    class Rows(list):
        def first(self):
            return self[0]

    class Box(Generic[TypeVar("T")]):
        def __init__(self, value):
            self.value = value

    USED = Rules(3), Day("monday"), Rows([1, 2]), {Mode.FAST}, Box("x")

    def step(frame):
        return USED
    """
    changes = [("Rules(3)", "Rules(4)"), ('"monday"', '"friday"'), ("[1, 2]", "[2, 2]"), ("self[0]", "self[-1]"),
               ("{Mode.FAST}", "{Mode.FAST, Mode.SLOW}"), ('"x"', '"y"')]  # fmt: skip
    found = [digests(write(main=text)), *(digests(write(main=text.replace(*change))) for change in changes)]
    assert number_of(found) == 7
    assert digests(write(main=text)) == found[0]
    assert digests(write(main=text.replace("{Mode.FAST}", "{Mode.SLOW, Mode.FAST}"))) == found[5]


@pytest.mark.parametrize("slots", ["'limit'", "('limit',)", "('__limit',)", "{'limit': 'the most'}"])
def test_a_value_in_a_slot_counts(write: Write, slots: str) -> None:
    """One slot, several, a private one, and slots with their documentation."""
    name = "__limit" if "__limit" in slots else "limit"
    text = f"""
    class Rules:
        __slots__ = {slots}
        def __init__(self, limit):
            self.{name} = limit

    RULES = Rules(3)

    def step(frame):
        return [row for row in frame if row in RULES]
    """
    before = digests(write(main=text))
    assert digests(write(main=text)) == before
    assert number_of([before, digests(write(main=text.replace("Rules(3)", "Rules(4)")))]) == 2


def test_decorators_are_code_too(write: Write) -> None:
    """A decorator of the project is followed, and so is the function inside it."""
    text = """
    import functools
    def plus(number):
        def decorator(function):
            @functools.wraps(function)
            def wrapper(frame):
                return function(frame) + number
            return wrapper
        return decorator
    @plus(1)
    def step(frame):
        return len(frame)
    """
    changes = [("@plus(1)", "@plus(2)"), ("len(frame)", "len(frame) * 2"), ("+ number", "- number")]
    found = [digests(write(main=text)), *(digests(write(main=text.replace(*change))) for change in changes)]
    assert number_of(found) == 4


ADDED = {
    "pandas accessor": "@pd.api.extensions.register_dataframe_accessor('odibi_test')\nclass",
    "polars namespace": "@pl.api.register_dataframe_namespace('odibi_test')\nclass",
}


@pytest.mark.parametrize("how", ADDED)
@pytest.mark.filterwarnings("ignore")
def test_code_that_is_added_to_frames_counts(write: Write, how: str) -> None:
    """An accessor of the project is reached by an attribute of a frame alone."""
    text = f"""
import pandas as pd
import polars as pl
{ADDED[how]} Own:
    def __init__(self, frame):
        self.frame = frame
    def top(self):
        return self.frame.head(1)

def step(frame):
    return frame.odibi_test.top()
"""
    before = digests(write(main=text))
    assert digests(write(main=text)) == before
    assert number_of([before, digests(write(main=text.replace("head(1)", "head(2)")))]) == 2


def test_parameters_count_with_their_types_and_their_order() -> None:
    """1, 1.0, True and "1" differ; so do two dicts of another order."""

    def step(frame: Any, **given: Any) -> Any:
        return given

    values: list[Any] = [1, 1.0, True, "1", None, -0.0, 0.0, [1], (1,), {"a": 1, "b": 2}, {"b": 2, "a": 1}]
    assert number_of([digests(step, {"value": value}) for value in values]) == len(values)
    assert key(step, {"a": 1, "b": 2}).hash != key(step, {"b": 2, "a": 1}).hash
    assert key(step, {"value": {"a", "b", "c"}}).hash == key(step, {"value": {"c", "b", "a"}}).hash


def test_inputs_count_by_their_logical_names() -> None:
    """Two inputs that change places, one that changes, one under another name."""

    def step(**frames: Any) -> Any:
        return frames

    def of(inputs: dict[str, str]) -> str:
        found = KeyBuilder(Step(name="s", value=step, inputs=inputs), "pandas", packages_of).build(inputs, [])
        assert isinstance(found, Key)
        return found.hash

    given = [
        {"a": "1", "b": "2"},
        {"a": "2", "b": "1"},
        {"b": "2", "a": "1"},
        {"a": "1", "b": "3"},
        {"a": "1", "c": "2"},
    ]
    assert len(set(map(of, given))) == 5


def test_the_engine_and_the_versions_of_libraries_count() -> None:
    """Another version of a library that the function's module imports is another key."""

    def of(version: str, engine: str = "pandas") -> str:
        step = Step(name="s", value=test_the_engine_and_the_versions_of_libraries_count)
        found = KeyBuilder(step, engine, lambda *_: {"pytest": version}, anyway=True).build({}, [])
        assert isinstance(found, Key)
        return found.hash

    assert len({of("1"), of("2"), of("1", "polars")}) == 3


IMPURE = {
    "the clock": "import datetime\ndef step(frame):\n    return datetime.datetime.now()",
    "the clock (time.time)": "from time import time\ndef step(frame):\n    return time()",
    "the clock (.today)": "def step(frame):\n    return frame.today()",
    "random numbers": "import random\ndef step(frame):\n    return random.random()",
    "random numbers (numpy.random.rand)": "import numpy as np\ndef step(frame):\n    return np.random.rand()",
    "random numbers (.sample)": "def step(frame):\n    return frame.sample(1)",
    "the environment": "import os\ndef step(frame):\n    return os.environ['HOME']",
    "(os.getenv)": "from os import getenv\ndef step(frame):\n    return getenv('HOME')",
    "the environment or the files of the machine (os)": "def step(frame):\n    import os\n    return os.getcwd()",
    "the network": "import urllib.request as r\ndef step(frame):\n    return r.urlopen('http://x')",
    "files (open)": "def step(frame):\n    with open('x') as file:\n        return file.read()",
    "step uses files (.read_text)": "def step(frame, path):\n    return path.read_text()",
    "files (pandas.read_csv)": "import pandas as pd\ndef step(frame):\n    return pd.read_csv('x.csv')",
    "files (.to_csv)": "def step(frame):\n    frame.to_csv('x.csv')\n    return frame",
    "the state of the process (eval)": "def step(frame):\n    return eval('frame')",
    "the state of the process (hash)": "def step(frame):\n    return hash(frame)",
    "assigns the global 'SEEN'": "SEEN = 0\ndef step(frame):\n    global SEEN\n    SEEN += 1\n    return SEEN",
    "is a generator": "def step(frame):\n    yield frame",
    "names variables in the text": "LIMIT = 1\ndef step(frame):\n    return frame.query('x > @LIMIT')",
    "no stable form": "FILE = open(__file__)\ndef step(frame):\n    return FILE",
    "TextIOWrapper": "FILE = open(__file__)\nclass Box:\n    file = FILE\nX = Box()\ndef step(frame):\n    return X",
    "a module of the project that is used as a value": "import other\ndef step(frame):\n    return dir(other)",
    "imports the module other in its body": "def step(frame):\n    import other\n    return other.x",
    "random numbers (.random)": "import random\nX = random.Random(1)\ndef step(frame):\n    return X.random()",
    "a namespace": "import types\nFILE = open(__file__)\nX = types.SimpleNamespace(a=FILE)\ndef step(f):\n  return X",
    "files (.read_text)": "class Own:\n    path = None\ndef step(frame):\n    return Own.path.read_text()",
    "a numpy.poly1d": "import numpy as np\nX = np.poly1d([1.0])\ndef step(frame):\n    return X(1)",
    "two uses files (open)": "def one():\n  two()\ndef two():\n  open('x')\ndef step(frame):\n    return one()",
}


WITHOUT_DIGEST = {
    "names variables in the text", "no stable form", "TextIOWrapper", "a module of the project that is used as a value",
    "random numbers (.random)", "a namespace", "a numpy.poly1d",
}  # fmt: skip
"""Reasons why a resumed run cannot know the code either; it takes what was made by the clock or from a file then."""


@pytest.mark.parametrize("reason", IMPURE)
def test_code_that_depends_on_more_has_no_key_but_a_reason(write: Write, reason: str) -> None:
    """The clock, chance, the environment, the network, files, the state of the process, values without a form."""
    step = write(main=IMPURE[reason], other="x = 1")
    found = reasons(step)
    has_digest = "code_hash" in Identities().of(Step(name="step", value=step))
    assert has_digest == (reason not in WITHOUT_DIGEST)
    assert reason in found or (reason == "a namespace" and "TextIOWrapper" in found)
    file = step.__globals__.get("FILE")
    if file is not None:
        file.close()


PURE = {
    "time.sleep": "import time\ndef step(frame):\n    time.sleep(0)\n    return frame",
    "os.path.join": "import os\ndef step(frame):\n    return os.path.join('a', 'b')",
    "a parsed time": "from datetime import datetime\ndef step(frame):\n    return datetime.strptime('2020', '%Y')",
    "a pattern": "import re\nWORD = re.compile('x')\ndef step(frame):\n    return WORD.sub('', frame)",
    "a logger": "import logging\nlog = logging.getLogger('x')\ndef step(frame):\n    log.info('x')\n    return frame",
    "pandas": "import pandas as pd\ndef step(frame):\n    return pd.concat([frame, frame]).groupby('a').agg('sum')",
    "polars": "import polars as pl\nKIND = pl.Int64\ndef step(frame):\n    return frame.select(pl.col('a').cast(KIND))",
    "numpy": "import numpy as np\nMEANS = np.array([1.0, 2.0])\ndef step(frame):\n    return np.add(frame, MEANS)",
    "an import in the body": "def step(frame):\n    from other import x\n    return x",
    "recursion": "def step(frame):\n    return step(frame[1:]) if frame else frame",
    "a cached helper": "from functools import cache\n@cache\ndef two():\n  return 2\ndef step(frame):\n  return two()",
    "a partial": "from functools import partial\ndef base(frame, n):\n    return n\nstep = partial(base, n=2)",
}


@pytest.mark.parametrize("what", PURE)
def test_ordinary_code_has_a_key(write: Write, what: str) -> None:
    """A cache that keys nothing would be right too."""
    step = write(main=PURE[what], other="x = 1")
    assert digests(step) == digests(write(main=PURE[what], other="x = 1"))


def test_a_module_behind_an_import_in_the_body_counts(write: Write) -> None:
    """The cache follows what the body imports; a resumed run reads the texts, of the modules behind it too."""
    texts = {
        "main": "def step(frame):\n    from other import clean\n    return clean(frame)",
        "other": "from deeper import FLOOR\n\ndef clean(frame):\n    return frame + FLOOR",
    }
    found = [digests(write(**texts, deeper=f"FLOOR = {floor}")) for floor in (1, 1, 2)]
    assert found[0] == found[1]
    assert number_of(found) == 2


def test_a_module_of_the_project_may_have_a_name_of_the_standard_library(write: Write) -> None:
    """Its folder goes first on the path, so it is the one that is imported."""
    main = "import colorsys\ndef step(frame):\n    return colorsys.mixed(frame)"
    try:
        texts = ["def mixed(x):\n    return x + 1", "def mixed(x):\n    return x + 2"]
        assert number_of([digests(write(main=main, colorsys=text)) for text in texts]) == 2
    finally:
        sys.modules.pop("colorsys", None)


def test_a_class_in_a_module_called_like_loggers_is_no_logger(write: Write) -> None:
    """Its values count."""
    main = "from logging_rules import RULES\ndef step(frame):\n    return RULES.limit"
    rules = "class Rules:\n    def __init__(self, limit):\n        self.limit = limit\nRULES = Rules(1)"
    texts = [rules, rules.replace("Rules(1)", "Rules(2)")]
    assert number_of([digests(write(main=main, logging_rules=text)) for text in texts]) == 2


def test_a_library_without_a_version_has_no_key(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code may change without a sign."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "unversioned.py").write_text("def plus(x):\n    return x + 1")
    monkeypatch.syspath_prepend(str(folder))
    step = write(main="import unversioned\ndef step(frame):\n    return unversioned.plus(frame)")
    assert reasons(step) == "the version of unversioned is unknown"
    (folder / "unversioned.py").write_text("__version__ = '1'\ndef plus(x):\n    return x + 1")
    sys.modules.pop("unversioned")
    importlib.invalidate_caches()
    before = key(write(main="import unversioned\ndef step(frame):\n    return unversioned.plus(frame)"))
    assert before.parts["version of unversioned"] == "1"


def test_a_lambda_counts_with_its_constants() -> None:
    """A lambda without a file has its code and its constants."""
    namespace: dict[str, Any] = {}
    one, two = (eval(text, namespace) for text in ("lambda frame: frame + 1", "lambda frame: frame + 2"))  # noqa: S307
    assert number_of([digests(one), digests(two)]) == 2


def test_anyway_caches_what_depends_on_more(write: Write) -> None:
    """The author decides; the key then has the other parts."""
    step = Step(name="s", value=write(main=IMPURE["the clock"]))
    assert isinstance(KeyBuilder(step, "pandas", packages_of, anyway=True).build({}, []), Key)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"layer": "connect"}, "a connection"),
        ({"layer": "publish", "inputs": ["frame"]}, "it writes"),
        ({"layer": "store", "value": "out.csv", "inputs": ["frame"]}, "it writes"),
        ({"layer": "connect", "value": 1}, "a connection"),
    ],
)
def test_steps_that_connect_or_write_have_no_key(fields: dict[str, Any], reason: str) -> None:
    """A hit would leave out what they are for."""
    step = Step(**{"name": "s", "value": len, **fields})
    found = KeyBuilder(step, "pandas", packages_of).build({"frame": "1"}, [])
    assert isinstance(found, Unkeyable)
    assert reason in found.reason


PROGRAM = """
import sys
sys.path[:0] = [{project!r}]
import main
from odibi_core.cache.key import KeyBuilder
from odibi_core.pipeline import Step
from odibi_core.runtime.run_context.packages import packages_of
step = Step(name="step", value=main.step, params={{"names": {{"x", "y", "z"}}}}, inputs=["frame"])
from odibi_core.runtime.resume.identity import Identities
print(KeyBuilder(step, "pandas", packages_of).build({{"frame": "1"}}, []).hash, Identities().of(step)["code_hash"])
"""


def test_the_key_is_the_same_in_another_process_folder_and_hash_seed(write: Write, tmp_path: Path) -> None:
    """Sets have another order for each hash seed, and paths another for each folder."""
    text = BASE.replace("LIMIT = 3", 'LIMIT = {"a", "b", "c", "d"}')
    text = text.replace("return clean", 'if top in {"x", "y", "z"}: return 1\n    return clean')
    write(main=text, helpers=HELPERS, deeper=DEEPER)
    program, found = PROGRAM.format(project=str(tmp_path)), set()
    for seed in ("0", "1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=folder, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(done.stdout)
    assert len(found) == 1
    assert len(found.pop().split()) == 2


def test_sabotaged_a_reader_that_follows_no_helper_misses_the_change(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of helpers fails on a reader that takes each helper by its name."""
    monkeypatch.setattr(Ownership, "is_library_file", lambda self, file: not file.endswith("main.py"))
    texts = {"main": BASE, "helpers": HELPERS, "deeper": DEEPER}

    def found(**given: str) -> Any:
        step = Step(name="s", value=write(**given))
        return KeyBuilder(step, "pandas", packages_of, anyway=True).build({}, [])

    before = found(**texts)
    assert isinstance(before, Key)
    assert found(**{**texts, "helpers": HELPERS.replace("[:top]", "[top:]")}) == before


def test_a_value_of_lists_that_share_their_members_has_no_key() -> None:
    """Sixty levels of them hold more values than there is time to read; the reason is stated at once."""
    laughs: list[Any] = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]
    reader = CodeReader()
    reader.read(lambda frame: laughs)
    assert any("holds more than 50,000 values" in reason for reason in reader.reasons)
