# mypy: disable-error-code="untyped-decorator,prop-decorator,misc,valid-type,arg-type"
"""Every decorator on every kind of callable: it stays what it is, and what happens to it is recorded."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import functools
import gc
import inspect
import multiprocessing
import pickle
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any

import pytest
from tests.every_callable import (
    BUILT_IN,
    CALLABLES,
    DECORATORS,
    PICKLED,
    Constructed,
    Halfway,
    OfClass,
    consumed,
    in_processes,
)

from odibi_core import node, observe
from odibi_core.errors import ConfigurationError
from odibi_core.events.context import current
from odibi_core.observability import (
    CircuitBreaker,
    LogContext,
    performance_monitor,
    track_cli_command,
    with_error_tracking,
    wrap,
)
from odibi_core.testing import RecordingSink

FAILURES = {"node_failed", "operation_failed", "error", "stage_failed", "cli_command"}
"""The events of a failed call."""

EVERY_DECORATOR = pytest.mark.parametrize("decorator", DECORATORS)


def stays(kind: str, decorated: Any, original: Any, heard: RecordingSink) -> None:
    """Its kind, its name, its signature, what it wraps, and what it gives."""
    for is_kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        assert is_kind(decorated) or not is_kind(original)
    assert decorated.__wrapped__ == original
    assert isinstance(decorated.__name__, str)
    assert decorated.__name__ == getattr(original, "__name__", decorated.__name__)
    assert inspect.signature(decorated) == inspect.signature(original)
    assert consumed(decorated()) == consumed(original()) == [0, 1, 2]


def fails(kind: str, decorated: Any, original: Any, heard: RecordingSink) -> None:
    """The very exception goes on, of a generator also half-way, and is recorded once; no success is."""
    before = len(heard.events)
    with pytest.raises(Halfway, match="half-way"):
        consumed(decorated(fail=True))
    said = heard.events[before:]
    told = [event.error for event in said if event.event_type in FAILURES and event.status != "running"]
    assert told == (["half-way"] if said else [])
    assert not {"node_complete", "operation_complete", "stage_completed"} & {event.event_type for event in said}


def leaves_the_context(kind: str, decorated: Any, original: Any, heard: RecordingSink) -> None:
    """The caller's: while a generator waits for its consumer, and after."""
    inside = current()
    called = decorated()
    if inspect.isgenerator(called):
        for _ in called:
            assert current() == inside
    else:
        consumed(called)
    assert current() == inside


@pytest.mark.parametrize("rule", [stays, fails, leaves_the_context], ids=lambda rule: rule.__name__)
@EVERY_DECORATOR
def test_the_table_of_decorators_and_callables(heard: RecordingSink, decorator: str, rule: Any) -> None:
    """Each decorator on each kind of callable: it stays what it was, its failure is recorded, contexts are kept."""
    table: dict[str, str] = {}
    with observe("x", store=False):
        for kind, original in CALLABLES.items():
            try:
                rule(kind, DECORATORS[decorator]()(original), original, heard)
            except (Exception, pytest.fail.Exception) as problem:
                table[kind] = f"{type(problem).__name__}: {problem}"
    for kind in CALLABLES:
        print(f"{decorator:28} {kind:36} {rule.__name__:20} {table.get(kind, 'holds')}")
    assert table == {}


@EVERY_DECORATOR
def test_a_failure_is_told_by_whoever_can(heard: RecordingSink, decorator: str) -> None:
    """A context and `wrap` publish nothing; a circuit counts; the others publish one event."""
    with observe("x", store=False), pytest.raises(Halfway):
        consumed(DECORATORS[decorator]()(CALLABLES["generator"])(fail=True))
    silent = decorator.partition("(")[0] in ("@LogContext", "@CircuitBreaker", "wrap")
    assert len([event for event in heard.events if event.error == "half-way"]) == (not silent)


