"""Descriptions of objects without running their code: stages, configs that fit, stages found in modules."""

from __future__ import annotations

import abc
import enum
import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, NewType, Optional, Protocol

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core import Step
from odibi_core.errors import ConfigurationError, PipelineDefinitionError
from odibi_core.instrument.stages import InstrumentedStage, measured_stage
from odibi_core.introspection import (
    PipelineDescription,
    StageDescription,
    discover_stages,
    inspect_pipeline,
    validate_config,
)
from odibi_core.introspection.annotation import annotation_text, resolved
from odibi_core.introspection.schema import schema_of

Site = NewType("Site", str)


class Mode(enum.Enum):
    """An enumeration of which a config has the value."""

    FAST = "fast"
    EXACT = "exact"


class Celsius(float):
    """A number with another name."""


def describe(thing: Any) -> StageDescription:
    (found,) = inspect_pipeline([thing])
    return found


def forbidden(*_: Any, **__: Any) -> Any:
    """Fail: a description must never call this."""
    raise AssertionError("something was run")


def scale(
    records: list[float], factor: float = 1.5, /, unit: str = "C", *more: int, exact: bool = False
) -> list[float]:
    """Multiplies.

    By a factor.
    """
    return forbidden(records, factor, unit, more, exact)  # type: ignore[no-any-return]  # it raises


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return around


class Shift:
    """A stage; no test calls its `process`."""

    def __init__(self, by: int) -> None:
        self.by = by

    def process(self, records: Iterable[int], *, step: int) -> Iterator[int]:
        return forbidden(records, step)  # type: ignore[no-any-return]  # it raises

    @classmethod
    def of_class(cls, a: int) -> None:
        """A class method."""

    @staticmethod
    def alone(a: int, b: int) -> None:
        """A function outside of any class."""

    def __call__(self, row: int) -> int:
        return row


class Doubler:
    """A callable object that is no stage."""

    def __call__(self, row: int) -> int:
        return row * 2


# fmt: off
PROCESS = "(records: Iterable[int], *, step: int) -> Iterator[int]"
SCALE = (
    "(records: list[float], factor: float = 1.5, /, unit: str = 'C', *more: int, exact: bool = False)"
    " -> list[float]"
)
# fmt: on


