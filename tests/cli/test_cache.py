"""`odibi cache` and `odibi run --cache`: the reason of each answer, the entries, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Here

from odibi_core.cli import exits

PIPELINE = """
import pandas as pd

LIMIT = 1

def orders():
    return pd.DataFrame({"a": [1, 2, 3]})

def large(orders):
    return orders[orders["a"] > LIMIT]

def stamped(large):
    return large.assign(at=pd.Timestamp.now())

pipeline = [orders, large, stamped]
"""


@pytest.fixture
def shop(here: Here) -> Here:
    """A pipeline that ran once with the cache."""
    Path("shop.py").write_text(PIPELINE, encoding="utf-8")
    assert here("run", "shop.py", "--cache").exit_code == 0
    return here


def _why(here: Here, step: str) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads(here("cache", "why", "shop", step, "--format", "json").stdout)["answers"]
    return answers


def test_why_names_the_part_that_changed(shop: Here) -> None:
    """In text and in JSON; a hit, a miss, a step that is not cached."""
    assert "orders: miss: first time" in shop("cache", "why", "shop", "orders").stdout
    Path("shop.py").write_text(PIPELINE.replace("LIMIT = 1", "LIMIT = 2"), encoding="utf-8")
    done = shop("run", "shop.py", "--cache")
    assert "from the cache" in done.stdout
    assert "orders: hit: the entry of run" in shop("cache", "why", "shop", "orders").stdout
    text = shop("cache", "why", "shop", "large").stdout
    assert "large: miss: global 'LIMIT' of large changed" in text
    assert _why(shop, "large")[0]["changes"][0]["part"] == "global 'LIMIT' of large"
    assert "stamped: not cached: it uses the clock (pandas" in shop("cache", "why", "shop", "stamped").stdout


def test_why_of_a_step_that_is_not_there_and_of_one_that_did_not_ask(shop: Here) -> None:
    """Exit code 3 with the nearest name; a notice that names the option."""
    done = shop("cache", "why", "shop", "order")
    assert (done.exit_code, "did you mean 'orders'" in done.stderr) == (exits.NOT_FOUND, True)
    assert shop("cache", "why", "nothing", "orders").exit_code == exits.NOT_FOUND
    assert shop("run", "shop.py", "--no-cache").exit_code == 0
    done = shop("cache", "why", "shop", "orders")
    assert (done.exit_code, "run with --cache" in done.stderr) == (0, True)


def test_the_entries_are_listed_shown_and_removed(shop: Here) -> None:
    """By a beginning of the key; prune has the limit of the setting or of its option."""
    listed = json.loads(shop("cache", "ls", "--format", "json").stdout)["entries"]
    assert {row["step"] for row in listed} == {"orders", "large"}
    assert "orders" in shop("cache", "ls").stdout
    key = next(row["key"] for row in listed if row["step"] == "large")
    shown = json.loads(shop("cache", "show", key[:10], "--format", "json").stdout)
    assert shown["key"] == key
    assert "code of large" in shown["parts"]
    assert "code of large" in shop("cache", "show", key[:10]).stdout
    assert shop("cache", "show", "zzz").exit_code == exits.NOT_FOUND
    assert "0 entries removed; 2 entries left" in shop("cache", "prune").stdout
    assert json.loads(shop("cache", "prune", "--max-gb", "0", "--format", "json").stdout)["left"] == 0
    assert "there is no entry" in shop("cache", "ls").stderr


def test_verify_finds_damage_and_removes_on_request(shop: Here) -> None:
    """Exit code 4, and 0 once the entry is removed."""
    assert shop("cache", "verify").exit_code == 0
    file = next(Path(".odibi/cache/entries").glob("*/*/0.*"))
    file.write_bytes(b"x")
    done = shop("cache", "verify", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["examined"]) == (exits.UNREADABLE, 2)
    assert len(json.loads(done.stdout)["damaged"]) == 1
    assert shop("cache", "verify", "--remove").exit_code == 0
    assert "1 entry, 0 damaged" in shop("cache", "verify").stdout


def test_cache_and_no_cache_exclude_each_other(here: Here) -> None:
    """A mistake before anything runs."""
    Path("shop.py").write_text(PIPELINE, encoding="utf-8")
    done = here("run", "shop.py", "--cache", "--no-cache")
    assert (done.exit_code, "--no-cache has no effect with --cache" in done.stderr) == (exits.USAGE, True)
