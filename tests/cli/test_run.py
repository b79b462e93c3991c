"""`odibi run`: what it prints, what it leaves behind, and its exit codes."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Apart, Here

from odibi_core import private_files
from odibi_core.cli.run import name_of


def test_a_run_leaves_its_files_and_says_where(here: Here, small: str) -> None:
    """The run's folder has the journal, the story, the lineage and the metrics; the summary names them."""
    done = here("run", small)
    assert done.exit_code == 0, done.stderr
    (folder,) = Path(".odibi/runs").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "events",
        "story.html",
        "lineage.json",
        "metrics.prom",
    }
    for part in ("small succeeded", "2 of 2 steps", "not_null customer", f"{folder}/story.html"):
        assert part in done.stdout


def test_a_failed_run_is_told_with_its_error_and_exit_code_1(here: Here, small: str) -> None:
    """The failed step, its message, the skipped steps; the record and the story exist too."""
    done = here("run", f"{small}:failing")
    assert done.exit_code == 1
    for part in ("small-failing failed", "1 failed", "1 skipped", "ValueError: the amounts do not add up"):
        assert part in done.stdout
    (folder,) = Path(".odibi/runs").iterdir()
    assert "the amounts do not add up" in (folder / "story.html").read_text(encoding="utf-8")


def test_json_is_one_document_on_stdout_whatever_the_steps_print(apart: Apart) -> None:
    """Progress and what steps print go to stderr, so that stdout can be parsed."""
    Path("chatty.py").write_text(
        "print('while imported')\ndef rows():\n    print('in a step')\n    return [{'x': 1}]\npipeline = [rows]\n"
    )
    done = apart("run", "chatty.py", "--format", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["status"], told["steps"][0]["row_count"]) == (0, "success", 1)
    assert "in a step" in done.stderr
    assert Path(told["files"]["story"]).is_file()


@pytest.mark.parametrize(("policy", "code"), [("stop", 1), ("skip", 1), ("continue", 0)])
def test_on_failure_decides_whether_a_run_with_a_failed_step_failed(
    here: Here, small: str, policy: str, code: int
) -> None:
    """`continue` calls the run a success all the same, and the exit code follows the run."""
    assert here("run", f"{small}:failing", "--on-failure", policy).exit_code == code


def test_a_parameter_reaches_the_step_that_takes_it(here: Here, small: str) -> None:
    """--param limit=1 is the number 1 in the step, not the text."""
    done = here("run", small, "--param", "limit=1", "--format", "json", "--no-story")
    told = json.loads(done.stdout)
    assert told["steps"][0]["row_count"] == 1
    assert "story" not in told["files"]


def test_a_pipeline_is_called_after_its_file(tmp_path: Path) -> None:
    """A file that is only called pipeline.py goes by its folder's name."""
    (tmp_path / "flights").mkdir()
    (tmp_path / "flights" / "pipeline.py").touch()
    given = [f"{tmp_path}/flights/pipeline.py", "orders.py", "orders.py:nightly", "orders.py:build"]
    assert [name_of(each) for each in given] == ["flights", "orders", "orders-nightly", "orders"]


def test_a_step_that_leaves_the_program_does_not_choose_the_exit_code(here: Here) -> None:
    """`sys.exit(0)` inside a step is a failure of the run, not its success."""
    Path("leaves.py").write_text("import sys\ndef rows():\n    sys.exit(0)\npipeline = [rows]\n")
    assert here("run", "leaves.py").exit_code == 1


def test_a_story_that_cannot_be_written_changes_nothing_of_the_verdict(
    here: Here, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is over and recorded: a file less is a notice."""
    from odibi_core.observability import StoryGenerator

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StoryGenerator, "generate_story", full)
    done = here("run", small)
    assert done.exit_code == 0
    assert "story.html could not be written" in done.stderr


@pytest.mark.parametrize("file", ["lineage.json", "metrics.prom", "story.html"])
def test_a_file_that_was_not_written_is_not_listed(
    here: Here, small: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer names the files that are there; each other one is a notice."""
    write = private_files.write_atomic

    def full(path: Path, content: str | bytes) -> Path:
        if Path(path).name == file:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(private_files, "write_atomic", full)
    done = here("run", small, "--format", "json")
    files = json.loads(done.stdout)["files"]
    assert sorted(Path(path).name for name, path in files.items() if name != "run") == sorted(
        {"lineage.json", "metrics.prom", "story.html"} - {file}
    )
    assert all(Path(path).exists() for path in files.values())
    assert f"{file} could not be written" in done.stderr


WORKERS = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

class Order:
    def __init__(self, amount):
        self.amount = amount

def doubled(order):
    import rates
    return Order(order.amount * rates.DOUBLE)

def orders():
    for method in ("fork", "spawn", "forkserver"):
        with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
            print(method, pool.submit(doubled, Order(4)).result().amount, flush=True)
    return [{"n": 1}]
"""


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_find_the_classes_and_functions_of_the_file(apart: Apart) -> None:
    """However they are started, and what stands beside the file: as with `python FILE`."""
    Path("flows").mkdir()
    Path("flows/rates.py").write_text("DOUBLE = 2\n", encoding="utf-8")
    main = "if __name__ == '__main__':\n    from odibi_core import run\n    run([orders])\n"
    Path("flows/daily-orders.py").write_text(WORKERS + main, encoding="utf-8")
    done = apart("run", "flows/daily-orders.py", "--no-story")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[:3] == ["fork 8", "spawn 8", "forkserver 8"]
