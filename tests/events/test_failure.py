"""An exception as text: bounded, with its first and last frames, and never another exception."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import pytest

from odibi_core.events.failure import describe_failure, is_clean_exit, message_of, traceback_of
from odibi_core.logs.structured_logger import StructuredLogger

LIMIT = 64 * 1024


class ExitCode(IntEnum):
    DONE = 0


class StrRaises(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class StrIsNoText(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


def caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def cyclic() -> None:
    one, two = ValueError("one"), KeyError("two")
    one.__cause__, two.__cause__ = two, one
    raise one


def chained(length: int) -> None:
    error: Exception | None = None
    for number in range(length):
        link = ValueError(f"link {number}")
        link.__cause__, error = error, link
    assert error is not None
    raise error


def deep() -> None:
    def down(depth: int) -> None:
        down(depth + 1)

    down(0)


def nested_groups() -> None:
    error: Exception = ValueError("leaf")
    for number in range(200):
        error = ExceptionGroup(f"group {number}", [error, OSError("x" * 10_000)])
    raise error


def out_of_memory() -> None:
    raise MemoryError


def huge() -> None:
    raise ValueError("x" * 10_000_000, {"k": "v" * 1_000_000})


def wide_group() -> None:
    raise ExceptionGroup("many", [ValueError(f"number {n}") for n in range(10_000)])


def many_frames() -> None:
    source = "\n".join(f"def f{n}(): f{n - 1}()" for n in range(1, 900)) + "\ndef f0(): 1/0\n"
    space: dict[str, Callable[[], None]] = {}
    exec(compile(source, "generated.py", "exec"), space)  # noqa: S102 - a stack of many different frames
    space["f899"]()


def raises_str() -> None:
    raise StrRaises("secret")


def raises_no_text() -> None:
    raise StrIsNoText


def stops() -> None:
    raise SystemExit(3)


FAILURES = [
    cyclic,
    lambda: chained(5000),
    deep,
    nested_groups,
    out_of_memory,
    huge,
    wide_group,
    many_frames,
    raises_str,
    raises_no_text,
    stops,
]
NAMES = [
    "cyclic",
    "chain",
    "recursion",
    "nested groups",
    "memory",
    "huge",
    "wide group",
    "many frames",
    "str raises",
    "str is no text",
    "exit",
]


@pytest.mark.parametrize("failure", FAILURES, ids=NAMES)
def test_any_exception_is_described_within_bounds(failure: Callable[[], object]) -> None:
    """At most 64 kB of text, as plain values that any encoder takes."""
    described = describe_failure(caught(failure))
    assert set(described) - {"members", "members_left_out", "notes"} == {
        "error", "error_type", "traceback", "error_id",
    }  # fmt: skip
    assert all(type(value) is str for name, value in described.items() if not name.startswith("members"))
    assert len(json.dumps(described)) < LIMIT
    assert described["error"]


def test_the_first_and_the_last_frames_are_kept() -> None:
    """Of a deep stack both ends matter: where it began, and where it broke."""
    written = traceback_of(caught(many_frames))
    assert ", in many_frames" in written
    assert ", in f899" in written
    assert ", in f0" in written
    assert "frames left out" in written
    assert written.rstrip().endswith("ZeroDivisionError: division by zero")


def test_the_first_and_the_last_causes_are_kept() -> None:
    """Of a chain of 5,000 the original cause comes first and the exception itself last."""
    written = traceback_of(caught(lambda: chained(5000)))
    assert written.index("link 0\n") < written.index("causes left out") < written.index("link 4999")


def test_a_chain_that_bites_its_tail_ends() -> None:
    """Each of its exceptions once."""
    written = traceback_of(caught(cyclic))
    assert written.count("ValueError: one") == 1
    assert written.count("two") >= 1


def test_a_cause_that_was_suppressed_is_not_told() -> None:
    """`raise … from None` means it."""

    def hide() -> None:
        try:
            raise KeyError("canary")
        except KeyError:
            raise ValueError("told") from None

    assert "canary" not in traceback_of(caught(hide))


def test_the_members_of_a_group_are_told() -> None:
    """The first of them, and how many more."""
    written = traceback_of(caught(wide_group))
    assert "number 0" in written
    assert "9995 more" in written


def test_a_member_of_a_group_is_told_with_where_it_was_raised() -> None:
    """That a task of several failed is known; what is asked is where."""

    def several() -> None:
        raise BaseExceptionGroup("tasks", [caught(many_frames), ValueError("never raised")])

    written = traceback_of(caught(several))
    assert '  |   File "generated.py"' in written
    assert "  | ZeroDivisionError: division by zero\n  | ValueError: never raised\n" in written


def test_the_notes_of_an_exception_are_told() -> None:
    """Below its message, without secrets; a list of notes that is none does no harm."""

    def noted() -> None:
        error = ValueError("bad")
        error.add_note("while reading row 7")
        error.add_note("from postgres://jane:hunter2@db/x")
        raise error

    written = traceback_of(caught(noted))
    assert "ValueError: bad\nwhile reading row 7\n" in written
    assert "hunter2" not in written
    odd = ValueError("bad")
    odd.__notes__ = 5  # type: ignore[assignment]
    assert traceback_of(odd).endswith("ValueError: bad\n")


def test_secrets_in_what_an_exception_says_are_redacted() -> None:
    """In its message and in its traceback."""

    def leak() -> None:
        raise ValueError("cannot connect to postgres://jane:hunter2@db/x")

    assert "hunter2" not in json.dumps(describe_failure(caught(leak)))


def test_an_exception_that_says_nothing_is_called_by_its_type() -> None:
    """An empty error in a log is useless."""
    assert message_of(MemoryError()) == "MemoryError"
    assert message_of("plain text") == "plain text"


def test_local_variables_are_not_told() -> None:
    """A traceback has code and no values: frames of data are never printed by surprise."""

    def holds() -> None:
        canary = "val" + "ue-7"
        raise ValueError(len(canary))

    assert "value-7" not in traceback_of(caught(holds))


def test_logging_where_the_stack_is_full_raises_nothing_of_ours() -> None:
    """At the bottom of a runaway recursion the logger gives up quietly; the program's own error goes on."""
    logger = StructuredLogger("deep", stream=io.StringIO())

    def down() -> None:
        try:
            down()
        except RecursionError:
            raise
        finally:
            if sys.exc_info()[0] is RecursionError:
                logger.exception("too_deep")

    with pytest.raises(RecursionError):
        down()
    assert any(
        entry["error_type"] == "RecursionError"
        for entry in logger.query_logs(limit=None)
        if "error_type" in entry
    )


