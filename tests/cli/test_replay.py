"""`odibi replay`: a failed step again in a fresh process, with exactly its inputs, and the verdict on the result."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import Apart, Here, command, environment

SHOP = """
import random

import pandas as pd

def orders(limit: int = 4):
    return pd.DataFrame({"id": range(limit), "amount": [1.5, 2.0, -3.5, 4.0][:limit]})

def priced(orders, factor=2):
    bad = orders[orders["amount"] < 0]
    if len(bad):
        raise ValueError(f"{len(bad)} order below zero")
    return orders.assign(amount=orders["amount"] * factor)

def drawn(orders):
    raise ValueError(f"lot {random.random()}")

def checked(orders):
    return orders

steps = [orders, priced]
drawing = [orders, drawn]

def days():
    return ["a", "b", "c", "b"]

def load(day):
    if day == "c":
        raise ValueError(f"no file of {day}")
    return float("nan")

def counted(loads):
    return len(loads)

def mapped(name, **more):
    from odibi_core.observability import Step

    return Step(name=name, value=load, inputs={"day": "days"}, outputs={"out": "loads"}, map="day", **more)

items = [days, mapped("load"), counted]
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here) -> Path:
    """The folder of a pipeline of which a run has failed."""
    monkeypatch.chdir(tmp_path)
    Path("shop.py").write_text(SHOP, encoding="utf-8")
    assert here("run", "shop.py", "--no-story", "--param", "factor=3").exit_code == 1
    return tmp_path