@pytest.mark.parametrize(
    ("thing", "name", "kind", "signature", "doc"),
    [
        (scale, "scale", "function", SCALE, "Multiplies."),
        (logged(scale), "scale", "function", SCALE, "Multiplies."),
        (logged(logged(scale)), "scale", "function", SCALE, "Multiplies."),
        (functools.lru_cache(scale), "scale", "function", SCALE, "Multiplies."),
        (
            functools.partial(scale, [1.0], unit="F"),
            "scale",
            "function",
            "(factor: float = 1.5, /, *, unit: str = 'F', exact: bool = False) -> list[float]",
            "Multiplies.",
        ),
        (lambda row: row, "<lambda>", "function", "(row)", None),
        (
            sorted,
            "sorted",
            "function",
            "(iterable, /, *, key=None, reverse=False)",
            (sorted.__doc__ or "").split("\n")[0],
        ),
        (Shift, "Shift", "stage", PROCESS, "A stage; no test calls its `process`."),
        (Shift(1), "Shift", "stage", PROCESS, "A stage; no test calls its `process`."),
        (Shift(1).process, "process", "function", PROCESS, None),
        (Shift.of_class, "of_class", "function", "(a: int) -> None", "A class method."),
        (Shift.alone, "alone", "function", "(a: int, b: int) -> None", "A function outside of any class."),
        (Doubler(), "Doubler", "callable", "(row: int) -> int", "A callable object that is no stage."),
        (Celsius, "Celsius", "class", None, "A number with another name."),
        (Step(name="s", value=scale, params={"unit": "K"}), "s", "step", SCALE, "Multiplies."),
        (Step(name="q", type="sql", value="select 1"), "q", "step", None, "SQL: select 1"),
        (Step(name="r", layer="ingest", value="a.csv"), "r", "step", None, "Reads a.csv"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 10 else "",
)
def test_everything_that_a_pipeline_may_hold_is_described(
    thing: Any, name: str, kind: str, signature: str | None, doc: str | None
) -> None:
    """Stages, their classes, steps, functions with all kinds of parameters, and what was put around functions."""
    found = describe(thing)
    assert (found.name, found.kind, found.doc) == (name, kind, doc)
    if signature is not None or kind == "step":
        assert found.signature == signature
    assert found.unreadable == ()


def test_a_decorated_process_is_that_of_the_author() -> None:
    """`self` is left out once for any decorator; static methods and class methods have none."""

    class Stage:
        @logged
        def process(self, records: list[int], size: int = 2) -> None:
            """Decorated."""

    class Static:
        @staticmethod
        def process(records: list[int]) -> None: ...

    class OfClass:
        @classmethod
        def process(cls, records: list[int]) -> None: ...

    class Own:
        def __init__(self) -> None:
            self.process = lambda records, n=1: records

    assert [
        each.signature for each in inspect_pipeline([Stage, Stage(), Static, Static(), OfClass(), Own()])
    ] == [
        "(records: list[int], size: int = 2) -> None",
        "(records: list[int], size: int = 2) -> None",
        "(records: list[int]) -> None",
        "(records: list[int]) -> None",
        "(records: list[int]) -> None",
        "(records, n=1)",
    ]


def test_stages_may_be_given_alone_several_or_by_name() -> None:
    """A generator is one object, and is not iterated."""
    asked = (forbidden() for _ in range(3))
    assert [each.name for each in inspect_pipeline(Shift)] == ["Shift"]
    assert [each.name for each in inspect_pipeline((Shift, scale))] == ["Shift", "scale"]
    assert [each.name for each in inspect_pipeline({"first": Shift, "second": Shift})] == ["first", "second"]
    (row,) = inspect_pipeline(asked)
    assert (row.kind, row.unreadable) == ("object", ("it has no process, and cannot be called",))
    assert len(inspect_pipeline([])) == 0
    assert inspect_pipeline([]).as_table().split()[0] == "Stage"


class Raises:
    """An object that raises for every attribute."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    __repr__ = __str__ = __hash__ = __len__ = __bool__ = __eq__ = forbidden

    def process(self, records: int) -> None: ...


class Liar:
    """An object whose `__class__` is that of a function."""

    @property  # type: ignore[misc]  # on purpose
    def __class__(self) -> Any:
        return forbidden()

    def process(self, records: int, factor: int = 2) -> None: ...


class ByProperty:
    """A stage whose process is a property, which must not run."""

    @property
    def process(self) -> Any:
        return forbidden()


class Meta(type):
    """A metaclass with its own `process`, which must not be called."""

    def __getattribute__(cls, name: str) -> Any:
        if name in ("process", "__doc__", "__name__", "__qualname__", "__module__", "__init__"):
            forbidden()
        return super().__getattribute__(name)

    __call__ = __instancecheck__ = __subclasscheck__ = __repr__ = forbidden


class OfMeta(metaclass=Meta):
    """A class of the metaclass."""

    def process(self, records: int) -> None: ...


class StrangeDoc:
    """Replaced below."""

    def process(self, records: int) -> None: ...


StrangeDoc.__doc__ = 7  # type: ignore[assignment]  # on purpose


RAISES = object.__new__(Raises)
CELSIUS = Celsius(1)


class ReprOfDefault:
    """A default that must not be printed."""

    def process(self, records: int, service: Any = RAISES, key: Any = Mode.FAST) -> None: ...


def with_signature(records: int) -> None:
    """A function with a false signature."""


with_signature.__signature__ = object.__new__(Raises)  # type: ignore[attr-defined]  # on purpose


def in_a_ring(records: int) -> None:
    """A function that wraps itself."""


in_a_ring.__wrapped__ = in_a_ring  # type: ignore[attr-defined]  # on purpose


class Around:
    """A class whose `__call__` is an object of itself."""


Around.__call__ = Around()  # type: ignore[method-assign, assignment]  # on purpose


class Iterated(list[Any]):
    """A list whose own methods must not be called."""

    __iter__ = __len__ = __repr__ = forbidden


IN_LIST, ITERATED, IN_DICT = [RAISES], Iterated([1]), {"k": (RAISES,)}


class InDefaults:
    """No code of a value inside a default is called either."""

    def process(
        self, records: int, a: Any = IN_LIST, b: OfMeta | None = None, c: Any = ITERATED, d: Any = IN_DICT
    ) -> None: ...


class Call:
    """A callable whose function cannot be found."""

    __call__: Any = 3


HOSTILE: dict[str, tuple[Callable[[], Any], str | None, str | None]] = {
    "a class": (lambda: Raises, "(records: int) -> None", None),
    "an object": (lambda: object.__new__(Raises), "(records: int) -> None", None),
    "a liar": (Liar, "(records: int, factor: int = 2) -> None", None),
    "a property": (ByProperty, None, "its process is a property, which cannot be called"),
    "a metaclass": (lambda: OfMeta, "(records: int) -> None", None),
    "a docstring": (StrangeDoc, "(records: int) -> None", "its docstring cannot be read: it is a int"),
    "a default": (
        ReprOfDefault,
        "(records: int, service: Any = <Raises>, key: Any = Mode.FAST) -> None",
        None,
    ),
    "a signature": (
        lambda: with_signature,
        None,
        "its signature cannot be read: its __signature__ is a Raises",
    ),
    "a ring": (lambda: in_a_ring, "(records: int) -> None", None),
    "a call that is none": (Call, None, "it has no process, and cannot be called"),
    "a number": (lambda: 7, None, "it has no process, and cannot be called"),
    "nothing": (lambda: None, None, "it has no process, and cannot be called"),
    "a builtin without signature": (lambda: iter, None, "its signature cannot be read"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_object_is_a_row_that_names_its_unreadable_parts(case: str) -> None:
    """None of its code is run, nothing is raised, and the table, the JSON and the schema are written."""
    make, signature, note = HOSTILE[case]
    thing = make()
    found = inspect_pipeline([thing, Shift])
    assert found[0].signature == signature
    assert any(note in each for each in found[0].unreadable) if note else not found[0].unreadable
    assert len(found.as_table().splitlines()) == 3
    assert len(json.loads(found.to_json())["stages"]) == 2
    jsonschema.Draft202012Validator.check_schema(found.json_schema())
    if signature is None:
        assert "its parameters are not known" in validate_config(thing, {})[0]


def test_a_secret_default_is_redacted() -> None:
    """It is in no table, JSON or schema; no secret of a config is in a problem."""

    def login(records: int, password: str = "canary-1", note: str = "mail ada@canary.org") -> None: ...

    found = inspect_pipeline([login])
    written = f"{found.as_table()}{found.to_json()}{json.dumps(found.json_schema())}"
    assert "canary" not in written
    assert "[REDACTED]" in written

    def choose(token: Literal["a", "b"]) -> None: ...

    assert "canary" not in str(validate_config(choose, {"token": "canary-2", "canary@canary.org": 1}))


def test_a_dataclass_without_a_docstring_has_none() -> None:
    """The docstring that Python makes of a dataclass's signature is left out; an author's own is shown."""

    @dataclass
    class Scale:
        factor: int = 3

        def process(self, records: list[int]) -> None: ...

    @dataclass
    class Documented(Scale):
        """Scales."""

    assert [stage.doc for stage in inspect_pipeline([Scale(), Documented()])] == [None, "Scales."]


def test_numbers_that_json_does_not_have_are_shown_and_left_out_of_the_schema() -> None:
    """The default is shown as its author would write it, and the schema is valid JSON."""

    class Odd(enum.Enum):
        NAN = float("nan")

    def process(
        records: list[int], most: float = float("inf"), odd: Odd = Odd.NAN, big: int = 2**70
    ) -> None: ...

    found = inspect_pipeline(process)
    assert found[0].signature is not None
    assert (
        "most: float = Infinity, odd: Odd = Odd.NAN, big: int = 1180591620717411303424" in found[0].signature
    )
    json.dumps(found.json_schema(), allow_nan=False)
    assert found[0].parameters[2].schema == {}


def test_terminal_sequences_are_escaped() -> None:
    """Names and docstrings are data."""

    def stage(records: int) -> None: ...

    stage.__doc__ = "red \x1b[31m"
    assert "\\x1b[31m" in str(inspect_pipeline([stage]))


class Everything:
    """A stage with one parameter for each kind of annotation."""

    def process(
        self,
        records: Iterable[dict[str, Any]],
        flag: bool,
        number: float = 1.0,
        mode: Mode = Mode.EXACT,
        site: Site = Site("a"),
        maybe: Optional[int] = None,  # noqa: UP045 (as it may be written)
        implicit: int = None,  # type: ignore[assignment]  # noqa: RUF013 (as it may be written)
        either: int | str = 3,
        sizes: "list[int]" = [],  # noqa: UP037, B006 (as it may be written)
        pair: tuple[int, str] = (1, "a"),
        endless: tuple[int, ...] = (),
        names: set[str] = frozenset(),  # type: ignore[assignment]  # as it may be written
        limits: dict[str, float] | None = None,
        day: date = date(2020, 1, 1),
        told: Annotated[int, "at least one"] = 1,
        exact: Literal["a", 1, None] = "a",
        degrees: Celsius = CELSIUS,
        unknown: NotDefinedAnywhere = None,  # type: ignore[name-defined]  # noqa: F821
        **others: int,
    ) -> None: ...


SCHEMAS = {
    "records": {"type": "array", "items": {"type": "object", "additionalProperties": {}}},
    "flag": {"type": "boolean"},
    "number": {"type": "number", "default": 1.0},
    "mode": {"enum": ["fast", "exact"], "default": "exact"},
    "site": {"type": "string", "default": "a"},
    "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
    "implicit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
    "either": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 3},
    "sizes": {"type": "array", "items": {"type": "integer"}, "default": []},
    "pair": {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "minItems": 2,
        "maxItems": 2,
        "default": [1, "a"],
    },
    "endless": {"type": "array", "items": {"type": "integer"}, "default": []},
    "names": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "default": []},
    "limits": {
        "anyOf": [{"type": "object", "additionalProperties": {"type": "number"}}, {"type": "null"}],
        "default": None,
    },
    "day": {"type": "string", "format": "date", "default": "2020-01-01"},
    "told": {"type": "integer", "default": 1},
    "exact": {"enum": ["a", 1, None], "default": "a"},
    "degrees": {"type": "number"},
    "unknown": {"default": None},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_of_a_parameter_is_that_of_its_annotation(name: str) -> None:
    """Text annotations are looked up; an unknown one leaves its parameter open."""
    schema = inspect_pipeline(Everything).json_schema()["properties"]["Everything"]
    own = {key: value for key, value in schema["properties"][name].items() if key != "description"}
    assert own == SCHEMAS[name]


def test_the_schema_of_a_stage_has_required_and_optional_parameters() -> None:
    """The records that flow through a stage need no entry in a config."""
    schema = inspect_pipeline(Everything).json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    stage = schema["properties"]["Everything"]
    assert stage["required"] == ["flag"]
    assert stage["additionalProperties"] == {"type": "integer"}
    assert schema["required"] == ["Everything"]
    assert stage["description"] == "A stage with one parameter for each kind of annotation."


def test_two_stages_of_one_name_have_an_entry_each() -> None:
    """The second is numbered, as in the records of a pipeline."""
    assert list(inspect_pipeline([Shift, Shift]).json_schema()["properties"]) == ["Shift", "Shift_2"]


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
CONFIGS = st.dictionaries(
    st.sampled_from([*SCHEMAS, "other"]), JSON | st.sampled_from(["fast", "a", 1, [1, "a"], {"a": 1.5}])
)


@given(config=CONFIGS)
def test_validate_config_and_the_schema_agree(config: dict[str, Any]) -> None:
    """A config that JSON can hold passes both or neither, except for whole floats."""
    if any(isinstance(each, float) and each.is_integer() for each in _leaves(config)) or not _no_doubles(
        config
    ):
        return  # 1.0 is an integer for JSON Schema and not for Python; doubles in a set are no fault of its type
    schema = inspect_pipeline(Everything).json_schema()["properties"]["Everything"]
    assert jsonschema.Draft202012Validator(schema).is_valid(config) == (
        validate_config(Everything, config) == []
    )


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


def _no_doubles(config: dict[str, Any]) -> bool:
    names = config.get("names")
    return not isinstance(names, list) or all(isinstance(each, str) for each in names) <= (
        len(set(map(str, names))) == len(names)
    )


@pytest.mark.parametrize(
    ("stage", "config", "said"),
    [
        (Shift, {"step": 1}, []),
        (Shift, {"step": 1, "records": [1]}, []),
        (Shift(3), {}, ["Shift: step is missing"]),
        (Shift, {"stpe": 1}, ["Shift: 'stpe' is no parameter (did you mean 'step'?); it takes records, step",
                              "Shift: step is missing"]),
        (Shift, {"step": True}, ["Shift: step must be a whole number, but it is a bool"]),
        (Shift, {"step": None}, ["Shift: step must be a whole number, but it is null"]),
        (Shift, {"step": 1, 7: 2}, ["Shift: the key of class int is no parameter; it takes records, step"]),
        (Shift, [1], ["Shift: a config is a mapping of parameters to values, not a list"]),
        (scale, {"factor": 2.0}, ["scale: 'factor' is taken by its position only, so no config can give it"]),
        (lambda **anything: 0, {"a": 1, "b": Raises}, []),
        (lambda: 0, {"a": 1}, ["<lambda>: 'a' is no parameter; it takes none"]),
        (Everything, {"flag": True, "mode": Mode.FAST, "day": date(2020, 1, 2), "endless": (1, 2)}, []),
        (Everything, {"flag": True, "names": {"a"}}, []),
        (Everything, {"flag": True, "sizes": [1, "2"]},
         ["Everything: sizes[1] must be a whole number, but it is a str"]),
        (Everything, {"flag": True, "limits": {"a": "b"}},
         ["Everything: limits['a'] must be a number, but it is a str"]),
        (Everything, {"flag": True, "pair": [1]}, ["Everything: pair must have 2 items, but it has 1"]),
        (Everything, {"flag": True, "pair": [1, 2]}, ["Everything: pair[1] must be a text, but it is an int"]),
        (Everything, {"flag": True, "mode": "fats"},
         ["Everything: mode must be one of 'fast', 'exact', but it is 'fats' (did you mean 'fast'?)"]),
        (Everything, {"flag": True, "number": 2}, []),
        (Everything, {"flag": True, "more": "x"}, ["Everything: more must be a whole number, but it is a str"]),
        (Step(name="s", value=Shift(1).process, inputs={"records": "raw"}, params={"step": 1}), {}, []),
    ],
)  # fmt: skip
def test_validate_config_returns_every_reason(stage: Any, config: Any, said: list[str]) -> None:
    """Unknown names, missing ones and impossible values; a value that a step already has is not missing."""
    assert validate_config(stage, config) == said


def test_numbers_of_numpy_are_numbers() -> None:
    """A value that stands for a number counts as one."""
    import numpy

    assert (
        validate_config(Everything, {"flag": True, "told": numpy.int64(3), "number": numpy.float32(1.5)})
        == []
    )


def test_a_config_that_refuses_to_be_read_is_a_problem_and_no_exception() -> None:
    """Values are judged by their class only; a mapping that raises is reported."""

    class Refuses(dict[str, Any]):
        def keys(self) -> Any:
            return forbidden()

    assert validate_config(Shift, {"step": object.__new__(Raises)}) == [
        "Shift: step must be a whole number, but it is a Raises"
    ]
    assert validate_config(Shift, Refuses(step=1)) in (
        [], ["Shift: the config cannot be read, AssertionError"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (list[int], "list[int]"),
        (Optional[int], "int | None"),  # noqa: UP045 (as it may be written)
        (int | str | None, "int | str | None"),
        (Callable[[int, str], bool], "Callable[[int, str], bool]"),
        (Callable[..., Any], "Callable[..., Any]"),
        (Literal["a", Mode.FAST], "Literal['a', Mode.FAST]"),
        (Annotated[dict[str, list[int]], Raises], "dict[str, list[int]]"),
        (Site, "Site"),
        ("dict[str,  int]", "dict[str, int]"),
        (None, "None"),
    ],
)
def test_an_annotation_is_written_as_its_author_would(annotation: Any, text: str) -> None:
    """The short name is shown, never the `repr` of an object, which may be anything."""
    assert annotation_text(annotation) == text
    assert annotation_text(RAISES) == "<Raises>"


@pytest.mark.parametrize(
    "annotation",
    ["forbidden()", "[forbidden() for _ in 'a']", "OfMeta.process", "OfMeta[int]", "1 +", "x" * 9_000,
     "list[" * 50 + "]" * 50, "(lambda: forbidden())()", "OfMeta | int", "Literal[forbidden()]", ""],
)  # fmt: skip
def test_an_annotation_that_is_a_text_is_never_evaluated(annotation: str) -> None:
    """An annotation that is no name, no attribute of a module and no known generic leaves its parameter open."""
    namespace = {"forbidden": forbidden, "Mode": Mode, "OfMeta": OfMeta, "Literal": Literal}
    resolved(annotation, namespace)
    assert schema_of("Mode[forbidden()]", namespace) == {"enum": ["fast", "exact"]}
    assert schema_of(annotation, namespace) in ({}, {"type": "array"}, {"anyOf": [{}, {"type": "integer"}]})


def test_a_recursive_type_ends() -> None:
    """A schema without an end is left open."""
    namespace: dict[str, Any] = {"Tree": "list['Tree']"}
    namespace["Tree"] = list["Tree"]  # type: ignore[name-defined]  # noqa: F821 (of itself)
    schema = schema_of("Tree", namespace)
    assert schema["type"] == "array"
    json.dumps(schema)


STAGES = '''
"""A module with stages, and with what is none."""
import json
from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path
from typing import Protocol

print_me = Path("imported").write_text("yes")

class Base(ABC):
    @abstractmethod
    def process(self, records): ...

class Shape(Protocol):
    def process(self, records): ...

class Read(Base):
    """Reads."""
    def process(self, records, limit: int = 3): ...

class NotAStage:
    def run(self): ...

class Broken:
    process = None

def helper(x): ...

def mean(records): ...
mean.__odibi_stage__ = "averages"

Alias = Read

if __name__ == "__main__":
    raise SystemExit("run")
'''


@pytest.mark.parametrize("how", ["path", "text", "dotted", "module"])
def test_discover_stages_of_a_file_or_a_module(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only usable stages that the module itself defines: none that is imported, abstract, a protocol or an alias."""
    Path("my_stages.py").write_text(STAGES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(sys.modules, "my_stages", raising=False)
    given: Any = {"path": Path("my_stages.py"), "text": "my_stages.py", "dotted": "my_stages"}.get(how)
    if how == "module":
        import importlib

        given = importlib.import_module("my_stages")
    found = inspect_pipeline(discover_stages(given))
    assert [(each.name, each.module) for each in found] == [("Read", "my_stages"), ("averages", "my_stages")]
    sys.modules.pop("my_stages", None)


@pytest.mark.parametrize("wrong", [5, None, b"stages.py"])
def test_a_wrong_module_is_refused(wrong: Any) -> None:
    """A wrong argument is reported as a mistake of the caller."""
    with pytest.raises(
        ConfigurationError, match=f"its dotted name or its file; given was a {type(wrong).__name__}"
    ):
        discover_stages(wrong)


def test_a_failed_import_is_reported_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is that of the author's file, for a file and for a module's dotted name."""
    Path("broken_stages.py").write_text("import json\nimport no_such_thing\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    for target in (Path("broken_stages.py"), "broken_stages"):
        with pytest.raises(PipelineDefinitionError, match=r"line 2 `import no_such_thing`.*no_such_thing"):
            discover_stages(target)
    with pytest.raises(PipelineDefinitionError, match="no_such_module"):
        discover_stages("no_such_module")


def test_a_hostile_object_of_a_module_is_ignored() -> None:
    """The object is no stage, and nothing is raised."""
    module = ModuleType("hostile")
    vars(module).update(a=object.__new__(Raises), b=Liar(), c=OfMeta, d=7, e=with_signature)
    assert discover_stages(module) == []


def test_a_description_is_read_as_a_sequence() -> None:
    """It has a length, can be iterated and indexed, and prints itself as the table."""
    found = inspect_pipeline([Shift, scale])
    assert isinstance(found, PipelineDescription)
    assert (len(found), found[1].name, [each.name for each in found]) == (2, "scale", ["Shift", "scale"])
    assert str(found) == found.as_table()


class AbstractStage(abc.ABC):
    """An abstract stage, described although it has no instances."""

    @abc.abstractmethod
    def process(self, records: int) -> None: ...


class Shaped(Protocol):
    """A second abstract stage."""

    def process(self, records: int) -> None: ...


def test_abstract_stages_can_be_described() -> None:
    """Abstract stages are left out of discovery only."""
    assert [each.signature for each in inspect_pipeline([AbstractStage, Shaped])] == [
        "(records: int) -> None"
    ] * 2


def test_a_wrapped_stage_is_described_by_the_inner_one() -> None:
    """The name is the wrapper's; a subclass with its own process is described as it is."""

    class Halve(InstrumentedStage):
        """Half of each."""

        def process(self, records: list[int], digits: int = 0) -> list[float]:
            return forbidden(records, digits)  # type: ignore[no-any-return]  # it raises

    around = InstrumentedStage(Shift(2), "shifted")
    twice = InstrumentedStage(InstrumentedStage(Shift(2), "inner"), "outer")
    found = inspect_pipeline([around, twice, Halve("half"), Halve, InstrumentedStage])
    assert [(each.name, each.class_name, each.signature) for each in found] == [
        ("shifted", "Shift", PROCESS),
        ("outer", "Shift", PROCESS),
        ("half", "Halve",
         "(records: list[int], digits: int = 0) -> list[float]"),
        ("Halve", "Halve",
         "(records: list[int], digits: int = 0) -> list[float]"),
        ("InstrumentedStage", "InstrumentedStage", None),
    ]  # fmt: skip
    assert validate_config(around, {"step": "1"}) == ["shifted: step must be a whole number, but it is a str"]


def test_a_measured_function_is_a_stage_whose_records_need_no_config() -> None:
    """The name is that of `measured_stage`; the records are the argument of that name, else the first."""

    @measured_stage("averages")
    def average(sites: dict[str, str], records: list[int], window: int = 3) -> list[int]:
        """Means."""
        return forbidden(sites, records, window)  # type: ignore[no-any-return]  # it raises

    (found,) = inspect_pipeline([average])
    assert (found.name, found.doc) == ("averages", "Means.")
    assert [each.name for each in found.parameters if each.required] == ["sites"]


def test_a_subclass_of_list_is_read_as_a_list() -> None:
    """A mapping is read with any keys; a stage that is a list is a stage."""

    class Stages(list[Any]):
        """A list that has a process."""

        def process(self, records: int) -> None: ...

    class Named(dict[Any, Any]):
        items = forbidden

    assert [each.name for each in inspect_pipeline(Iterated([Shift, scale]))] == ["Shift", "scale"]
    assert [each.name for each in inspect_pipeline(Stages([Shift]))] == ["Stages"]
    assert [each.name for each in inspect_pipeline(Named({7: Shift, "b": Shift}))] == ["7", "b"]


@pytest.mark.parametrize(
    "name", ["typing", "collections", "asyncio", "numpy", "pandas", "polars", "odibi_core.observability"]
)
def test_every_object_of_a_library_is_described(name: str) -> None:
    """Thousands of unsuitable objects each get a row, a table, valid JSON and a valid schema."""
    import importlib

    module = importlib.import_module(name)
    members = [getattr(module, each) for each in dir(module)]  # also those that are fetched when they are asked for
    found = inspect_pipeline(members)
    assert len(found) == len(members)
    assert len(found.as_table().splitlines()) == len(members) + 1
    assert len(json.loads(found.to_json())["stages"]) == len(members)
    jsonschema.Draft202012Validator.check_schema(json.loads(json.dumps(found.json_schema())))
    known = [each for each in found if each.kind in ("function", "class") and each.signature is not None]
    assert len(known) > 5


def test_a_class_without_a_constructor_takes_nothing() -> None:
    """A class without its own `__init__` has the parameters of its `__new__` or its metaclass."""

    class Settings:
        """Nothing to configure."""

    assert describe(Settings).signature == "() -> None"