@pytest.mark.parametrize(
    ("code", "clean"),
    [
        (None, True),
        (0, True),
        (False, True),
        (ExitCode.DONE, True),
        (1, False),
        (True, False),
        (0.0, False),
        ("", False),
    ],
)
def test_a_clean_exit_is_what_the_interpreter_takes_for_one(code: Any, clean: bool) -> None:
    """None, or any int that is zero; whatever else is printed, and the program has failed."""
    assert is_clean_exit(SystemExit(code)) is clean
    assert not is_clean_exit(ValueError(code))


def test_a_group_tells_each_of_its_members() -> None:
    """Those of groups in it too, with their notes, the first ten; its message names the first five."""
    inner = KeyError("b")
    inner.add_note("of row 7")
    group = ExceptionGroup("many", [ValueError("a"), ExceptionGroup("in", [inner]), *(OSError(n) for n in range(20))])
    described = describe_failure(group)
    assert described["error"] == (
        "many (22 sub-exceptions): ValueError: a; KeyError: 'b'; OSError: 0; OSError: 1; OSError: 2"
    )
    members = described["members"]
    assert [(member["error_type"], member["error"]) for member in members[:2]] == [
        ("ValueError", "a"),
        ("KeyError", "'b'"),
    ]
    assert (members[1]["notes"], len(members), described["members_left_out"]) == (["of row 7"], 10, 12)


def test_notes_are_told_and_secrets_in_them_are_not() -> None:
    """As a list beside the message; what is no list of notes is none."""
    error = ValueError("bad")
    error.add_note("row 7")
    error.add_note("password=hunter2hunter2")
    assert describe_failure(error)["notes"][0] == "row 7"
    assert "hunter2" not in str(describe_failure(error))
    error.__notes__ = "no list"  # type: ignore[assignment]
    assert "notes" not in describe_failure(error)