def test_the_same_failure_is_identical(shop: Path, apart: Apart) -> None:
    """In a fresh process, from another folder: type, message and line are those of the record; exit code 0."""
    store = str(shop / ".odibi")
    other = shop / "other"
    other.mkdir()
    done = subprocess.run(
        command("replay", "shop", "priced", "--store", store, "--format", "json"),
        cwd=other, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["is_identical"] is True
    assert (found["recorded"], found["changed"]) == (found["result"], [])
    assert (found["result"]["error"], found["result"]["line"]) == ("1 order below zero", 4)
    assert found["inputs"]["orders"]["rows"] == 4
    assert not (other / ".odibi").exists()


def test_the_debugger_stops_at_the_failing_line(shop: Path) -> None:
    """On a terminal, `--pdb` opens the debugger in the function, with its variables."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command("replay", "shop", "priced", "--pdb"), stdin=child, stdout=child, stderr=child,
        env=environment(NO_COLOR="1", TERM="dumb"),
    )  # fmt: skip
    os.close(child)
    os.write(parent, b"p len(bad), factor\nq\n")
    shown = b""
    try:
        while chunk := os.read(parent, 4096):
            shown += chunk
    except OSError:  # the terminal was closed at its other end
        pass
    os.close(parent)
    assert process.wait(30) == 0
    text = shown.decode()
    assert '-> raise ValueError(f"{len(bad)} order below zero")' in text
    assert "(1, 3)" in text
    assert "identical: type, message and line of the error" in text


def test_changed_code_is_shown_as_a_diff(shop: Path, here: Here) -> None:
    """Another result has exit code 1, the difference, and the change of the recorded source."""
    Path("shop.py").write_text(SHOP.replace("below zero", "under zero"), encoding="utf-8")
    done = here("replay", "shop", "priced")
    assert done.exit_code == 1
    assert "the message: 1 order below zero in the run, and 1 order under zero now" in " ".join(done.stdout.split())
    assert "changed: the code of the step changed" in done.stdout
    assert '+        raise ValueError(f"{len(bad)} order under zero")' in done.stdout


def test_a_random_failure_names_its_cause(shop: Path, here: Here) -> None:
    """Without a change, the answer names the random numbers in the source."""
    assert here("run", "shop.py:drawing", "--no-story").exit_code == 1
    done = here("replay", "shop-drawing", "drawn")
    assert done.exit_code == 1
    assert "may differ: random: random.random, line 16" in done.stdout


def test_a_step_that_succeeded_is_compared_by_content(shop: Path, here: Here) -> None:
    """The kept frame decides: identical, or another content although the rows are equal."""
    assert here("replay", "shop", "orders").exit_code == 0
    Path("shop.py").write_text(SHOP.replace("-3.5, 4.0]", "-3.5, 5.0]"), encoding="utf-8")
    done = here("replay", "shop", "orders")
    assert (done.exit_code, "the content of orders is another one" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "is damaged, its checksum differs"),
        (lambda path: path.unlink(), "its file is gone"),
    ],
)
def test_a_damaged_or_missing_input_is_an_error(shop: Path, here: Here, damage: object, message: str) -> None:
    """Nothing runs with another input: exit code 4."""
    (path,) = Path(".odibi").glob("runs/*/frames/*orders*")
    assert callable(damage)
    damage(path)
    done = here("replay", "shop", "priced")
    assert (done.exit_code, message in done.stderr) == (4, True), done.stderr


def test_an_unknown_step_or_run_is_an_error(shop: Path, here: Here) -> None:
    """With the nearest name: exit code 3."""
    done = here("replay", "shop", "price")
    assert (done.exit_code, "did you mean 'priced'?" in done.stderr) == (3, True)
    assert here("replay", "nothing", "priced").exit_code == 3


def test_a_script_is_found_by_its_function(shop: Path, here: Here) -> None:
    """A run that a script started is replayed from the file of the function, unless importing it would run it."""
    call = "from odibi_core import run\n{0}run(steps, pipeline_name={1!r})\n"
    guarded = "if __name__ == '__main__':\n    " + call.format("    ", "script")
    Path("script.py").write_text(f"{SHOP}\n{guarded}", encoding="utf-8")
    Path("plain.py").write_text(f"{SHOP}\n{call.format('', 'plain')}", encoding="utf-8")
    for script in ("script.py", "plain.py"):
        subprocess.run([*command()[:1], script], env=environment(), capture_output=True, timeout=60, check=False)
    assert here("replay", "script", "priced").exit_code == 0
    done = here("replay", "plain", "priced")
    assert (done.exit_code, "runs its pipeline when it is imported" in done.stderr) == (2, True), done.stderr
    assert here("replay", "plain", "priced", "--file", "shop.py").exit_code == 0


def test_an_item_of_a_mapped_step_is_replayed(shop: Path, here: Here) -> None:
    """By default the first one that failed, else the one of that text or place; several of one text are refused."""
    assert here("run", "shop.py:items", "--no-story").exit_code == 1
    done = here("replay", "shop-items", "load", "--format", "json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["is_identical"], found["task"], found["item"]) == (0, True, 2, "c")
    assert (found["result"]["error"], found["result"]["line"]) == ("no file of c", 3)
    for wanted, code, shown in (
        ("a", 1, "load, item 0: a of"),  # the list of all results was not made
        ("3", 1, "load, item 3: b of"),
        ("b", 2, "the text of several; name its place: 1, 3"),
        ("d", 2, "item must be one of the 4 items of 'load' that ended, got 'd'"),
    ):
        done = here("replay", "shop-items", "load", "--item", wanted)
        assert (done.exit_code, shown in " ".join((done.stdout + done.stderr).split())) == (code, True), wanted
    done = here("replay", "shop", "priced", "--item", "a")
    assert (done.exit_code, "is not mapped over a list; leave out --item" in done.stderr) == (2, True)


def test_the_result_of_an_item_is_compared_with_the_kept_list(
    shop: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that is not equal to itself; and another result is not identical."""
    Path("shop.py").write_text(SHOP.replace('day == "c"', 'day == "x"'), encoding="utf-8")
    monkeypatch.setenv("ODIBI_KEEP__FRAMES", "all")
    assert here("run", "shop.py:items", "--no-story").exit_code == 0
    assert "no item failed in this run (4 items ended)" in here("replay", "shop-items", "load").stderr
    assert here("replay", "shop-items", "load", "--item", "c").exit_code == 0
    other = SHOP.replace('float("nan")', "1.0").replace('day == "c"', 'day == "x"')
    Path("shop.py").write_text(other, encoding="utf-8")
    done = here("replay", "shop-items", "load", "--item", "c")
    assert (done.exit_code, "the result of the item is another one than in loads" in done.stdout) == (1, True)
