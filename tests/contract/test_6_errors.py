"""Section 6 of the contract: error tracking, row by row."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.error_program import program_heard
from tests.sinks.sentry_server import sentry_server

from odibi_core.error_reporting.tracker import close_error_tracking
from odibi_core.observability import (
    ObservabilityConfig,
    add_breadcrumb,
    capture_exception,
    capture_message,
    init_error_tracking,
    set_config,
    set_context,
    set_user_context,
    setup_exception_hook,
    with_error_tracking,
)
from odibi_core.testing import RecordingSink

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(autouse=True)
def heard() -> Iterator[RecordingSink]:
    """A program that just began, and all that it says."""
    with program_heard() as sink:
        yield sink


def test_capture_exception_takes_error_context_and_level_and_gives_an_id(heard: RecordingSink) -> None:
    """`capture_exception(error, context=None, level="error") -> id or None`."""
    assert list(inspect.signature(capture_exception).parameters) == ["error", "context", "level"]
    identity = capture_exception(ValueError("bad"), {"batch": 7}, level="warning")
    assert isinstance(identity, str)
    assert capture_exception(None) is None
    (event,) = heard.of_kind("error")
    assert (event.level, event.error, event.fields["context"]) == ("warning", "bad", {"batch": 7})


def test_capture_message_takes_message_level_and_context(heard: RecordingSink) -> None:
    """`capture_message(message, level="info", context=None)`."""
    assert list(inspect.signature(capture_message).parameters) == ["message", "level", "context"]
    capture_message("hello")
    capture_message("odd", "warning", {"n": 1})
    plain, odd = heard.of_kind("message")
    assert (plain.level, plain.message) == ("info", "hello")
    assert (odd.level, odd.message, odd.fields["context"]) == ("warning", "odd", {"n": 1})


def test_with_error_tracking_reraises_unless_told_otherwise(heard: RecordingSink) -> None:
    """`with_error_tracking(context=None, reraise=True)`: a decorator and a context manager."""

    @with_error_tracking({"step": "load"}, reraise=False)
    def quiet() -> None:
        raise ValueError("quiet")

    @with_error_tracking()
    def loud() -> None:
        raise ValueError("loud")

    quiet()
    with pytest.raises(ValueError, match="loud"):
        loud()
    with pytest.raises(ValueError, match="block"), with_error_tracking(context={"step": "clean"}):
        raise ValueError("block")
    assert [(event.error, event.fields.get("context")) for event in heard.of_kind("error")] == [
        ("quiet", {"step": "load"}), ("loud", None), ("block", {"step": "clean"}),
    ]  # fmt: skip


def test_breadcrumbs_user_and_contexts_reach_an_error_report(heard: RecordingSink) -> None:
    """`add_breadcrumb(message, category="default", level="info", data=None)`, `set_user_context`, `set_context`."""
    assert list(inspect.signature(add_breadcrumb).parameters) == ["message", "category", "level", "data"]
    add_breadcrumb("opened", category="file", level="warning", data={"rows": 7})
    set_user_context("ada", plan="pro")
    set_context("job", {"attempt": 2})
    capture_exception(ValueError("bad"))
    (event,) = heard.of_kind("error")
    (crumb,) = event.fields["breadcrumbs"]
    assert (crumb["message"], crumb["category"], crumb["severity"]) == ("opened", "file", "warning")
    assert (event.user, event.fields["plan"], event.fields["contexts"]) == (
        "ada",
        "pro",
        {"job": {"attempt": 2}},
    )


def test_sentry_when_configured_always_into_the_log(heard: RecordingSink) -> None:
    """`init_error_tracking()` by `SENTRY_ENABLED` and `SENTRY_DSN`; the same id, user and contexts in both."""
    set_user_context("ada")
    set_context("job", {"attempt": 2})
    assert init_error_tracking() is False
    capture_exception(ValueError("before"))
    with sentry_server() as server:
        set_config(
            ObservabilityConfig(sentry_enabled=True, sentry_dsn=server.dsn, sentry_environment="staging")
        )
        assert init_error_tracking() is True
        identity = capture_exception(ValueError("after"))
        close_error_tracking(10)
        (sent,) = server.events
    assert (sent["event_id"], sent["environment"], sent["user"]) == (identity, "staging", {"id": "ada"})
    assert sent["contexts"]["job"] == {"attempt": 2}
    assert [event.error for event in heard.of_kind("error")] == ["before", "after"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_setup_exception_hook_hears_threads_and_asyncio_too(heard: RecordingSink) -> None:
    """Opt-in; what it returns takes it away again."""

    def fails() -> None:
        raise ValueError("uncaught")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        loop.call_soon(fails)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    restore = setup_exception_hook()
    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    asyncio.run(main())
    restore()
    assert [event.fields["handled"] for event in heard.of_kind("error")] == [False, False]


def test_setup_exception_hook_hears_the_program(tmp_path: Path) -> None:
    """The last words of a program that ends by an exception are in its record."""
    script = (
        "from odibi_core.observability import observe, setup_exception_hook\n"
        "from odibi_core.process import state as program\nfrom odibi_core.store.journal import Journal\n"
        "setup_exception_hook()\nprogram.listen(Journal('kept'))\nraise ValueError('the end')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ValueError: the end" in done.stderr
    lines = [
        json.loads(line) for file in (tmp_path / "kept").iterdir() for line in file.read_text().splitlines()
    ]
    assert [(line["event_type"], line["error"]) for line in lines] == [("error", "the end")]
