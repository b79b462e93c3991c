"""The versions that the processes of a cluster must have in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from odibi_core.errors import ConfigurationError

ALIKE: Final = ("python", "numpy", "pandas", "polars", "pyarrow", "duckdb")
"""Packages that must agree in the first two numbers of their versions, where both sides have them."""
_SHOWN: Final = 5

Versions = Mapping[str, str | None]
"""By the name of the package; None if it is not there."""


def check_versions(
    cluster: str, own: Versions, others: Mapping[str, Versions], same: Collection[str], without_work: str = ""
) -> None:
    """Compare the versions of this process with those of other places, by their names.

    Args:
        cluster: The kind of cluster, for the message.
        own: The versions here.
        others: The versions of each place.
        same: Packages that must have the same version.
        without_work: A place that runs no steps: it may lack packages.

    Raises:
        ConfigurationError: They differ; names each package, the versions and where they are.
    """
    differences = [
        f"{package} is {here} here and {versions.get(package) or 'missing'} on {place}"
        for place, versions in others.items()
        for package in (*same, *ALIKE)
        if (here := own.get(package))
        and _differ(here, versions.get(package), exact=package in same, may_lack=place == without_work)
    ]
    if differences:
        more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        raise ConfigurationError(
            f"the {cluster} cluster has other versions than this process: {'; '.join(differences[:_SHOWN])}{more}; "
            "install the same on both"
        )


def _differ(here: str, there: str | None, *, exact: bool, may_lack: bool) -> bool:
    if exact:
        return here != there and not (there is None and may_lack)
    return there is not None and here.split(".")[:2] != there.split(".")[:2]
