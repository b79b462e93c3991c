"""Job resources as BigQuery's REST reference has them, one file each; a query's last comment names the one it gets."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))
TIB = 2**40


def resource(name: str) -> dict[str, Any]:
    """`select` is select.json, anew each time."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def recorded(configuration: dict[str, Any]) -> dict[str, Any]:
    """The answer of a `FakeBigQuery`: `SELECT 1 -- small` gets small.json, a load load.json, a dry run dry_run.json."""
    for kind in ("load", "copy", "extract"):
        if kind in configuration:
            return resource(kind)
    name = configuration["query"]["query"].rpartition("-- ")[2]
    if name == "refused":
        return {"refused": (400, "invalidQuery", "Syntax error: unexpected end of script")}
    return resource("dry_run" if configuration.get("dryRun") else name if name in NAMES else "select")
