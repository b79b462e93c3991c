"""Imports go down only: the table of docs/design.md against every import statement, lazy ones included.

A program loads only the modules that it uses: the public modules load their names on first use.
"""

import ast
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.architecture.plan import (
    LAYER_OF,
    PACKAGE,
    ROOT,
    Import,
    Module,
    builtin_plugins,
    dotted,
    imports,
    modules,
    unit_of,
)

# Third-party library: the places that may import it. A place is a file or, with a slash at its end, a folder.
THIRD_PARTY: dict[str, tuple[str, ...]] = {
    "msgspec": ("",),
    "narwhals": ("engines/", "checks/", "insight/"),
    "duckdb": ("engines/", "store/", "history/", "select_only.py"),  # the last: its parse tree and its errors
    "numpy": (
        "engines/stats_numbers.py",
        "engines/stats_pandas.py",
        "engines/fingerprint.py",
        "insight/",
    ),  # what pandas brings: never imported for itself
    "pandas": ("engines/", "exporters/dataframe.py", "history/answer.py", "insight/"),
    "polars": ("engines/", "history/answer.py", "insight/"),
    "pyspark": (
        "engines/spark_csv.py", "engines/spark_engine.py", "engines/spark_plans.py", "engines/spark_rows.py",
        "engines/spark_session.py", "engines/spark_types.py",
    ),
    "pyarrow": ("engines/", "store/", "exporters/parquet.py", "history/arrow.py", "insight/frames/hashes.py"),
    "pandera": ("checks/pandera_schema.py",),
    "great_expectations": ("checks/gx_suite.py",),
    "yaml": ("checks/contract/", "alerts/rulebook.py"),
    "jinja2": ("html_page.py", "alerts/messages.py"),
    "apprise": ("alerts/apprise_route.py",),
    "psutil": ("events/clock.py",),
    "pybreaker": ("instrument/circuit_breaker.py",),
    "rich": ("cli/",),
    "hamilton": ("integrations/hamilton.py",),
    "dagster": ("integrations/dagster.py",),
    "airflow": ("integrations/airflow.py", "integrations/airflow_run.py"),
    "kedro": ("integrations/kedro.py",),
    "prefect": ("integrations/prefect.py",),
    "sentry_sdk": ("error_reporting/tracker.py", "sinks/", "health/checks.py"),
    "datadog": ("sinks/",),
    "cloudpickle": ("executors/pickling.py",),
    "dask": ("executors/dask_place.py", "executors/dask_worker.py"),  # parts of one executor
    "distributed": (
        "executors/dask_cluster.py",
        "executors/dask_nanny.py",
        "executors/dask_place.py",
        "executors/dask_worker.py",
    ),
    "ray": (  # of one executor
        "executors/ray_connection.py", "executors/ray_kept.py", "executors/ray_place.py", "executors/ray_worker.py",
    ),
    "fsspec": ("history/remote/object_store.py", "engines/object_store.py"),
    "adbc_driver_postgresql": ("engines/formats/sql_adbc.py",),
    "fastavro": ("engines/formats/avro.py",),
    "openpyxl": ("engines/formats/excel.py",),
    "sqlglot": ("engines/lineage/", "insight/"),
    "xxhash": ("engines/digests.py",),
    "deltalake": ("engines/formats/delta.py",),
    "pyiceberg": ("engines/formats/iceberg.py",),
    "sqlalchemy": ("engines/formats/", "integrations/airflow_states.py"),
    "psycopg": ("history/database/postgresql.py",),  # for its COPY; SQLAlchemy loads it by itself
    "google": (
        "costs/bigquery/", "health/checks.py", "exporters/protobuf_messages.py", "otlp/grpc_receiver.py",
        "otlp/protobuf.py",
    ),
    "starlette": ("endpoint/", "web/"),
    "uvicorn": ("endpoint/",),
    "tenacity": ("pipeline/", "executors/", "delivery/attempts.py"),
    "urllib3": ("delivery/http.py",),
    "opentelemetry": ("otlp/protobuf.py",),
    "grpc": ("otlp/grpc_receiver.py",),
    "cramjam": ("metrics_push/remote_write.py",),
    "typer": ("cli/",),
    "mcp": ("mcp_server/server.py",),
    "tomlkit": ("connections/toml_file.py",),
}

