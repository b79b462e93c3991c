"""Redaction of row changes: constants and keys by the names of their columns, and values that few rows have.

A rule with a hidden constant is left out, and its text has `<one value>` or `[REDACTED]` in that place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec.structs import replace

from odibi_core.errors import STOPS
from odibi_core.insight.base import Cause, RowChange, Rule, Test
from odibi_core.insight.predicates.partners import OF_INPUT, inner_test
from odibi_core.redaction import HIDDEN, Redactor, redact_text

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Frame

Show = Literal["rule", "keys", "none"]

ONE_VALUE: Final = "<one value>"
FEW: Final = 5
"""Rows below which a value is hidden that they have."""
_NO_CONSTANT: Final = re.compile(r"[^'=<>{}]* IS (?:NOT )?(?:NULL|NaN)")
"""A rule without a constant, as a text."""


def redacted(
    change: RowChange, frames: Mapping[str, Any], *, show: Show = "rule", named: Collection[Any] = ()
) -> RowChange:
    """Return a row change as its event may hold it.

    Args:
        change: The change.
        frames: The inputs of its step, in which the rows of a value are counted.
        show: `rule` for rules, `keys` for keys of rows too, `none` for numbers of rows alone.
        named: The constants that the source of the step names: they are shown, however few rows have them, unless they
            are secrets.
    """
    stages = tuple(_stage(stage, show) for stage in change.stages)
    if show == "none":
        causes = tuple(
            Cause(each.side, each.rows, each.of, level=each.level, wrong=each.wrong) for each in change.causes
        )
        return replace(change, causes=causes, stages=stages)
    if not change.causes:
        return replace(change, stages=stages) if stages else change
    hiding = _Hiding(change.main, frames, named)
    return replace(change, causes=tuple(hiding.cause(each, show) for each in change.causes), stages=stages)


def _stage(stage: dict[str, Any], show: Show) -> dict[str, Any]:
    """Return an operator of a plan; its detail is a text of the author, in which secrets are hidden."""
    if show == "none":
        return {name: value for name, value in stage.items() if name != "detail"}
    return {name: redact_text(value) if isinstance(value, str) else value for name, value in stage.items()}


class _Hiding:
    """Hides the values of one step; the columns of its main input are read once."""

    def __init__(self, main: str, frames: Mapping[str, Any], named: Collection[Any]) -> None:
        self._main = main
        self._frames = frames
        self._named = named
        self._known: dict[str, Frame | None] = {}
        self._redactor = Redactor()

    def cause(self, cause: Cause, show: Show) -> Cause:
        """Return a cause without values that must be hidden."""
        same = [rule for rule in cause.same_rules if not self._hides(rule)]
        texts = [self._text(rule) for rule in cause.same_rules]
        if len(cause.same_rules) != len(cause.same_rows_as):
            texts = [redact_text(text) for text in cause.same_rows_as if _NO_CONSTANT.fullmatch(text)]
        hides = cause.rule is not None and self._hides(cause.rule)
        return replace(
            cause,
            text=redact_text(cause.text) if cause.rule is None or not hides else self._text(cause.rule),
            rule=None if hides else cause.rule,
            same_rows_as=tuple(texts),
            same_rules=tuple(same),
            keys=tuple(self._key(key) for key in cause.keys if self._is_frequent(key)) if show == "keys" else (),
        )

    def _hides(self, rule: Rule) -> bool:
        return any(self._test(test) != test for group in rule.any_of for test in group)

    def _text(self, rule: Rule) -> str:
        from odibi_core.insight.predicates.wording import rule_text

        hidden = Rule(tuple(tuple(self._test(test) for test in group) for group in rule.any_of))
        text = rule_text(hidden)
        for mark in (ONE_VALUE, HIDDEN):
            text = text.replace(f"'{mark}'", mark)
        return redact_text(text)

    def _test(self, test: Test) -> Test:
        """Return a test with marks in the place of constants that must be hidden."""
        if test.op.startswith(OF_INPUT):
            inner, other = inner_test(test), {test.other: self._frames.get(test.other)}
            return replace(test, value=_Hiding(test.other, other, self._named)._test(inner).value)
        value = test.value
        if value is None or isinstance(value, bool):
            return test
        if isinstance(value, list | tuple):
            kept = [self._constant(test, each) for each in value]
            return test if kept == list(value) else replace(test, value=kept)
        kept = self._constant(test, value)
        return test if kept == value and type(kept) is type(value) else replace(test, value=kept)

    def _constant(self, test: Test, value: Any) -> Any:
        for column in test.columns:
            if self._redactor.field(column, value) != value:
                return HIDDEN
        if _is_named(value, self._named) or not self._is_rare(test, value):
            return value
        return ONE_VALUE

    def _is_rare(self, test: Test, value: Any) -> bool:
        """Return whether a constant is a value of some rows, but of fewer than five; True if that cannot be known."""
        from odibi_core.insight.predicates.tests import TEXT, passing, split_op

        _, feature, comparison = split_op(test.op)
        if feature or len(test.columns) != 1 or comparison in ("null", "nan", "in_input", "mod"):
            return False
        frame = self._frame(self._main)
        if frame is None or test.columns[0] not in frame.names:
            frame = next((other for name in self._frames if _has(other := self._frame(name), test.columns[0])), None)
        if frame is None:
            return True
        op = comparison if comparison in (*TEXT, "matches") else "eq"
        try:
            return 0 < int(passing(Test(op, test.columns, value), frame).sum()) < FEW
        except STOPS:
            raise
        except Exception:  # of another kind than the column: fail closed
            return True

    def _frame(self, name: str) -> Frame | None:
        from odibi_core.insight.frames.frame import frame_of

        if name not in self._known:
            frame = frame_of(self._frames.get(name))
            self._known[name] = None if frame is None else frame.nameable()
        return self._known[name]

    def _key(self, key: dict[str, Any]) -> dict[str, Any]:
        return {name: self._redactor.field(name, value) for name, value in key.items()}

    def _is_frequent(self, key: dict[str, Any]) -> bool:
        """Return whether at least five rows have a key."""
        from odibi_core.insight.predicates.tests import evaluate

        tests = tuple(Test("null" if value is None else "eq", (name,), value) for name, value in key.items())
        known = [frame for name in (self._main, *self._frames) if (frame := self._frame(name)) is not None]
        for frame in known:
            if set(key) <= set(frame.names):
                try:
                    return int(evaluate(Rule((tests,)), frame, {}).sum()) >= FEW
                except STOPS:
                    raise
                except Exception:
                    return False
        return False


def _has(frame: Frame | None, name: str) -> bool:
    return frame is not None and name in frame.names


def _is_named(value: Any, named: Collection[Any]) -> bool:
    try:
        return value in named
    except TypeError:
        return False
