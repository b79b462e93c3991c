"""`odibi inspect`: the stages of a file and their parameters."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from odibi_core.cli import exits, options, output
from odibi_core.errors import ConfigurationError, PipelineDefinitionError, nearest
from odibi_core.events.paths import absolute_path

if TYPE_CHECKING:
    from types import ModuleType

    from odibi_core.observability import PipelineDescription

_LISTS: Final = ("pipeline", "steps", "stages")
"""The names of a list of stages in a file, by precedence."""


def inspect(
    target: Annotated[
        str, typer.Argument(metavar="FILE[:NAME]", help="Python file, folder or module.", show_default=False)
    ],
    schema: Annotated[bool, typer.Option("--schema", help="Show the JSON Schema of a config instead.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Check this config, JSON or TOML, instead.")
    ] = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the stages of a file and their parameters.

    Stages are classes with `process`, measured functions, and steps. NAME is
    a stage or a list of stages; without it, the list called pipeline, steps
    or stages, or else all stages that the file defines. The file is imported,
    as by `import`; no stage is called. A config has the parameters of each
    stage under its name.
    """
    from odibi_core.observability import inspect_pipeline

    if config is not None:
        options.refuse("with --config", {"--schema": schema})
    with output.aside():
        stages = _stages(target)
        found = inspect_pipeline(stages)
    if config is not None:
        _check(found, config, as_json=format is options.TextOrJson.json)
    elif schema:
        output.write_json(found.json_schema())
    elif format is options.TextOrJson.json:
        output.write_json(found.to_dict())
    elif stages:
        _show(found)
    else:
        output.notice(f"there are no stages in {target}: no class with process(), measured function, or list of stages")


def _show(found: PipelineDescription) -> None:
    header, *rows = found.rows()
    on = output.console()
    listed = output.table(*header, right=("Params",), whole=("Stage",))
    for row in rows:
        listed.add_row(*map(output.styled, row, ("bold", "", "cyan", "", "dim", "")))
    output.write(on, listed)


def _stages(target: str) -> list[Any]:
    """Return the stages of a folder, a file or a module."""
    from odibi_core.pipeline.loader import load_module, split_target

    if (folder := Path(target)).is_dir():
        files = sorted(each for each in folder.glob("*.py") if each.name != "__init__.py")
        if not files:
            raise PipelineDefinitionError(f"there is no Python file in the folder {target!r}")
        return [stage for file in files for stage in _all_of(load_module(str(file)))]
    if _is_dotted(target):
        here = str(absolute_path("."))
        if not sys.path or sys.path[0] != here:
            sys.path.insert(0, here)  # as with `python -m`
        module, _, name = target.partition(":")
        return _named(load_module(module), name)
    path, name = split_target(target)
    return _named(load_module(str(path)), name)


def _is_dotted(target: str) -> bool:
    module = target.partition(":")[0]
    return not Path(module).exists() and not module.endswith(".py") and module.replace(".", "").isidentifier()


def _named(module: ModuleType, name: str) -> list[Any]:
    if not name:
        return _all_of(module)
    members = vars(module)
    if name not in members:
        shown = Path(module.__file__).name if module.__file__ else module.__name__
        raise PipelineDefinitionError(f"{shown} has no {name!r}{nearest(name, members)}")
    found = members[name]
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _all_of(module: ModuleType) -> list[Any]:
    from odibi_core.observability import discover_stages, inspect_pipeline

    for name in _LISTS:
        found = vars(module).get(name)
        if isinstance(found, (list, tuple)) and all(each.kind != "object" for each in inspect_pipeline(found)):
            return list(found)
    return discover_stages(module)


def _check(found: PipelineDescription, file: Path, *, as_json: bool) -> None:
    """Report every reason why a config does not fit; exit with the code of wrong usage if there is one."""
    problems = _problems(found, _read(file))
    if as_json:
        output.write_json({"config": str(file), "fits": not problems, "problems": problems})
        if problems:
            raise typer.Exit(exits.USAGE)
    elif problems:
        raise ConfigurationError("\n".join([f"{file} does not fit:", *problems]))
    else:
        output.write(output.console(), output.styled(f"{file} fits {output.count(len(found), 'stages')}"))


def _problems(found: PipelineDescription, config: Mapping[str, Any]) -> list[str]:
    from odibi_core.observability import validate_config

    names = list(found.json_schema()["properties"])
    problems = [f"{name!r} is no stage{nearest(name, names)}" for name in config if name not in names]
    for name, stage in zip(names, found, strict=True):
        if name in config or any(each.required for each in stage.parameters):
            problems += validate_config(stage, config.get(name, {}))
    return problems


def _read(file: Path) -> Mapping[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ConfigurationError(f"the config {str(file)!r} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        kind = "TOML" if file.suffix == ".toml" else "JSON"
        raise ConfigurationError(f"the config {str(file)!r} is not {kind}: {error}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"the config {str(file)!r} must be a mapping by stage, got {type(found).__name__}")
    return found
