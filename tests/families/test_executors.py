"""The promises of every executor. A new one is tested by being in the family."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar

import pytest

from odibi_core import plugins
from odibi_core.errors import ConfigurationError
from odibi_core.executors.base import Executor

PATIENCE = 20  # seconds that a correct executor never needs

MakeExecutor = Callable[[int], Executor]


@pytest.fixture(params=plugins.names("executors"))
def make(request: pytest.FixtureRequest) -> MakeExecutor:
    loaded: MakeExecutor = plugins.load("executors", request.param)
    return loaded


class Work:
    """A graph of tasks, and what an executor did with it."""

    def __init__(self, dependencies: Sequence[Sequence[int]]) -> None:
        self.dependants: list[list[int]] = [[] for _ in dependencies]
        for task, needed in enumerate(dependencies):
            for other in needed:
                self.dependants[other].append(task)
        self.waiting_for = [len(needed) for needed in dependencies]
        self.roots = [task for task, needed in enumerate(dependencies) if not needed]
        self.done: list[int] = []
        self.threads: dict[int, threading.Thread] = {}
        self.lock = threading.Lock()

    def __call__(self, task: int) -> list[int]:
        with self.lock:
            self.threads[task] = threading.current_thread()
            self.done.append(task)
            for dependant in self.dependants[task]:
                self.waiting_for[dependant] -= 1
            return [task for task in self.dependants[task] if not self.waiting_for[task]]


def within_patience(run: Callable[[], object]) -> None:
    """A run that hangs is a failed test, not a test that never ends."""
    raised: list[BaseException] = []

    def keep() -> None:
        try:
            run()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the run hangs"
    if raised:
        raise raised[0]


SHAPES: dict[str, list[list[int]]] = {
    "one": [[]],
    "chain": [[], *([i] for i in range(300))],
    "independent": [[] for _ in range(300)],
    "diamond": [[], [0], [0], [1, 2]],
    "wide": [[], *([0] for _ in range(200)), list(range(1, 201))],
    "layers": [[j for j in range(i - i % 10 - 10, i - i % 10) if j >= 0 and (i + j) % 3] for i in range(300)],
}


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_task_once_and_in_order(make: MakeExecutor, shape: str, workers: int) -> None:
    """Every task is carried out exactly once, and never before what it waits for."""
    dependencies = SHAPES[shape]
    work = Work(dependencies)
    within_patience(lambda: make(workers).run(work.roots, work))
    assert sorted(work.done) == list(range(len(dependencies)))
    place = {task: index for index, task in enumerate(work.done)}
    assert all(place[other] < place[task] for task, needed in enumerate(dependencies) for other in needed)


def test_one_worker_keeps_the_order_of_writing(make: MakeExecutor) -> None:
    """With one worker a run is the same each time; what a task made ready goes before what was ready."""
    work = Work([[], [0], [0], [1], []])
    within_patience(lambda: make(1).run(work.roots, work))
    assert work.done == [0, 1, 3, 2, 4]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_chain_stays_where_it_is(make: MakeExecutor, workers: int) -> None:
    """A successor is carried out by the thread that ended its last dependency."""
    work = Work([[], *([i] for i in range(50))])
    within_patience(lambda: make(workers).run(work.roots, work))
    assert len(set(work.threads.values())) == 1


def test_no_tasks(make: MakeExecutor) -> None:
    """A run of nothing ends."""
    within_patience(lambda: make(2).run([], Work([])))


def test_an_executor_may_run_again(make: MakeExecutor) -> None:
    """One run after the other may use the same executor."""
    executor = make(2)
    for _ in range(3):
        work = Work(SHAPES["wide"])
        within_patience(lambda work=work: executor.run(work.roots, work))  # type: ignore[misc]
        assert len(work.done) == len(SHAPES["wide"])


@pytest.mark.parametrize("workers", [1, 3])
def test_an_exception_ends_the_run(make: MakeExecutor, workers: int) -> None:
    """It is raised by `run` itself, with nothing begun after it, and never leaves the run hanging."""
    done = []

    def execute(task: int) -> list[int]:
        done.append(task)
        if task == 5:
            raise LookupError("a bug")
        return [task + 1]

    with pytest.raises(LookupError, match="a bug"):
        within_patience(lambda: make(workers).run([0], execute))
    assert done == [0, 1, 2, 3, 4, 5]


def test_an_exception_while_others_wait(make: MakeExecutor) -> None:
    """Workers that have nothing to do are sent home too."""

    def execute(task: int) -> list[int]:
        if task == 3:
            raise SystemExit(3)
        return [1, 2, 3] if task == 0 else []

    with pytest.raises(SystemExit):
        within_patience(lambda: make(4).run([0], execute))


@pytest.mark.parametrize("workers", [1, 4])
def test_cancel_from_within_a_task(make: MakeExecutor, workers: int) -> None:
    """Running tasks end, tasks that become ready are not begun, and `run` returns."""
    executor = make(workers)
    done = []

    def execute(task: int) -> list[int]:
        done.append(task)
        if task == 3:
            executor.cancel()
        return [task + 1]

    within_patience(lambda: executor.run([0], execute))
    assert done == [0, 1, 2, 3]


@pytest.mark.parametrize("cause", ["cancel", "exception"])
def test_what_is_ready_but_not_begun_stays_so(make: MakeExecutor, cause: str) -> None:
    """After a cancel or a bug, tasks that wait for a worker are not begun."""
    executor = make(1)
    done = []

    def execute(task: int) -> list[int]:
        done.append(task)
        if cause == "exception":
            raise LookupError
        executor.cancel()
        return []

    with pytest.raises(LookupError) if cause == "exception" else contextlib.nullcontext():
        within_patience(lambda: executor.run([0, 1, 2], execute))
    assert done == [0]


def test_cancel_before_the_run(make: MakeExecutor) -> None:
    """It is for good: nothing is begun later."""
    executor = make(2)
    executor.cancel()
    work = Work([[]])
    within_patience(lambda: executor.run(work.roots, work))
    assert work.done == []


@pytest.mark.parametrize("workers", [1, 3])
def test_cancel_waits_for_what_runs(make: MakeExecutor, workers: int) -> None:
    """A cancel from another thread lets the tasks that run come to their end before `run` returns."""
    executor = make(workers)
    begun, go = threading.Event(), threading.Event()
    ended = []

    def execute(task: int) -> list[int]:
        begun.set()
        go.wait(PATIENCE)
        ended.append(task)
        return [task + 10]

    def canceller() -> None:
        begun.wait(PATIENCE)
        executor.cancel()
        go.set()

    other = threading.Thread(target=canceller)
    other.start()
    within_patience(lambda: executor.run([0], execute))
    other.join()
    assert ended == [0]


CONTEXT: ContextVar[str] = ContextVar("CONTEXT", default="lost")


@pytest.mark.parametrize("workers", [1, 3])
def test_context_of_the_caller(make: MakeExecutor, workers: int) -> None:
    """Every task sees the caller's context variables; what it sets stays in it."""
    work = Work(SHAPES["wide"])
    seen = set()

    def execute(task: int) -> list[int]:
        seen.add(CONTEXT.get())
        CONTEXT.set(f"task {task}")
        return work(task)

    def run() -> None:
        CONTEXT.set("the caller's")
        make(workers).run(work.roots, execute)
        assert CONTEXT.get() == "the caller's"

    within_patience(run)
    assert seen == {"the caller's"}


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2", True, None])
def test_a_number_of_workers_that_cannot_be(make: MakeExecutor, workers: int) -> None:
    """Refused when the executor is built, in words."""
    with pytest.raises(ConfigurationError, match="max_workers must be a whole number"):
        make(workers)


def test_a_name_says_which_it_is(make: MakeExecutor) -> None:
    """An executor is called what the family calls it."""
    name = make(1).name
    assert plugins.load("executors", name) is make