LOADED_BY_OTHERS = {"s3fs", "gcsfs", "adlfs", "adbc_driver_manager"}
"""Libraries of object stores and databases: fsspec and SQLAlchemy import the one of a URL."""

# Names that read time, ids or the environment, and the files that may. (`time` is banned whole: nothing sleeps.)
WORLD: dict[str, tuple[str, ...]] = {
    "time": ("events/clock.py",),
    "uuid.uuid1": ("events/clock.py",),
    "uuid.uuid4": ("events/clock.py",),
    "os.environ": ("settings/environment.py",),
    "os.getenv": ("settings/environment.py",),
}
NOW = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")

# Each would add its own milliseconds to every program: loaded where they are used, and not by what comes first.
HEAVY = frozenset(
    """asyncio bz2 concurrent.futures csv email http.client importlib.metadata lzma psutil shutil ssl subprocess
    tempfile zipfile odibi_core.costs.bigquery odibi_core.cli odibi_core.introspection odibi_core.story""".split()  # noqa: SIM905
)
FIRST_LINES = {
    "init_observability": "from odibi_core.observability import init_observability, get_logger",
    "a whole program": "from odibi_core.observability import get_logger, init_observability\n"
    "init_observability()\nget_logger('shop').info('orders_loaded', rows=3)",
    "observe": "from odibi_core.observability import node, observe",
    "a whole run": "from odibi_core import node, observe\nwith observe('nightly'):\n    node(lambda: [1, 2])()",
}
WITHOUT_NETWORK = {"socket", "ssl", "select"}
"""Observing a run loads none of these, because it serves and sends nothing."""

# A view is a pure fold: none of these may appear in one.
IMPURE = frozenset("os pathlib io socket subprocess threading asyncio time random tempfile shutil".split())  # noqa: SIM905 (a list to read)


def _goes_up(module: Module, found: Import) -> bool:
    unit = unit_of(found.target)
    return unit not in (None, module.unit) and LAYER_OF[str(unit)] >= LAYER_OF[module.unit]