@EVERY_DECORATOR
def test_what_is_built_in_can_be_decorated(heard: RecordingSink, decorator: str) -> None:
    """Functions without a signature, classes and objects of C; a wrong argument is their own error."""
    with observe("x", store=False):
        for original, arguments in BUILT_IN.values():
            decorated = DECORATORS[decorator]()(original)
            assert consumed(decorated(*arguments)) == consumed(original(*arguments))
            with pytest.raises(TypeError) as expected:
                original(*arguments, nonsense=1)
            with pytest.raises(TypeError) as found:
                consumed(decorated(*arguments, nonsense=1))
            assert str(found.value) == str(expected.value)


@EVERY_DECORATOR
def test_methods_of_every_kind_can_be_decorated(decorator: str) -> None:
    """Above and below `classmethod`, `staticmethod`, `property`, `cached_property`, and a partial method."""
    decorate = DECORATORS[decorator]()

    class Table:
        @decorate
        def plain(self, records: list[int]) -> list[int]:
            return [*records, 1]

        @decorate
        @classmethod
        def above(cls, records: list[int]) -> list[int]:
            return [*records, 2]

        @classmethod
        @decorate
        def below(cls, records: list[int]) -> list[int]:
            return [*records, 3]

        @decorate
        @staticmethod
        def static(records: list[int]) -> list[int]:
            return [*records, 4]

        @decorate
        @property
        def rows(self) -> int:
            return 5

        @property
        @decorate
        def columns(self) -> int:
            return 6

        @decorate
        @functools.cached_property
        def cached(self) -> int:
            return 7

        empty = decorate(functools.partialmethod(plain, []))

    table: Any = Table()
    with observe("x", store=False):
        assert [*table.plain([0]), *table.above([]), *Table.below([]), *table.static([])] == [0, 1, 2, 3, 4]
        assert (table.rows, table.columns, table.cached, table.cached, table.empty()) == (5, 6, 7, 7, [1])


@EVERY_DECORATOR
def test_a_decorated_class_is_still_one(decorator: str) -> None:
    """Its instances are its own, it can be inherited from, and what it has is read and set through it."""
    kind = DECORATORS[decorator]()(Constructed)
    made = kind(2)
    assert isinstance(made, Constructed)
    assert isinstance(made, kind)
    assert issubclass(Constructed, kind)
    assert kind.__doc__ == "A class that is called."
    kind.found = 1
    assert Constructed.found == 1  # type: ignore[attr-defined]

    class Inherited(kind):
        pass

    assert Inherited.__mro__[1] is Constructed


@EVERY_DECORATOR
@pytest.mark.parametrize("given", [3, object(), [], functools.singledispatchmethod(len)])
def test_what_cannot_be_decorated_is_refused(decorator: str, given: Any) -> None:
    """In one sentence, where it is decorated, and not when it is called."""
    if decorator.endswith(")") or decorator in ("@node", "wrap"):
        with pytest.raises(ConfigurationError, match="decorates a function, a method, a property or a class"):
            DECORATORS[decorator]()(given)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_decorated_functions_are_pickled_by_their_names(method: str) -> None:
    """In this process, and into workers by every start method; a class, and what it made, as well."""
    for decorated in [*PICKLED, OfClass]:
        assert pickle.loads(pickle.dumps(decorated)) is decorated  # noqa: S301 (our own)
    assert in_processes(method) == [2] * len(PICKLED)


def test_a_generator_that_is_left_early_is_complete_in_part(heard: RecordingSink) -> None:
    """It did what it was asked to; so does one that is forgotten."""

    @node
    def count() -> Iterator[int]:
        yield from range(10)

    with observe("x", store=False) as observer:
        counting = count()
        assert (next(counting), next(counting)) == (0, 1)
        counting.close()  # type: ignore[attr-defined]
        forgotten = count()
        next(forgotten)
        del forgotten
        gc.collect()
    ends = heard.of_kind("node_complete")
    assert [(event.row_count, event.fields["partial"]) for event in ends] == [(2, True), (1, True)]
    assert observer.tracker.export_lineage()["status"] == "success"


def test_a_generator_that_nobody_consumes_is_no_node(heard: RecordingSink) -> None:
    """Nothing of it ran."""

    @node
    def count() -> Iterator[int]:
        yield 1

    with observe("x", store=False):
        count()
    assert heard.of_kind("node_start") == []


