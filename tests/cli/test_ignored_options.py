"""An option that a command would ignore in a mode is refused, with both names."""

import pytest
from tests.cli.conftest import Here

IGNORED = {
    "demo --days 3 --fail": ("--fail", "--days"),
    "demo --days 3 --engine polars": ("--engine", "--days"),
    "demo --days 3 --workers 2": ("--workers", "--days"),
    "demo --days 3 --executor threads": ("--executor", "--days"),
    "show --source clean --format json": ("--format", "--source"),
    "mute nightly --list": ("PIPELINE", "--list"),
    "mute --list --step clean": ("--step", "--list"),
    "mute --list --family rows": ("--family", "--list"),
    "mute --list --until 3d": ("--until", "--list"),
    "mute --list --lift": ("--lift", "--list"),
    "mute nightly --lift --until 3d": ("--until", "--lift"),
    "compare --diff --format json": ("--diff", "json"),
    "compare --diff -o page.html": ("--diff", "html"),
    "history -o page.html --format json": ("--format", "--output"),
    "errors 3fa2 --limit 3": ("--limit", "FINGERPRINT"),
    "errors 3fa2 --page 2": ("--page", "FINGERPRINT"),
    "errors --limit 0 --page 2": ("--page", "--limit 0"),
    "runs --limit 0 --page 2": ("--page", "--limit 0"),
    "health --store elsewhere": ("--store", "--recorded"),
    "health --recorded --load checks.py": ("--load", "--recorded"),
    "sql --schema --run nightly": ("--run", "--schema"),
    "sql --schema -f query.sql": ("--file", "--schema"),
    "sql --macros -o macros.json": ("--output", "--macros"),
    "sql --macros --schema": ("--schema", "--macros"),
    "sql --macros runs": ("QUERY", "--macros"),
    "inspect steps.py --config config.toml --schema": ("--schema", "--config"),
    "store export out --run nightly --pipeline nightly": ("--pipeline", "--run"),
    "store compact --store file:///mnt/share --wait": ("--wait", "URL"),
}


@pytest.mark.parametrize("line", IGNORED)
def test_an_option_without_an_effect_is_refused(here: Here, line: str) -> None:
    """Before anything is read or run; the message has the option and the mode."""
    done = here(*line.split())
    assert done.exit_code == 2
    option, mode = IGNORED[line]
    assert f"{option} has no effect " in done.stderr
    assert mode in done.stderr.partition("no effect ")[2]


def test_a_default_is_not_refused(here: Here) -> None:
    """Nor is an option that the mode uses."""
    assert here("mute", "--list").exit_code == 0
    assert here("sql", "--schema", "--format", "json").exit_code == 0