def test_imports_go_down() -> None:
    """No import of the source, lazy or for the type checker, names a unit of the same layer or of one above."""
    wrong = [
        f"{module.path}:{found.line} imports {found.target}"
        for module in modules()
        for found in imports(module)
        if _goes_up(module, found)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_names_every_unit_and_no_other() -> None:
    """A package that is added or removed is a line of docs/design.md too."""
    assert set(LAYER_OF) == {module.unit for module in modules()}


def _is_third_party(target: str) -> bool:
    top = target.split(".")[0]
    return top != PACKAGE and top not in sys.stdlib_module_names


def _places(target: str) -> tuple[str, ...]:
    return THIRD_PARTY.get(target.split(".")[0], ())


def _allowed_at(path: str, places: tuple[str, ...]) -> bool:
    folders = tuple(place for place in places if place.endswith("/") or not place)
    return path in places or path.startswith(folders)


def test_a_third_party_library_is_imported_only_in_its_places() -> None:
    """Each library is imported in its places only; other code loads the plugin."""
    wrong = [
        f"{module.path}:{found.line} imports {found.target}"
        for module in modules()
        for found in imports(module)
        if _is_third_party(found.target)
        and not found.typing_only
        and not _allowed_at(module.path, _places(found.target))
    ]
    assert not wrong, "\n".join(wrong)


def _plugin_files() -> set[str]:
    targets = (target for family in builtin_plugins().values() for target in family.values())
    return {target.split(":")[0].removeprefix(f"{PACKAGE}.").replace(".", "/") + ".py" for target in targets}


@cache
def _parts_of_plugins() -> set[str]:
    """Files of plugins, and files that only plugins import at their top, such as `engines/pandas_json.py`."""
    parts, tops = _plugin_files(), _importers()
    grown = True
    while grown:
        more = {path for path, importers in tops.items() if path not in parts and importers <= parts}
        parts |= more
        grown = bool(more)
    return parts


@cache
def _importers() -> dict[str, set[str]]:
    """Files that import each module of the package at their top; a module that no file imports is left out."""
    found: dict[str, set[str]] = {}
    names = {module.name: module.path for module in modules()}
    for module in modules():
        for each in imports(module):
            if each.target in names and not (each.inside or each.typing_only):
                found.setdefault(names[each.target], set()).add(module.path)
    return found


def test_a_third_party_library_is_imported_lazily() -> None:
    """Only the command line, integrations and the files that plugins alone load import a library at their top."""
    wrong = [
        f"{module.path}:{found.line} imports {found.target}"
        for module in modules()
        if module.unit not in ("cli", "integrations") and module.path not in _parts_of_plugins()
        for found in imports(module)
        if _is_third_party(found.target)
        and found.target.split(".")[0] != "msgspec"
        and not (found.inside or found.typing_only)
    ]
    assert not wrong, "\n".join(wrong)


def _world_reads(module: Module) -> list[tuple[int, str]]:
    reads = [(found.line, found.target) for found in imports(module) if found.target in WORLD]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ((name := dotted(node)) in WORLD or name.endswith(NOW)):
            reads.append((node.lineno, name))
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            reads += [(node.lineno, name) for name in names if name in WORLD]
    return reads


def test_time_ids_and_environment_are_read_in_one_place() -> None:
    """Only `events.clock` reads the time and makes ids; only `settings` reads the environment."""
    wrong = [
        f"{module.path}:{line} reads {name}"
        for module in modules()
        for line, name in _world_reads(module)
        if module.path not in WORLD.get(name, ("events/clock.py",))
    ]
    assert not wrong, "\n".join(wrong)


def test_views_are_pure() -> None:
    """Live equals replay requires that a view reads only its events: no I/O, no threads, no clock."""
    views = [module for module in modules() if module.unit == "views"]
    wrong = [f"{module.path}:{line} uses {name}" for module in views for line, name in _impurities(module)]
    assert views
    assert not wrong, "\n".join(wrong)


def _impurities(module: Module) -> Iterator[tuple[int, str]]:
    for found in imports(module):
        if found.target.split(".")[0] in IMPURE:
            yield found.line, found.target
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and dotted(node.func) in ("open", "print", "input"):
            yield node.lineno, dotted(node.func)


def test_every_core_dependency_is_used() -> None:
    """`pip install odibi-core` installs exactly the packages that the source imports."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    core = {_name(requirement) for requirement in project["dependencies"]}
    for_users = set(extras) - {"all", "demo", "bench", "dev", "site"}
    optional = {_name(need) for extra in for_users for need in extras[extra]}
    targets = {found.target for module in modules() for found in imports(module)}
    used = {target.split(".")[0] for target in targets if _is_third_party(target)}
    # numpy: pandas brings it, and nothing imports it without pandas
    assert core | optional == used - {"numpy"} | LOADED_BY_OTHERS


def _name(requirement: str) -> str:
    """Top module of a requirement."""
    name = requirement.split(">")[0].split("[")[0].replace("-", "_")
    return {
        "google_cloud_bigquery": "google", "PyYAML": "yaml", "opentelemetry_proto": "opentelemetry", "grpcio": "grpc",
        "protobuf": "google", "apache_airflow": "airflow", "apache_hamilton": "hamilton", "dbt_core": "dbt",
    }.get(name, name)


def _loaded_by(lines: str, cwd: Path) -> set[str]:
    """The modules that these lines load, in an interpreter of their own."""
    code = f"import sys; before = set(sys.modules)\n{lines}\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("program", FIRST_LINES)
def test_a_program_loads_what_it_uses(program: str, tmp_path: Path) -> None:
    """The import of the package, its first call and its first line of log load nothing heavy."""
    loaded = _loaded_by(FIRST_LINES[program], tmp_path)
    assert "odibi_core.runtime.observer" in loaded
    assert loaded & HEAVY == set()
    if program in ("observe", "a whole run"):
        assert loaded & WITHOUT_NETWORK == set()


def test_the_probe_sees_what_is_heavy(tmp_path: Path) -> None:
    """Sabotage: a heavy module is seen, loaded at the top or by a name of `observability`."""
    assert "ssl" in HEAVY & _loaded_by("import ssl", tmp_path)
    prices = "from odibi_core.observability import Prices"
    assert "odibi_core.costs.bigquery" in HEAVY & _loaded_by(prices, tmp_path)


LAZY = pytest.mark.parametrize("package", [PACKAGE, f"{PACKAGE}.observability"])


@LAZY
def test_type_checkers_see_the_names_that_are_loaded_on_first_use(package: str) -> None:
    """Each name is in the table and among the imports for type checkers, from the same module."""
    opened = importlib.import_module(package)
    (source,) = [module for module in modules() if module.name == package]
    typed = {
        alias.asname: (node.module, alias.name)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert typed == {name: (f"{PACKAGE}.{module}", name) for name, module in opened._LAZY.items()}
    assert set(typed) == set(opened.__all__) - {"__version__"} == set(dir(opened)) - {"__version__"}


def test_no_name_of_the_package_is_a_file_of_it() -> None:
    """No lazy name is also a module: an import of the module would replace the name.

    `history` is the package itself, which is callable.
    """
    names = set(importlib.import_module(PACKAGE)._LAZY) - {"history"}
    assert not {f"{PACKAGE}.{name}" for name in names} & {module.name for module in modules()}
    assert importlib.import_module(PACKAGE).history is importlib.import_module(f"{PACKAGE}.history")


@LAZY
def test_concurrent_threads_load_a_lazy_name_once(package: str, tmp_path: Path) -> None:
    """Threads that load a name at once get the same object; afterwards it is an ordinary name of the module."""
    lines = f"""
import importlib, random
from concurrent.futures import ThreadPoolExecutor
package = importlib.import_module({package!r})
assert not set(package._LAZY) & set(vars(package))
def fetch(seed):
    names = random.Random(seed).sample(sorted(package._LAZY), len(package._LAZY))
    return {{name: getattr(package, name) for name in names}}
with ThreadPoolExecutor(8) as pool:
    first, *others = pool.map(fetch, range(8))
assert all(other[name] is first[name] is vars(package)[name] for other in others for name in first)
here = {{}}
exec(f"from {package} import *", here)
assert set(here) - {{"__builtins__", "__version__"}} == set(first)
"""
    assert package in _loaded_by(lines, tmp_path)


@LAZY
def test_an_unknown_name_is_an_ordinary_error(package: str) -> None:
    """An unknown name is an AttributeError, to which Python adds the nearest name by `dir()`."""
    code = f"import {package} as package; package.obsreve"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = f"AttributeError: module {package!r} has no attribute 'obsreve'. Did you mean: 'observe'?"
    assert done.stderr.splitlines()[-1] == said


def test_an_unknown_name_is_unknown_to_type_checkers_too() -> None:
    """mypy rejects these lines; if it accepted one, it would report the comment as unused."""
    with pytest.raises(ImportError, match="cannot import name 'obsreve'"):
        from odibi_core.observability import obsreve  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'obsreve'"):
        from odibi_core import obsreve  # type: ignore[attr-defined] # noqa: F401


def test_the_checks_see_what_they_forbid() -> None:
    """Sabotage: a view that imports the orchestrator lazily, or reads the clock, is caught."""
    text = (
        "import os\nfrom datetime import datetime\n"
        "def f():\n    from odibi_core.orchestrator import Orchestrator\n    import pandas\n"
        "    return datetime.now(), os.environ\n"
    )
    bad = Module(f"{PACKAGE}.views.bad", "views", "views/bad.py", False, text, ast.parse(text))
    assert any(_goes_up(bad, found) and found.inside for found in imports(bad))
    assert {name for _, name in _world_reads(bad)} == {"datetime.now", "os.environ"}
    assert not _allowed_at(bad.path, THIRD_PARTY["pandas"])