def test_what_a_generator_says_belongs_to_its_node_and_its_consumer_to_none(heard: RecordingSink) -> None:
    """Also an event after the consumer has published one."""

    @node
    def numbers() -> Generator[int, str, str]:
        bus_say("inside")
        got = yield 1
        bus_say(got)
        return "done"

    def bus_say(kind: str) -> None:
        observer.bus.publish(kind)

    with observe("x", store=False) as observer:
        running = numbers()
        next(running)
        bus_say("outside")
        with pytest.raises(StopIteration) as end:
            running.send("inside too")
    assert end.value.value == "done"
    said = {event.event_type: event.node_name for event in heard.events if event.level == "info"}
    assert (said["inside"], said["outside"], said["inside too"]) == ("numbers", None, "numbers")


def test_wrap_carries_all_variables_into_both_kinds_of_generator() -> None:
    """Independent of the consumer's variables; a value that the generator sets stays in it."""
    variable = contextvars.ContextVar("variable", default="unset")

    def plain() -> Iterator[str]:
        yield variable.get()
        variable.set("inside")
        yield variable.get()

    async def asynchronous() -> AsyncGenerator[str, str]:
        await asyncio.sleep(0)
        got = yield variable.get()
        variable.set("inside")
        await asyncio.sleep(0)
        yield variable.get() + got

    class Service:
        async def __call__(self) -> AsyncGenerator[str, str]:
            async for value in asynchronous():
                yield value

    async def consume(function: Any) -> list[str]:
        values = []
        source = function()
        values.append(await source.asend(None))
        variable.set("of the consumer")
        values.append(await source.asend("!"))
        await source.aclose()
        return [*values, variable.get()]

    def wrapped(function: Any) -> Any:
        variable.set("carried")
        return wrap(function)

    for function in (asynchronous, functools.partial(asynchronous), lambda: asynchronous()):
        carried = contextvars.copy_context().run(wrapped, function)
        assert asyncio.run(consume(carried)) == ["carried", "inside!", "of the consumer"]
    carried = contextvars.copy_context().run(wrapped, plain)
    assert list(carried()) == ["carried", "inside"]
    assert variable.get() == "unset"
    carried = contextvars.copy_context().run(wrapped, Service())
    assert inspect.isasyncgenfunction(carried)


def test_wrap_passes_cancellation_on() -> None:
    """A consumer that is cancelled cancels what the generator awaits."""
    ended = []

    @wrap
    async def waits() -> AsyncGenerator[int, None]:
        yield 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def main() -> None:
        async def consume() -> None:
            async for _ in waits():
                started.set()

        started = asyncio.Event()
        task = asyncio.create_task(consume())
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert ended == ["cancelled"]


def test_without_parentheses_a_decorator_has_the_functions_name(heard: RecordingSink) -> None:
    """The operation, the command, the circuit; the context has an id that all inside share."""

    @CircuitBreaker
    @track_cli_command
    @LogContext
    @performance_monitor
    def load() -> str | None:
        return current().correlation_id

    assert load() is not None  # type: ignore[call-arg]
    (measured,) = heard.of_kind("operation_complete")
    assert str(measured.operation).endswith("load")
    assert {str(event.fields["command"]).rpartition(".")[2] for event in heard.of_kind("cli_command")} == {"load"}


def test_a_class_that_decorates_keeps_its_signature() -> None:
    """Its help shows its parameters; a copy of one is one."""
    assert list(inspect.signature(LogContext).parameters) == ["operation", "user", "correlation_id", "fields"]
    assert list(inspect.signature(CircuitBreaker).parameters)[:2] == ["name", "fail_max"]
    assert copy.copy(LogContext("import")).fields == {"operation": "import"}


def test_a_failure_that_is_not_to_go_on_ends_the_generator() -> None:
    """`reraise=False`: what was yielded before stays, and the consumer goes on."""
    quiet = with_error_tracking(reraise=False)
    for kind in ("generator", "async generator", "function returning a generator"):
        assert consumed(quiet(CALLABLES[kind])(fail=True)) == [0, 1]
    assert consumed(quiet(CALLABLES["coroutine"])(fail=True)) is None
