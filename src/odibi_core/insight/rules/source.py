"""Names and constants in the source of a step: evidence for a rule, never a proof. Nothing is run.

A function is read as compiled, so that `5 * 60` is 300 and no file is needed. Its globals, closure, defaults and
partial arguments count too, and the functions that it calls in its own module.
"""

from __future__ import annotations

import dis
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from textwrap import dedent
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

DEEPEST: Final = 3
"""Functions that call functions."""
LONGEST_NUMBER: Final = 30
NEAR: Final = 4
"""Instructions from a constant to its comparison: `d.day > pd.Timestamp("2024-03-01")` has a call between."""
MOST: Final = 2_000
"""Constants of one source; a table in a global is not a source."""

_NUMBER: Final = re.compile(r"(?<![\w.])-?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_QUOTED: Final = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_COMPARED: Final = re.compile(
    r"([<>]=?)\s*\(?(?:dyn (?:int|float): |(?:DATE|TIMESTAMP|date|timestamp) )?(?:(-?\d+(?:\.\d+)?)|'([^']*)')"
)
_SIDES: Final = {">": "below", "<=": "below", "<": "above", ">=": "above"}
_WORD: Final = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Hints:
    """Names and constants of a source.

    Args:
        names: Names and texts: columns, methods, functions.
        constants: Numbers, texts and booleans.
        numbers: The numbers, in order.
        below: Constants that `>` or `<=` compare with: they go with the values below them.
        above: Constants that `<` or `>=` compare with.
    """

    names: frozenset[str] = frozenset()
    constants: frozenset[Any] = frozenset()
    numbers: tuple[float, ...] = ()
    below: frozenset[Any] = frozenset()
    above: frozenset[Any] = frozenset()

    def columns(self, names: Iterable[str]) -> list[str]:
        """Return the columns that the source names."""
        return [name for name in names if name in self.names]

    def texts(self) -> list[str]:
        """Return the constants that are texts."""
        return sorted(each for each in self.constants if isinstance(each, str))


NO_HINTS: Final = Hints()


def hints_of(source: Any) -> Hints:
    """Return the names and constants of a function, of its text, or of SQL; empty if it cannot be read.

    Args:
        source: A function or another callable; the text of one; SQL; None.
    """
    found = _Found()
    try:
        if isinstance(source, str):
            found.of_text(source)
        elif source is not None:
            found.of_value(source, DEEPEST)
    except Exception:  # user objects: an attribute of a callable may raise
        return NO_HINTS
    return found.hints()


