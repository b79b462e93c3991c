"""`odibi inspect`: the stages of a file, a folder, a module, without running any of them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from tests.cli.conftest import Apart, Here

STAGES = '''
from pathlib import Path
from odibi_core.instrument.stages import InstrumentedStage

class Clean:
    """Removes what cannot be."""
    def process(self, records, lowest: float, highest: float = 60.0):
        Path("it_ran").touch()

class Count(InstrumentedStage):
    """Counts."""
    def process(self, records, by: str = "sensor"):
        Path("it_ran").touch()

class Settings:
    pass

pipeline_of_two = [Clean(), InstrumentedStage(Clean(), "again")]

def build():
    Path("it_ran").touch()

if __name__ == "__main__":
    Path("it_ran").touch()
'''


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Path("course").mkdir()
    Path("course/stages.py").write_text(STAGES, encoding="utf-8")
    Path("course/more.py").write_text(
        "from stages import Clean\n\nclass Load:\n    'Loads.'\n    def process(self, records): ...\n",
        encoding="utf-8",
    )
    Path("flow.py").write_text(
        "def a(): return 1\ndef b(a, limit=3): return a\npipeline = [a, b]\n", encoding="utf-8"
    )
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in {"flow", "course", "course.stages", "stages"} - before:  # what was imported by its name
        sys.modules.pop(name, None)


def names(here: Here, *arguments: str) -> list[str]:
    done = here("inspect", *arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    return [stage["name"] for stage in json.loads(done.stdout)["stages"]]


def test_the_stages_of_a_file_are_shown_as_a_table(here: Here) -> None:
    """Each with its class, what its process takes, how many, and the first line of its docstring; nothing runs."""
    done = here("inspect", "course/stages.py")
    assert done.exit_code == 0, done.output
    header, clean, count = done.stdout.splitlines()
    assert header.split() == ["Stage", "Class", "Process", "Params", "Module", "About"]
    assert "(records, lowest: float, highest: float = 60.0)" in clean
    assert clean.split()[-6:] == ["3", "stages", "Removes", "what", "cannot", "be."]
    assert count.startswith("Count")
    assert not Path("it_ran").exists()


def test_a_folder_a_module_a_list_and_one_object_can_be_named(here: Here) -> None:
    """`FILE`, `FOLDER`, `MODULE`, each with `:NAME` where one thing of it is meant; a function is not called."""
    assert names(here, "course") == ["Load", "Clean", "Count"]
    assert names(here, "course/stages.py:pipeline_of_two") == ["Clean", "again"]
    assert names(here, "course/stages.py:Count") == ["Count"]
    assert names(here, "course/stages.py:build") == ["build"]
    assert names(here, "flow.py") == ["a", "b"]
    assert names(here, "flow") == ["a", "b"]
    assert names(here, "flow:b") == ["b"]
    assert not Path("it_ran").exists()


def test_the_schema_judges_configs_as_the_command_does(here: Here) -> None:
    """`--schema` writes a valid JSON Schema; `--config` agrees with it, gives reasons, and exits with 2."""
    schema = json.loads(here("inspect", "course/stages.py", "--schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    configs = {
        "fits": {"Clean": {"lowest": 1, "highest": 2.5}, "Count": {"by": "site"}},
        "unknown": {"Clean": {"lowest": 1, "hihgest": 2}},
        "missing": {"Count": {}},
        "strange": {"Claen": {}, "Clean": {"lowest": 1}},
        "wrong": {"Clean": {"lowest": "1"}},
    }
    for name, config in configs.items():
        Path("config.json").write_text(json.dumps(config), encoding="utf-8")
        done = here("inspect", "course/stages.py", "--config", "config.json")
        assert (done.exit_code == 0) == judge.is_valid(config) == (name == "fits"), done.output
        assert done.exit_code in (0, 2)


def test_every_reason_why_a_config_does_not_fit_is_told(here: Here) -> None:
    """On stderr for people, on stdout for programs; TOML and JSON alike."""
    Path("config.toml").write_text('[Clean]\nhihgest = 2\n[Cuont]\nby = "site"\n', encoding="utf-8")
    done = here("inspect", "course/stages.py", "--config", "config.toml")
    said = [
        "'Cuont' is no stage (did you mean 'Count'?)",
        "Clean: 'hihgest' is no parameter (did you mean 'highest'?); it takes records, lowest, highest",
        "Clean: lowest is missing",
    ]
    assert done.exit_code == 2
    assert [line.strip() for line in done.stderr.splitlines()] == ["error: config.toml does not fit:", *said]
    done = here("inspect", "course/stages.py", "--config", "config.toml", "--format", "json")
    assert done.exit_code == 2
    assert json.loads(done.stdout) == {"config": "config.toml", "fits": False, "problems": said}
    Path("config.toml").write_text("[Clean]\nlowest = 1\n", encoding="utf-8")
    done = here("inspect", "course/stages.py", "--config", "config.toml")
    assert (done.exit_code, done.stdout) == (0, "config.toml fits 2 stages\n")


REFUSED = {
    "a file that raises": ("broken.py", ("broken.py", "line 2", "`import no_such_thing`", "no_such_thing")),
    "a file that exits": ("exits.py", ("exits.py", "line 1", "SystemExit")),
    "no such file": ("flwo.py", ("'flwo.py'", "'flow.py'")),
    "no such module": ("no_such_module", ("no_such_module",)),
    "no such name": ("flow.py:bb", ("flow.py", "'bb'", "did you mean 'b'")),
    "a folder without files": ("empty", ("'empty'", "no Python file")),
    "a module that raises": ("broken", ("'broken'", "broken.py, line 2")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_looked_at_is_told_in_a_sentence(here: Here, case: str) -> None:
    """Exit code 2, and where in the file it is; no traceback."""
    Path("broken.py").write_text("import json\nimport no_such_thing\n", encoding="utf-8")
    Path("exits.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    Path("empty").mkdir()
    target, said = REFUSED[case]
    done = here("inspect", target)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert all(part in done.stderr for part in said), done.stderr


@pytest.mark.parametrize(
    ("config", "said"),
    [("{", "is not JSON"), ("[1]", "got list"), (None, "cannot be read")],
)
def test_a_config_that_cannot_be_read_is_told_in_a_sentence(
    here: Here, config: str | None, said: str
) -> None:
    """Which file, and why."""
    if config is not None:
        Path("config.json").write_text(config, encoding="utf-8")
    done = here("inspect", "flow.py", "--config", "config.json")
    assert (done.exit_code, said in done.stderr, "config.json" in done.stderr) == (2, True, True)


def test_a_file_without_stages_says_so(here: Here) -> None:
    """An empty answer is a success, with a clear sentence."""
    Path("nothing.py").write_text("x = 1\n", encoding="utf-8")
    done = here("inspect", "nothing.py")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "there are no stages in nothing.py" in done.stderr


def test_it_works_as_a_user_runs_it(apart: Apart) -> None:
    """In a process of its own, by a dotted name from the folder that one is in."""
    done = apart("inspect", "course.stages")
    assert done.returncode == 0, done.stderr
    assert "Removes what cannot be." in done.stdout
    assert "imported" in apart("inspect", "--help").stdout


@pytest.mark.parametrize("options", [(), ("--schema",), ("--format", "json")], ids=["table", "schema", "json"])
def test_what_the_file_prints_is_no_part_of_the_answer(here: Here, options: tuple[str, ...]) -> None:
    """It goes to stderr, so that stdout is the document and nothing else."""
    plain = here("inspect", "course/stages.py", *options).stdout
    text = Path("course/stages.py").read_text(encoding="utf-8")
    Path("course/stages.py").write_text(f"print('noise')\n{text}", encoding="utf-8")
    done = here("inspect", "course/stages.py", *options)
    assert (done.stdout, "noise" in done.stderr) == (plain, True)
