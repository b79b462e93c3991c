"""The script that writes Prometheus' rules beside it as YAML, from the tables of `rule_tables.py`.

    python prometheus_rules/build_rules.py            write the two files
    python prometheus_rules/build_rules.py --check    exit with 1 and a diff if they differ

It needs PyYAML, which comes with the extra `dev`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))

import built_files
import rule_tables as rules
import yaml

HEAD: Final = "# Written by prometheus_rules/build_rules.py: change rule_tables.py and run it again.\n"


def recording(rule: rules.Recording) -> dict[str, Any]:
    """Return a recording rule as Prometheus reads it."""
    return {"record": rule.name, "expr": rule.expression}


def alert(rule: rules.Alert) -> dict[str, Any]:
    """Return an alerting rule as Prometheus reads it."""
    return {
        "alert": rule.name,
        "expr": rule.expression,
        "for": rule.lasting,
        "labels": {"severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook": f"{rules.RUNBOOK}#{rule.name.lower()}",
        },
    }


def text_of(groups: dict[str, list[dict[str, Any]]]) -> str:
    """Return a file of rules; the same tables give the same text."""
    found = {"groups": [{"name": name, "rules": made} for name, made in groups.items()]}
    return HEAD + yaml.safe_dump(found, sort_keys=False, width=110, allow_unicode=True)


def files() -> dict[str, str]:
    """Return the content of each file, by name."""
    return {
        "odibi_recording_rules.yml": text_of(
            {name: [recording(rule) for rule in group] for name, group in rules.RECORDINGS.items()}
        ),
        "odibi_alerting_rules.yml": text_of(
            {name: [alert(rule) for rule in group] for name, group in rules.ALERTS.items()}
        ),
    }


if __name__ == "__main__":
    sys.exit(built_files.main(__file__, files))
