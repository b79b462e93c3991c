"""The flights pipeline on every engine and executor: whether the record has the same facts, and the seconds of a run.

`python -m benchmarks.pairs` prints the table. A fact is the rows of a step, the result of a check, or the columns of a
dataset. The first pair has all of them; the others are compared with it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from odibi_core import plugins

ENGINES: Final = ("pandas", "polars", "polars-lazy", "duckdb", "pyarrow", "spark")
OF_ONE_PROCESS: Final = ("inline", "threads")
ROUNDS: Final = 3

Facts = dict[str, Any]


def facts_of(engine: str, executor: str, folder: Path) -> tuple[Facts, float]:
    """Run the pipeline; return the facts of its record, and its seconds."""
    from odibi_core import Orchestrator
    from odibi_core.pipeline.loader import load_module
    from odibi_core.store.runs import RunStore
    from odibi_core.story_generator import StoryGenerator

    source = Path(__file__).parents[1] / "examples" / "flights" / "pipeline.py"
    steps = load_module(str(source)).build(out_dir=str(folder / "out"), engine=engine)
    started = time.perf_counter()
    result = Orchestrator(steps, engine, executor=executor, max_workers=2, store=str(folder / "store")).execute()
    seconds = time.perf_counter() - started
    found: Facts = {f"rows of {name}": node["row_count"] for name, node in result.nodes.items()}
    for event in RunStore(folder / "store").read(result.run_id):
        fields = event.fields
        if event.event_type == "check_result":
            name = f"check {fields['check']} of {event.node_name}, column {fields['column']}"
            found[name] = (fields["passed"], fields["failed_rows"], fields["total_rows"])
        elif event.event_type == "snapshot" and fields["when"] == "after":
            found[f"columns of {fields['dataset']}"] = [each["column"] for each in fields["schema"]]
    page = Path(StoryGenerator().generate_story(result.tracker.export_lineage(), folder / "story.html"))
    found["steps in the story"] = sum(name in page.read_text(encoding="utf-8") for name in result.nodes)
    return found, seconds


def pairs() -> list[tuple[str, str]]:
    """Return the pairs that make sense: Spark has workers of its own."""
    executors = [*OF_ONE_PROCESS, *(name for name in plugins.names("executors") if name not in OF_ONE_PROCESS)]
    return [
        (engine, executor)
        for engine in ENGINES
        for executor in executors
        if engine != "spark" or executor in OF_ONE_PROCESS
    ]


def main() -> None:
    """Print the table."""
    wanted: Facts = {}
    print("| engine | executor | facts | other | unknown | seconds |\n|---|---|--:|--:|--:|--:|")
    for engine, executor in pairs():
        times = []
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory(prefix="odibi-pairs-") as folder:
                found, seconds = facts_of(engine, executor, Path(folder))
            times.append(seconds)
        wanted = wanted or found
        unknown = [name for name in wanted if found.get(name) is None]
        other = {name: (found[name], wanted[name]) for name in wanted if name in found and found[name] != wanted[name]}
        other = {name: each for name, each in other.items() if name not in unknown}
        equal = len(wanted) - len(unknown) - len(other)
        print(f"| {engine} | {executor} | {equal} | {len(other)} | {len(unknown)} | {sorted(times)[ROUNDS // 2]:.2f} |")
        for name, each in {**other, **dict.fromkeys(unknown, "unknown")}.items():
            print(f"{engine}, {executor}: {name}: {json.dumps(each, default=str)}", file=sys.stderr)


if __name__ == "__main__":
    main()
