"""Rules as a person reads them: `dep_delay IS NULL`, `origin in {JFK, LGA}`, `month(day) = 8 and origin = JFK`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from odibi_core.insight.base import Rule, Test
from odibi_core.insight.predicates.constants import SECONDS
from odibi_core.insight.predicates.copies import STAYS, copy_text
from odibi_core.insight.predicates.features import BEFORE, GROUPED, OF_GROUP, ROWS, WEIGHTED, weights_of
from odibi_core.insight.predicates.partners import OF_INPUT, inner_test
from odibi_core.insight.predicates.tests import VALUED, split_op

SHOWN: Final = 12
"""Values of a list that are shown; the rest is counted."""

_SIGNS: Final = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "!="}
_OPPOSITE: Final = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
_FLIPPED: Final = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_ARITHMETIC: Final = {"sum": "+", "difference": "-", "product": "*", "ratio": "/"}
_TEXTS: Final = {
    "starts": ("starts with", ""),
    "ends": ("ends with", ""),
    "contains": ("contains", ""),
    "matches": ("matches", ""),
    "contains_any_case": ("contains", " in any case"),
    "eq_any_case": ("=", " in any case"),
}
_NEGATED: Final = {
    "starts with": "does not start with",
    "ends with": "does not end with",
    "contains": "does not contain",
    "matches": "does not match",
    "=": "!=",
}
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FEW: Final = 4
_BARE: Final = re.compile(r"[A-Za-z_][\w.-]*|\d[\w.:+-]*[-:][\w.:+-]*|[\d.]+ (?:days|h|min|s)")
_PLAIN_NAME: Final = re.compile(r"\w[\w.]*")


def rule_text(rule: Rule) -> str:
    """Return a rule as text; tests that all groups share come once, after the others in brackets."""
    groups = [list(group) for group in rule.any_of]
    if not groups:
        return "no row"
    shared = [test for test in groups[0] if all(test in group for group in groups[1:])]
    if len(groups) == len(groups[0]) == 1:
        return test_text(groups[0][0])
    if len(groups) == 1:
        return " and ".join(_grouped(test) for test in groups[0]) or "every row"
    rest = [[test for test in group if test not in shared] for group in groups]
    if shared and all(rest):
        return f"({_any(rest)}) and " + " and ".join(_grouped(test) for test in shared)
    return _any(groups)


def _any(groups: list[list[Test]]) -> str:
    if all(len(group) == 1 for group in groups):
        return " or ".join(test_text(group[0]) for group in groups)
    texts = [" and ".join(_grouped(test) for test in group) for group in groups]
    return " or ".join(f"({text})" if len(group) > 1 else text for text, group in zip(texts, groups, strict=True))


def _grouped(test: Test) -> str:
    """Put a test that itself reads "or" in brackets."""
    text = test_text(test)
    return f"({text})" if " or " in text else text


def test_text(test: Test) -> str:
    """Return one test as text."""
    if test.op.startswith(OF_INPUT):
        return f"{test_text(inner_test(test))} (of {test.other})"
    negation, feature, comparison = split_op(test.op)
    negated = bool(negation)
    text = _text(test, feature, comparison, negated=negated)
    return text.removesuffix(" or NULL") if negation == VALUED else text


def _text(test: Test, feature: str, comparison: str, *, negated: bool) -> str:
    if comparison in ("null", "nan"):
        return _null_text(test, comparison, negated=negated)
    if comparison in STAYS:
        return f"{'no ' if negated else ''}{copy_text(Test(comparison, test.columns), _name)}"
    if comparison in ("in_input", "many_in_input"):
        return _key_text(test, "more than once in" if comparison == "many_in_input" else "in", negated=negated)
    if feature in ROWS:
        return _row_text(test, comparison, negated=negated)
    if feature in GROUPED:
        return _group_text(test, comparison, negated=negated)
    if feature == "difference" and comparison in _FLIPPED and str(test.value).startswith("-"):
        flipped = Test(f"{feature}.{_FLIPPED[comparison]}", test.columns[::-1], _opposite(test.value))
        return _text(flipped, feature, _FLIPPED[comparison], negated=negated)
    if feature in BEFORE:
        return _before_text(test, feature, comparison, negated=negated)
    subject = _subject(feature, test.columns)
    if comparison in _TEXTS:
        verb, how = _TEXTS[comparison]
        text = f"{subject} {_NEGATED[verb] if negated else verb} {_quoted(test.value)}{how}"
        return text + (" or NULL" if negated else "")
    return _compared_text(subject, comparison, _right_side(test, feature, comparison), negated=negated)


def _null_text(test: Test, comparison: str, *, negated: bool) -> str:
    kind = "NULL" if comparison == "null" else "NaN"
    if len(test.columns) == 1:
        return f"{_name(test.columns[0])} IS {'NOT ' if negated else ''}{kind}"
    names = ", ".join(_name(name) for name in test.columns)
    return f"none of {names} IS {kind}" if negated else f"any of {names} IS {kind}"


def _key_text(test: Test, verb: str, *, negated: bool) -> str:
    mine = ", ".join(_name(name) for name in test.columns)
    subject = f"({mine})" if len(test.columns) > 1 else mine
    place = test.other
    if test.keys and test.keys != test.columns:
        place += f".{_name(test.keys[0])}" if len(test.keys) == 1 else f".({', '.join(map(_name, test.keys))})"
    return f"{subject} {'not ' if negated else ''}{verb} {place}"


def _subject(feature: str, columns: tuple[str, ...]) -> str:
    if feature in _ARITHMETIC:
        return f" {_ARITHMETIC[feature]} ".join(map(_name, columns))
    if feature.startswith(WEIGHTED):
        one, two = weights_of(feature)
        return f"{_times(one, columns[0])} {'+' if two > 0 else '-'} {_times(abs(two), columns[1])}"
    if feature == "null_count":
        which = ", ".join(map(_name, columns)) if len(columns) <= _FEW else f"{len(columns)} columns"
        return f"nulls among {which}"
    if feature:
        return f"{feature}({', '.join(_name(name) for name in columns)})"
    return _name(columns[0])


def _times(weight: float, name: str) -> str:
    return _name(name) if weight == 1 else f"{weight:.12g} * {_name(name)}"


def _before_text(test: Test, feature: str, comparison: str, *, negated: bool) -> str:
    """Return a comparison with the row before, such as `price > that of the row before`."""
    name, *group = (_name(each) for each in test.columns)
    before = "the row before" + (f" per ({', '.join(group)})" if group else "")
    tail = " or NULL" if negated else ""
    if feature == "same_as_before" and comparison in ("eq", "ne"):
        is_same = (bool(test.value) == (comparison == "eq")) is not negated
        return f"{name} {'=' if is_same else '!='} that of {before}{tail}"
    if comparison in _SIGNS and str(test.value).partition(" ")[0] in ("0", "0.0", "-0.0"):
        sign = _SIGNS[_OPPOSITE[comparison] if negated else comparison]
        return f"{name} {sign} that of {before}{tail}"
    right = _right_side(Test(test.op, test.columns[:1], test.value), "", comparison)
    return _compared_text(f"{name} - that of {before}", comparison, right, negated=negated)


def _right_side(test: Test, feature: str, comparison: str) -> Any:
    if not feature and len(test.columns) == 2:
        return _name(test.columns[1])
    show = _SHOWN_AS.get(feature, _constant)
    if comparison in ("in", "between", "outside", "mod"):
        return [show(value) if comparison != "mod" else _constant(value) for value in test.value]
    return show(test.value)


def _compared_text(subject: str, comparison: str, right: Any, *, negated: bool) -> str:
    if comparison == "in":
        shown = [*right[:SHOWN], f"… {len(right) - SHOWN} more"] if len(right) > SHOWN else right
        return f"{subject} {'not ' if negated else ''}in {{{', '.join(shown)}}}" + (" or NULL" if negated else "")
    if comparison in ("between", "outside"):
        inside = (comparison == "between") is not negated
        text = f"{right[0]} <= {subject} <= {right[1]}" if inside else f"{subject} < {right[0]} or > {right[1]}"
        return text + (" or NULL" if negated else "")
    if comparison == "mod":
        return f"{subject} % {right[0]} {'!=' if negated else '='} {right[1]}" + (" or NULL" if negated else "")
    if negated:
        return f"{subject} {_SIGNS[_OPPOSITE[comparison]]} {right} or NULL"
    return f"{subject} {_SIGNS[comparison]} {right}"


def _row_text(test: Test, comparison: str, *, negated: bool) -> str:
    if comparison == "mod":
        divisor, rest = test.value
        every = f"every {divisor}th row" + (f" from row {rest + 1}" if rest else "")
        return f"not {every}" if negated else every
    if comparison not in _SIGNS:
        return _compared_text("row", comparison, [_constant(value + 1) for value in test.value], negated=negated)
    comparison = _OPPOSITE[comparison] if negated else comparison
    side = "last" if split_op(test.op)[1] == "row_end" else "first"
    if comparison in ("eq", "ne"):
        return f"{'not ' if comparison == 'ne' else ''}row {test.value + 1} from the {side}"
    count = test.value + (comparison in ("le", "gt"))
    rows = f"the {side} {count:,} rows" if count != 1 else f"the {side} row"
    return f"among {rows}" if comparison in ("lt", "le") else f"not among {rows}"


def _group_text(test: Test, comparison: str, *, negated: bool) -> str:
    feature = split_op(test.op)[1]
    group = ", ".join(
        _name(name) for name in test.columns[0 if feature.startswith(("group_row", "group_size")) else 1 :]
    )
    if feature in OF_GROUP:
        measure = {"mean": "mean", "least": "lowest", "most": "highest", "sum": "sum of"}[feature.partition("_")[0]]
        subject = f"{measure} {_name(test.columns[0])} per ({group})"
        return _compared_text(subject, comparison, _right_side(test, feature, comparison), negated=negated)
    opposite = _OPPOSITE.get(comparison, comparison) if negated else comparison
    tail = " or NULL" if negated else ""
    if feature == "group_mean":
        return f"{_name(test.columns[0])} {_SIGNS[opposite]} its mean per ({group}){tail}"
    if comparison not in _SIGNS:
        places = [_constant(value) for value in test.value]
        return _compared_text(f"{feature}({', '.join(map(_name, test.columns))})", comparison, places, negated=negated)
    if feature == "group_size":
        return _compared_text(f"rows per ({group})", comparison, _constant(test.value), negated=negated)
    if feature in ("group_rank", "group_rank_asc"):
        count = test.value - (opposite in ("lt", "ge"))
        most = "highest" if feature == "group_rank" else "lowest"
        inside = "among" if opposite in ("lt", "le", "eq") else "not among"
        return f"{inside} the {count} {most} {_name(test.columns[0])} per ({group}){tail}"
    side = "last" if feature == "group_row_end" else "first"
    count = test.value + (opposite in ("le", "gt", "eq", "ne"))
    inside = "among" if opposite in ("lt", "le", "eq") else "not among"
    return f"{inside} the {side} {'row' if count == 1 else f'{count} rows'} per ({group}){tail}"


def _opposite(value: Any) -> Any:
    return value[1:] if isinstance(value, str) else -value


def _name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _constant(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)
    return value if isinstance(value, str) and _BARE.fullmatch(value) else _quoted(value)


def _weekday(value: Any) -> str:
    return _WEEKDAYS[int(value)]


def _clock(value: Any) -> str:
    """Return the time since midnight as a clock shows it."""
    amount, _, unit = str(value).partition(" ")
    seconds = float(amount) * SECONDS.get(unit, 1.0)
    hours, rest = divmod(int(seconds), 3_600)
    return f"{hours:02d}:{rest // 60:02d}" + (f":{seconds % 60:04.3g}" if seconds % 60 else "")


_SHOWN_AS: Final[dict[str, Callable[[Any], str]]] = {"weekday": _weekday, "time": _clock}


def _quoted(value: Any) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