class _Found:
    """The names and constants so far."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._constants: set[Any] = set()
        self._seen: set[int] = set()
        self._sides: dict[str, set[Any]] = {"below": set(), "above": set()}

    def hints(self) -> Hints:
        numbers = {float(each) for each in self._constants if isinstance(each, int | float)}
        texts = (each for each in self._constants if isinstance(each, str) and len(each) < LONGEST_NUMBER)
        numbers |= {float(each) for each in texts if _NUMBER.fullmatch(each)}  # `Decimal("10.50")`
        below, above = (frozenset(self._sides[side]) for side in ("below", "above"))
        return Hints(
            frozenset(self._names), frozenset(self._constants), tuple(sorted(numbers)), below - above, above - below
        )

    def of_text(self, text: str) -> None:
        code = _compiled(text)
        if code is not None:
            self._of_code(code)
            return
        for quoted in _QUOTED.finditer(text):
            self._constant((quoted[1] or quoted[2] or "").replace("''", "'"))
        self._compared_in(text)
        rest = _QUOTED.sub(" ", text)
        self._names.update(_WORD.findall(rest))
        for number in _NUMBER.findall(rest):
            self._constant(float(number) if re.search(r"[.eE]", number) else int(number))

    def of_value(self, value: Any, deeper: int) -> None:
        """Add a constant, the members of a container, or the code of a function."""
        if id(value) in self._seen or len(self._constants) > MOST:
            return
        if isinstance(value, str | int | float | bool):
            self._constant(value)
        elif isinstance(value, list | tuple | set | frozenset | dict):
            self._of_container(value, deeper)
        elif isinstance(value, partial):
            self._of_container([value.func, *value.args, value.keywords], deeper)
        elif isinstance(value, MethodType):
            self.of_value(value.__func__, deeper)
        elif isinstance(value, FunctionType):
            self._of_function(value, deeper)
        elif isinstance(value, CodeType):
            self._of_code(value)
        elif type(value).__module__.partition(".")[0] in ("polars", "datetime", "pandas", "decimal", "numpy"):
            self._of_foreign(value)
        elif callable(value):
            self.of_value(getattr(type(value), "__call__", None), deeper - 1)  # noqa: B004

    def _of_container(self, value: Any, deeper: int) -> None:
        self._seen.add(id(value))
        members = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for member in islice(members, MOST):
            self.of_value(member, deeper)

    def _of_function(self, function: FunctionType, deeper: int) -> None:
        self._seen.add(id(function))
        inner = getattr(function, "__wrapped__", None)
        if inner is not None:
            self.of_value(inner, deeper)
        self._of_code(function.__code__)
        self._of_container([*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()], deeper)
        for cell in function.__closure__ or ():
            self._of_cell(cell, deeper)
        if deeper > 0:
            for name in _globals_of(function.__code__):
                self._of_global(function, name, deeper)

    def _of_cell(self, cell: Any, deeper: int) -> None:
        try:
            self.of_value(cell.cell_contents, deeper - 1)
        except ValueError:  # an empty cell
            return

    def _of_global(self, function: FunctionType, name: str, deeper: int) -> None:
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType) and value.__module__ != function.__module__:
            return
        if not isinstance(value, type):
            self.of_value(value, deeper - 1)

    def _of_code(self, code: CodeType) -> None:
        self._names.update(code.co_names)
        for at, constant in enumerate(code.co_consts):
            if at or not _is_docstring(constant):
                self.of_value(constant, 0)
        loaded: list[tuple[int, Any]] = []
        for at, instruction in enumerate(dis.get_instructions(code)):
            self._date_of(at, loaded)
            if instruction.opname == "LOAD_CONST" and isinstance(instruction.argval, str | int | float):
                loaded.append((at, instruction.argval))
            elif instruction.opname == "COMPARE_OP" and loaded and at - loaded[-1][0] <= NEAR:
                self._compare(str(instruction.argrepr), loaded[-1][1])

    def _date_of(self, at: int, loaded: list[tuple[int, Any]]) -> None:
        """Add the date of three numbers that are loaded one after the other: `date(2024, 3, 1)`."""
        last = loaded[-3:]
        if [place for place, _ in last] != [at - 3, at - 2, at - 1]:
            return
        try:
            self._constants.add(date(*(number for _, number in last)).isoformat())
        except (TypeError, ValueError, OverflowError):
            return

    def _compare(self, sign: str, constant: Any) -> None:
        """Note the side of a constant on the right of a comparison."""
        sign = sign.removeprefix("bool(").removesuffix(")")
        if sign in _SIDES:
            self._sides[_SIDES[sign]].add(constant)

    def _compared_in(self, text: str) -> None:
        for found in _COMPARED.finditer(text):
            self._compare(found[1], found[3] if found[3] is not None else float(found[2]))

    def _of_foreign(self, value: Any) -> None:
        """Read the text of an expression of polars, a moment or a number; never that of a frame or a series."""
        if type(value).__name__ in ("Expr", "datetime", "date", "timedelta", "Timestamp", "Timedelta", "Decimal") or (
            type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0
        ):
            text = str(value)
            self.of_text(text)
            self._constant(text.replace(" 00:00:00", ""))

    def _constant(self, value: Any) -> None:
        self._constants.add(value)
        if isinstance(value, str):
            self._names.add(value)
            if len(value) < 1_000:  # `df.query("distance > 1000")`, `pl.sql_expr("…")`, SQL inside a function
                self._names.update(_WORD.findall(value))
                self._inner_constants(value)

    def _inner_constants(self, text: str) -> None:
        if not re.search(r"[<>=]|\b(?:in|IN|between|BETWEEN|like|LIKE)\b", text):
            return
        self._compared_in(text)
        self._constants.update((quoted[1] or quoted[2] or "") for quoted in _QUOTED.finditer(text))
        self._constants.update(float(number) for number in _NUMBER.findall(_QUOTED.sub(" ", text)))


def _compiled(text: str) -> CodeType | None:
    """Return Python text as code; None for SQL and other text."""
    try:
        with warnings.catch_warnings():  # its author has seen them
            warnings.simplefilter("ignore")
            return compile(dedent(text), "<source>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _globals_of(code: CodeType) -> Iterator[str]:
    """Yield the names that a function and the functions inside it read from the module."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_of(constant)


def _is_docstring(constant: Any) -> bool:
    return isinstance(constant, str) and ("\n" in constant or constant.endswith("."))
