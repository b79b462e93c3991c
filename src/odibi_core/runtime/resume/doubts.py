"""The reasons why a replay may differ from its run: other code, other versions, and a source that asks the world."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core.errors import SourceTextNotFoundError
from odibi_core.history.comparison.code import unified
from odibi_core.pipeline import Graph, Step
from odibi_core.runtime.resume.identity import Identities, changed_code
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.runtime.run_context import Purpose, SourceKeeper, run_context
from odibi_core.runtime.step_runner import engines_of
from odibi_core.store.sources import SourceStore
from odibi_core.views.values import record, text

_WORLD: Final = {
    "clock": ("time.time", "monotonic", "perf_counter", "now", "utcnow", "today"),
    "random": ("random", "randint", "shuffle", "sample", "uuid4", "uuid1", "default_rng", "token_hex", "secrets"),
    "environment": ("environ", "getenv", "gethostname", "getcwd", "expanduser"),
    "files or the network": (
        "open", "read_csv", "read_parquet", "scan_parquet", "scan_csv", "exists", "glob", "urlopen", "requests",
    ),
}  # fmt: skip


class Doubts(NamedTuple):
    """`changed` names what is not as it was in the run; `seen` what the source asks that may differ; `diff` of it."""

    changed: list[str]
    seen: list[str]
    diff: str | None


def doubts(past: PastRun, step: Step, graph: Graph, root: Path) -> Doubts:
    """Return the reasons why a replay of a step may have another result than its run."""
    changed, diff = _code(past, step, root)
    changed += _versions(past, step, graph)
    for key in step.inputs.values():
        if (entry := past.kept.get(key)) is not None and entry.is_unchanged is not True:
            changed.append(f"input {key} {'was' if entry.is_unchanged is False else 'may have been'} changed in place")
    return Doubts(changed, list(_seen(step)), diff)


def _code(past: PastRun, step: Step, root: Path) -> tuple[list[str], str | None]:
    was, keeper = past.plan.get(step.name, {}), SourceKeeper(None)
    now = {**keeper.of_step(step), **Identities().of(step)}
    if text(was.get("source_hash")) != now.get("source_hash"):
        return ["the code of the step changed"], _diff(was, step, root)
    for name, shown in (("code", "code that the step uses"), ("params", "parameters of the step")):
        if was.get(f"{name}_hash") is None or now.get(f"{name}_hash") is None:
            return [f"the {shown} cannot be compared"], None
        if was[f"{name}_hash"] != now[f"{name}_hash"]:
            return [f"the {shown} changed{changed_code(was, now) if name == 'code' else ''}"], None
    return [], None


def _diff(was: dict[str, Any], step: Step, root: Path) -> str | None:
    import inspect

    try:
        before = SourceStore(root).read(str(was.get("source_hash")))
        after = str(step.value) if step.operation == "sql" else textwrap.dedent(inspect.getsource(step.value))
    except (SourceTextNotFoundError, OSError, TypeError):
        return None
    return unified(before, after, step.name)


def _versions(past: PastRun, step: Step, graph: Graph) -> list[str]:
    functions = [step.value] if step.operation == "call" else []
    now = run_context(Purpose({}, {}, None), None, functions, engines_of(graph))
    found = []
    if text(past.opening.get("python")) != text(now.get("python")):
        found.append(f"Python was {past.opening.get('python')}, and is {now.get('python')}")
    was, present = record(past.opening.get("packages")), record(now.get("packages"))
    both = [name for name in was if name in present]
    return found + [f"{name} was {was[name]}, and is {present[name]}" for name in both if was[name] != present[name]]


def _seen(step: Step) -> Iterator[str]:
    """Yield what the source of a function asks that may differ, with the line in its file."""
    import inspect

    if step.operation != "call":
        return
    try:
        lines, first = inspect.getsourcelines(step.value)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)):
            name = ast.unparse(node)
            for kind, words in _WORLD.items():
                if any(name == word or name.endswith(f".{word}") for word in words):
                    yield f"{kind}: {name}, line {first + node.lineno - 1}"
