"""The filters of lists of runs, as the commands take them."""

from __future__ import annotations

from collections.abc import Iterable

from odibi_core.cli.times import moment
from odibi_core.errors import ConfigurationError, RunNotFoundError, nearest
from odibi_core.events import sanitize_text
from odibi_core.history.index import Index, RunFilter


def pairs(given: Iterable[str] | None, option: str) -> dict[str, str]:
    """Return the values by name of a repeated option.

    Raises:
        ConfigurationError: A value is not of the form `NAME=VALUE`.
    """
    found = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise ConfigurationError(f"{option} must be NAME=VALUE, got {each!r}")
        found[name] = value
    return found


def run_filter(
    pipeline: str | None,
    since: str | None,
    until: str | None,
    *,
    status: str | None = None,
    tags: Iterable[str] | None = None,
    params: Iterable[str] | None = None,
    partition: str | None = None,
) -> RunFilter:
    """Return the filter that the options of a command describe.

    Raises:
        ConfigurationError: An option is not valid.
    """
    return RunFilter(
        pipeline_name=pipeline,
        since=moment(since, "--since"),
        until=moment(until, "--until", to_its_end=True),
        status=status,
        tags=pairs(tags, "--tag"),
        params=pairs(params, "--param"),
        partition=partition,
    )


def check_pipeline(index: Index, name: str) -> None:
    """Raise `RunNotFoundError` if no run is of this pipeline; the message names the nearest one."""
    known = index.pipelines()
    if sanitize_text(name) not in known:
        raise RunNotFoundError(f"there is no run of a pipeline {name!r} in {index.root}{nearest(name, known)}")
