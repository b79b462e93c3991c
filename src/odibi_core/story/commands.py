"""The commands that go on from a run without success: one that resumes it, and one for each failed step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from shlex import quote
from typing import Any, Final

from odibi_core.redaction import HIDDEN
from odibi_core.story.background import Background
from odibi_core.story.wording import cut
from odibi_core.views.answers import Lineage

MOST: Final = 5
"""Failed steps with a command."""


def commands(lineage: Lineage, known: Background) -> list[dict[str, str]]:
    """Return commands with their labels; none for a run that succeeded or runs, or that is in no store."""
    run, run_id = known.run, lineage.run_id
    if lineage.status in ("success", "running") or not run or not run_id:
        return []
    found = []
    if isinstance(run.get("target"), str):
        found.append(_command("Resume the run", _resume(run, run_id)))
    failed = [node.node_name for node in lineage.nodes if node.state == "failed"]
    found += [_command(f"Replay {name}", f"odibi replay {quote(run_id)} {quote(name)}") for name in failed[:MOST]]
    return found


def _command(label: str, text: str) -> dict[str, str]:
    return {"label": cut(label) or "", "text": text}


def _resume(run: Mapping[str, Any], run_id: str) -> str:
    """Return the command with the parameters of the run; a value that the record does not have is `…`."""
    parts = ["odibi run", quote(str(run["target"])), "--name", quote(str(run.get("pipeline_name")))]
    if run.get("engine") not in (None, "pandas"):
        parts += ["--engine", quote(str(run["engine"]))]
    if run.get("partition"):
        parts += ["--partition", quote(str(run["partition"]))]
    params = run.get("params")
    for name, value in (params if isinstance(params, dict) else {}).items():
        text = value if isinstance(value, str) and not _is_json(value) else json.dumps(value)
        parts += ["--param", quote(f"{name}={'…' if HIDDEN in text else text}")]
    return " ".join([*parts, "--resume", quote(run_id)])


def _is_json(text: str) -> bool:
    """Return whether `--param` would read a text as another value, such as 7: then it needs quotes."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
