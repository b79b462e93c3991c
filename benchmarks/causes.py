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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from benchmarks.staged_causes import DISTRACTIONS, FEED, STAGED, Change, World

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
        """Return whether the kind is right, and the subject too."""
        same = self.named_subject == self.subject or self.kind in ("code", "file", "data")
        return self.named == self.kind and same


def cases(count: int) -> Iterator[tuple[int, str, str, Change]]:
    """Yield so many cases, of all kinds in turn."""
    listed = [(kind, *STAGED[kind][at]) for at in range(20) for kind in KINDS]
    for number, (kind, subject, change) in enumerate(listed[:count]):
        yield number, kind, subject, change


def run_case(number: int, kind: str, subject: str, change: Change, folder: Path) -> Verdict:
    """Run eight usual days and the changed one, and compare that with the last good run."""
    from odibi_core.history.comparison import compare_runs

    world = World(random.Random(number))
    world.libraries["otherlib"] = '__version__ = "9.8"\n'
    world.params["label"] = "old"
    for _ in range(DAYS):
        world.a_day()
        _run(world, folder)
    world.a_day()
    change(world)
    if number % 2:
        for each in DISTRACTIONS:
            each(world)
    _run(world, folder)
    found = compare_runs(folder / ".odibi", other=None)
    first = found.notable[0].message if found.notable else None
    cause = found.cause
    return Verdict(number, kind, subject, cause.kind if cause else None, cause.subject if cause else None, first)


def _run(world: World, folder: Path) -> None:
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
            module.steps, pipeline_name="shop", params=world.params, store=folder / ".odibi", raise_on_error=False,
            snapshot_level="stats",
        ).execute()  # fmt: skip
    finally:
        os.chdir(before)


def measure(count: int) -> list[Verdict]:
    """Return the verdicts of so many cases."""
    found = []
    for number, kind, subject, change in cases(count):
        with TemporaryDirectory() as folder:
            found.append(run_case(number, kind, subject, change, Path(folder)))
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
    """Print the table; return 1 if fewer than 90 % of the causes are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.causes", description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="number of staged regressions, at most 100")
    verdicts = measure(parser.parse_args().cases)
    print(table(verdicts))
    return 0 if sum(each.is_right for each in verdicts) >= 0.9 * len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
