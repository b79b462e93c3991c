"""Causes of staged regressions: how often `odibi compare` names the one change that was made.

`python -m benchmarks.causes [--cases N]`. Each case is a pipeline of eight steps with eight daily runs whose files and
feeds vary as daily data does. In the ninth run one thing changes: the code of a step, a parameter, the version of a
package, an input file, or the data of a feed. In half of the cases other things change too that have no effect: the
code of a step that is cosmetic, a parameter of another step, the version of another package. Then the ninth run is
compared with the last good one, and the named cause with the staged one.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from benchmarks import staged_causes, staged_sensors, staged_trips
from benchmarks.staged_causes import FEED, STAGED, Change, World
from benchmarks.staged_sensors import HELD_OUT, SensorWorld
from benchmarks.staged_trips import TRIPS, TripWorld

KINDS = ("code", "parameter", "version", "file", "data")
DAYS = 8


@dataclass(frozen=True)
class Verdict:
    """The staged and the named cause of a case."""

    number: int
    kind: str
    subject: str
    named: str | None
    named_subject: str | None
    difference: str | None

    @property
    def is_right(self) -> bool:
        """Return whether the kind is right, and the subject too; a file is named by its dataset."""
        return self.named == self.kind and (self.named_subject == self.subject or self.kind == "file")


@dataclass(frozen=True)
class Case:
    """A staged regression: the world of its pipeline, and the one change of the ninth run."""

    number: int
    kind: str
    subject: str
    change: Change
    world: type[World]
    distractions: tuple[Change, ...]


def cases(count: int = 100) -> list[Case]:
    """Return so many of the cases on which the rules were tuned, of all kinds in turn."""
    return _listed(STAGED, World, staged_causes.DISTRACTIONS)[:count]


def held_out() -> list[Case]:
    """Return the cases that were used for no rule."""
    return _listed(HELD_OUT, SensorWorld, staged_sensors.DISTRACTIONS)


def trips() -> list[Case]:
    """Return the cases of the third pipeline, which were used for no rule either."""
    return _listed(TRIPS, TripWorld, staged_trips.DISTRACTIONS)


def _listed(
    staged: dict[str, list[tuple[str, Change]]], world: type[World], distractions: tuple[Change, ...]
) -> list[Case]:
    each = [(kind, *staged[kind][at]) for at in range(len(staged["code"])) for kind in KINDS]
    return [Case(number, *found, world, distractions) for number, found in enumerate(each)]


def run_case(case: Case, folder: Path, level: str = "stats") -> Verdict:
    """Run eight usual days and the changed one, and compare that with the last good run."""
    from odibi_core.history.comparison import compare_runs

    world = case.world(random.Random(case.number))
    world.libraries["otherlib"] = '__version__ = "9.8"\n'
    for _ in range(DAYS):
        world.a_day()
        _run(world, folder, level)
    world.a_day()
    case.change(world)
    if case.number % 2:
        for each in case.distractions:
            each(world)
    _run(world, folder, level)
    found = compare_runs(folder / ".odibi")
    first = found.notable[0].message if found.notable else None
    named = (found.cause.kind, found.cause.subject) if found.cause else (None, None)
    return Verdict(case.number, case.kind, case.subject, named[0], named[1], first)


def _run(world: World, folder: Path, level: str) -> None:
    import os

    from odibi_core import Orchestrator

    data = folder / "data"
    data.mkdir(exist_ok=True)
    for old in data.iterdir():
        old.unlink()
    for name, text in world.files.items():
        (data / name).write_text(text)
    for name, text in {**world.libraries, "feed": FEED}.items():
        module = ModuleType(name)
        vars(module)["DATA"] = world.feeds
        exec(compile(text, f"<{name}>", "exec"), vars(module))  # noqa: S102 (the libraries of the case)
        sys.modules[name] = module
    file = folder / "pipeline.py"
    file.write_text(world.code + ("import otherlib\n" if "otherlib" in world.libraries else ""))
    import linecache

    linecache.checkcache(str(file))
    module = ModuleType("staged_pipeline")
    module.__file__ = str(file)
    sys.modules["staged_pipeline"] = module
    before = Path.cwd()
    os.chdir(folder)
    try:
        exec(compile(file.read_text(), str(file), "exec"), vars(module))  # noqa: S102 (the pipeline of the case)
        Orchestrator(
            module.steps, world.engine, pipeline_name="shop", params=world.params, store=folder / ".odibi",
            raise_on_error=False, snapshot_level=level,
        ).execute()  # fmt: skip
    finally:
        os.chdir(before)


def measure(staged: list[Case], level: str = "stats") -> list[Verdict]:
    """Return the verdicts of the cases."""
    found = []
    for case in staged:
        with TemporaryDirectory() as folder:
            found.append(run_case(case, Path(folder), level))
    return found


def table(verdicts: list[Verdict]) -> str:
    """Return the rate of each kind as a table of Markdown, then the cases that were named wrong."""
    total, right = Counter(each.kind for each in verdicts), Counter(each.kind for each in verdicts if each.is_right)
    lines = ["| cause | cases | named | rate |", "|---|--:|--:|--:|"]
    lines += [
        f"| {kind} | {total[kind]} | {right[kind]} | {right[kind] / total[kind]:.0%} |" for kind in KINDS if total[kind]
    ]
    whole = sum(right.values())
    lines.append(f"| all | {len(verdicts)} | {whole} | {whole / len(verdicts):.0%} |")
    wrong = [each for each in verdicts if not each.is_right]
    lines += [
        "",
        *(f"- case {e.number}: {e.kind} {e.subject}, named {e.named} {e.named_subject}: {e.difference}" for e in wrong),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Print both tables; return 1 if fewer than 90 % of the causes of either are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.causes", description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="number of the first hundred regressions")
    parser.add_argument("--level", default="stats", help="level of the snapshots")
    given = parser.parse_args()
    rates = []
    for title, staged in (("tuned on", cases(given.cases)), ("held out", held_out())):
        if not staged:
            continue
        verdicts = measure(staged, given.level)
        rates.append(sum(each.is_right for each in verdicts) / len(verdicts))
        print(f"{title}\n\n{table(verdicts)}")
    return 0 if min(rates) >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
