"""The fifty questions of `docs/questions.md` over 100,000 runs and 10,000,000 events, and the commands on such a store.

`python -m benchmarks.questions` prints the time of each question.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.child import HOME, answer_of
from benchmarks.harness import Contender, Prepare, Runner, Target, Work
from benchmarks.many_runs import command
from benchmarks.scale_data import END, RUNS, store_of

QUICK: Final = 300
SLOWEST: Final = 5
_QUESTION: Final = re.compile(r"^### (\d+)\. [^\n]+\?\n\n```sql\n(.+?)```", re.MULTILINE | re.DOTALL)


def questions() -> dict[int, str]:
    """Return the questions by number, asked at the time of the last run."""
    page = (HOME / "docs" / "questions.md").read_text(encoding="utf-8")
    now = f"timestamp '{END:%Y-%m-%d %H:%M:%S}'"
    return {int(number): query.replace("now()::timestamp", now) for number, query in _QUESTION.findall(page)}


def ask_all(_: int, root: str) -> dict[str, Any]:
    """Return the seconds of each question in this process, the rows of its answer, and the peak of resident bytes.

    Each is asked of a new `History`, which lists the files again, as the first question of a program is.
    """
    from odibi_core.history.history import History

    History(Path(root)).sql("select 1")  # the import of DuckDB is not a part of a question
    seconds, rows = {}, {}
    for number, query in questions().items():
        started = time.perf_counter()
        answer = History(Path(root)).sql(query)
        seconds[number], rows[number] = time.perf_counter() - started, len(answer.rows)
    return {"seconds": seconds, "rows": rows, "peak": _peak()}


def _peak() -> float:
    # Not `getrusage`, whose peak a new process inherits from the one that started it.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024.0


def _asked(root: Path) -> dict[str, Any]:
    """Ask the fifty questions; of the small store of the quick mode, once for all contenders."""
    return _first_answer(root) if root == store_of(QUICK) else _new_answer(root)


def _new_answer(root: Path) -> dict[str, Any]:
    answer: dict[str, Any] = answer_of(ask_all, 0, root)
    return answer


_first_answer = cache(_new_answer)


def _seconds(root: Path) -> list[float]:
    return sorted(_asked(root)["seconds"].values())


@cache
def _slowest(root: Path) -> list[str]:
    seconds = _asked(root)["seconds"]
    return sorted(seconds, key=lambda number: float(seconds[number]))[-SLOWEST:]


def _share(runs: int, share: float) -> Prepare:
    """Return a contender whose figure is a quantile of the fifty durations."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        root = store_of(runs)

        def run(n: int) -> float:
            return sum(quantile(_seconds(root), share) for _ in range(n))

        yield run

    return prepare


def quantile(ordered: list[float], share: float) -> float:
    """Return the smallest value that is not below this share of the values."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _memory(runs: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        root = store_of(runs)
        yield lambda n: sum(float(_asked(root)["peak"]) for _ in range(n))

    return prepare


def _commands(runs: int, place: int) -> Prepare:
    """Return a contender for one of the slowest questions as a whole command."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        root = store_of(runs)
        query = questions()[int(_slowest(root)[-1 - place])]
        yield lambda n: sum(command("sql", query, "--format", "json", "--store", str(root)) for _ in range(n))

    return prepare


def _command(runs: int, *arguments: str) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        root = store_of(runs)
        if runs > QUICK:
            command(*arguments, "--store", str(root))
        yield lambda n: sum(command(*arguments, "--store", str(root)) for _ in range(n))

    return prepare


def works(quick: bool) -> list[Work]:
    """Return the works; the store is made first, in some minutes, and kept."""
    runs, rounds, slowest = (QUICK, 1, 1) if quick else (RUNS, 3, SLOWEST)
    of_commands = (
        ("odibi runs: the first page", ("runs",)),
        ("odibi history PIPELINE", ("history", "nightly")),
        ("odibi errors", ("errors",)),
        ("odibi compare: the latest run with the last good one", ("compare", "nightly")),
    )
    return [
        Work(
            f"the fifty questions over {runs:,} runs, in the process",
            "s",
            [
                Contender("odibi-core, the 95 % quantile", _share(runs, 0.95), "ours", "the files listed each time"),
                Contender("odibi-core, the median", _share(runs, 0.5), "floor"),
                Contender("odibi-core, the slowest", _share(runs, 1.0), "floor"),
            ][: 1 if quick else 3],
            [Target(0.5)],
            loops=1,
            rounds=rounds,
            note="about 100 events each; 50 runs are not compacted",
        ),
        Work(
            "the fifty questions: peak memory of the process",
            "MB",
            [Contender("odibi-core", _memory(runs), "ours", "one process asks all of them")],
            [Target(1000.0)],
            loops=1,
            rounds=1,
        ),
        Work(
            "odibi sql: the slowest questions, the whole command",
            "s",
            [
                Contender("odibi-core, the slowest", _commands(runs, 0), "ours"),
                *(Contender(f"odibi-core, number {place + 1}", _commands(runs, place)) for place in range(1, slowest)),
            ],
            loops=1,
            rounds=rounds,
        ),
        *(
            Work(
                f"{name}, {runs:,} runs",
                "s",
                [Contender("odibi-core", _command(runs, *arguments), "ours")],
                loops=1,
                rounds=rounds,
            )
            for name, arguments in of_commands
        ),
    ]


if __name__ == "__main__":
    found = ask_all(0, sys.argv[1] if len(sys.argv) > 1 else str(store_of(RUNS)))
    print(json.dumps(found, indent=1))
