"""A traceback as it stands in an event is read again: which exceptions, raised where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events.failure import describe_failure
from odibi_core.events.trace import LED_TO, TRACEBACK, Frame, read_trace


def fails(number: int) -> None:
    try:
        int("twelve")
    except ValueError as error:
        raise RuntimeError(f"row {number} is bad\nand so: are others") from error


def written() -> str:
    try:
        fails(7)
    except RuntimeError as error:
        return str(describe_failure(error)["traceback"])
    raise AssertionError


def test_what_is_written_is_read_again() -> None:
    """Each exception of a chain with its type, its message and its frames, the original cause first."""
    cause, last = read_trace(written())
    assert (cause.error_type, cause.message) == (
        "ValueError",
        "invalid literal for int() with base 10: 'twelve'",
    )
    assert [frame.function for frame in cause.frames] == ["fails"]
    assert cause.frames[0].code == 'int("twelve")'
    assert (last.error_type, last.message) == ("RuntimeError", "row 7 is bad\nand so: are others")
    assert [frame.function for frame in last.frames] == ["written", "fails"]
    assert all(frame.file == "test_trace.py" and frame.line > 0 and frame.in_app for frame in last.frames)


@pytest.mark.parametrize(
    ("path", "in_app", "short"),
    [
        ("/home/ada/shop/etl/load.py", True, "etl/load.py"),
        ("load.py", True, "load.py"),
        ("C:\\work\\etl\\load.py", True, "etl/load.py"),
        ("/opt/venv/lib/python3.12/site-packages/pandas/core/frame.py", False, "pandas/core/frame.py"),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", False, "yaml/__init__.py"),
        ("/usr/lib/python3.13/json/decoder.py", False, "json/decoder.py"),
        ("<frozen importlib._bootstrap>", False, "<frozen importlib._bootstrap>"),
        ("/src/odibi_core/runtime/step_runner.py", False, "runtime/step_runner.py"),
        ("/src/odibi_core/_examples/flights/steps.py", True, "flights/steps.py"),
    ],
)
def test_a_frame_knows_whose_it_is(path: str, in_app: bool, short: str) -> None:
    """The program's own, or a library's, Python's, the recorder's; paths are kept without the machine."""
    frame = Frame(path, 1, "f")
    assert (frame.in_app, frame.short_path) == (in_app, short)


def test_frames_that_were_left_out_or_repeated_are_passed_over() -> None:
    """Text between the frames is no frame, and no code of one."""
    lines = (
        '  File "/a/b.py", line 3, in first\n  File "/a/b.py", line 4, in second\n    second()\n'
        "  … 40 frames left out …\n  [Previous line repeated 9 more times]\n"
    )
    (raised,) = read_trace(f"{TRACEBACK}{lines}OSError: gone\n")
    assert [(frame.function, frame.code) for frame in raised.frames] == [
        ("first", ""),
        ("second", "second()"),
    ]
    assert (raised.error_type, raised.message) == ("OSError", "gone")


PIECES = [TRACEBACK, LED_TO, '  File "x", line 1, in f\n', "    x\n", "E: m\n", "…"]


def test_a_frame_of_which_the_source_is_not_there_has_no_code() -> None:
    """The exception's message is not taken for it."""
    (raised,) = read_trace(f'{TRACEBACK}  File "<string>", line 1, in <module>\nOSError: gone\n')
    assert ([frame.code for frame in raised.frames], raised.error_type) == ([""], "OSError")


@given(st.none() | st.integers() | st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_anything_may_be_read(anything: Any) -> None:
    """Any line gives frames or none, and never raises."""
    read_trace(anything)
