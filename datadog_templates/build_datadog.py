"""The script that writes Datadog's dashboard and monitors beside it as JSON, from the tables of `datadog_tables.py`.

    python datadog_templates/build_datadog.py             write the JSON
    python datadog_templates/build_datadog.py --check     exit with 1 and a diff if the JSON differs
    python datadog_templates/build_datadog.py --schema    check the JSON by the models of datadog-api-client

Only `--schema` needs that library, which is large and in no extra.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))

import built_files
import datadog_tables as tables

DASHBOARD: Final = "odibi_dashboard.json"
MONITORS: Final = "odibi_monitors.json"


def graph(widget: tables.Widget) -> dict[str, Any]:
    """Return a widget as Datadog's API takes it."""
    names = [f"query{number}" for number in range(1, len(widget.queries) + 1)]
    queries = [
        {"data_source": "metrics", "name": name, "query": query}
        for name, (query, _) in zip(names, widget.queries, strict=True)
    ]
    formulas = [{"formula": name, "alias": alias} for name, (_, alias) in zip(names, widget.queries, strict=True)]
    request = {
        "response_format": "timeseries", "queries": queries, "formulas": formulas, "display_type": widget.display,
    }  # fmt: skip
    return {"definition": {"type": "timeseries", "title": widget.title, "requests": [request]}}


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    groups = [
        {
            "definition": {
                "type": "group", "title": title, "layout_type": "ordered", "widgets": [graph(each) for each in widgets],
            }
        }
        for title, widgets in tables.GROUPS.items()
    ]  # fmt: skip
    return {
        "title": "odibi-core",
        "description": "Pipelines, nodes, operations, costs and data quality, as DogStatsD has them from odibi-core.",
        "layout_type": "ordered",
        "template_variables": [
            {"name": name, "prefix": name, "defaults": ["*"], "available_values": []} for name in ("env", "service")
        ],
        "widgets": groups,
    }


def monitor(each: tables.Monitor) -> dict[str, Any]:
    """Return a monitor."""
    thresholds = {"critical": each.critical, **({} if each.warning is None else {"warning": each.warning})}
    return {
        "name": each.name,
        "type": each.kind,
        "query": each.query,
        "message": each.message,
        "tags": ["product:odibi-core"],
        "priority": each.severity,
        "options": {"thresholds": thresholds, "include_tags": True, "on_missing_data": "default"},
    }


def files() -> dict[str, str]:
    """Return the content of each file, by name."""
    found = {DASHBOARD: dashboard(), MONITORS: [monitor(each) for each in tables.MONITORS]}
    return {name: json.dumps(value, indent=2) + "\n" for name, value in found.items()}


def problems() -> list[str]:
    """Return a line for each part that the models of Datadog's client do not know."""
    from datadog_api_client.configuration import Configuration
    from datadog_api_client.model_utils import validate_and_convert_types
    from datadog_api_client.v1.model.dashboard import Dashboard
    from datadog_api_client.v1.model.monitor import Monitor

    def unknown(value: Any, where: str) -> list[str]:
        if isinstance(value, list):
            return [each for place, item in enumerate(value) for each in unknown(item, f"{where}[{place}]")]
        found = [where] if getattr(value, "_unparsed", False) else []
        parts = getattr(value, "_data_store", {})
        return found + [each for name, part in parts.items() for each in unknown(part, f"{where}.{name}")]

    found: list[str] = []
    for kind, value in [(Dashboard, dashboard()), *((Monitor, monitor(each)) for each in tables.MONITORS)]:
        model = validate_and_convert_types(value, (kind,), ["it"], True, True, Configuration())
        found += unknown(model, kind.__name__)
    return [f"{each} is unknown\n" for each in found]


if __name__ == "__main__":
    sys.exit(built_files.main(__file__, files, schema=built_files.Check("check them by datadog-api-client", problems)))
