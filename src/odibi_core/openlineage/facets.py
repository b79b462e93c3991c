"""The facets: plain dicts with the URL of their schema, each bounded in size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

Facet = dict[str, Any]

PRODUCER: Final = "urn:odibi-core"
"""The producer unless a setting names another URI."""
SPEC: Final = "https://openlineage.io/spec"
_CORE: Final = f"{SPEC}/2-0-2/OpenLineage.json#/$defs"
EVENT_SCHEMA: Final = f"{_CORE}/RunEvent"
MAX_FACET: Final = 64 * 1024
"""Bytes of JSON of one facet; some receivers refuse events of a few megabytes."""
MAX_TEXT: Final = 32 * 1024
LEFT_OUT: Final = "odibi_left_out"
"""The facet that counts, by facet, what there was no room for."""

_VERSIONS: Final = {
    "ParentRunFacet": "1-2-0",
    "ProcessingEngineRunFacet": "1-1-1",
    "ErrorMessageRunFacet": "1-0-1",
    "NominalTimeRunFacet": "1-0-1",
    "EnvironmentVariablesRunFacet": "1-0-0",
    "ExecutionParametersRunFacet": "1-0-0",
    "JobDependenciesRunFacet": "1-0-1",
    "TagsRunFacet": "1-0-0",
    "TestRunFacet": "1-0-1",
    "JobTypeJobFacet": "2-0-4",
    "SourceCodeJobFacet": "1-0-1",
    "SQLJobFacet": "1-1-0",
    "SchemaDatasetFacet": "1-2-0",
    "ColumnLineageDatasetFacet": "1-2-0",
    "DatasetVersionDatasetFacet": "1-0-1",
    "DatasourceDatasetFacet": "1-0-1",
    "StorageDatasetFacet": "1-0-1",
    "DataQualityMetricsDatasetFacet": "1-0-1",
    "DataQualityMetricsInputDatasetFacet": "1-0-3",
    "DataQualityAssertionsDatasetFacet": "1-1-0",
    "InputStatisticsInputDatasetFacet": "1-0-0",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
}
_URLS: Final = {name: f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}" for name, version in _VERSIONS.items()}
_OWN: Final = {"run": f"{_CORE}/RunFacet", "job": f"{_CORE}/JobFacet", "dataset": f"{_CORE}/DatasetFacet"}


class Facets:
    """Makes facets for one producer."""

    def __init__(self, producer: str = PRODUCER) -> None:
        self.producer = producer

    def standard(self, name: str, /, **fields: Any) -> Facet:
        """Return a facet of the specification; fields without a value are left out."""
        return {
            "_producer": self.producer,
            "_schemaURL": _URLS[name],
            **{key: value for key, value in fields.items() if value is not None},
        }

    def own(self, of: str, /, **fields: Any) -> Facet:
        """Return a facet of odibi for a `run`, a `job` or a `dataset`; fields without a value are left out."""
        return {
            "_producer": self.producer,
            "_schemaURL": _OWN[of],
            **{key: value for key, value in fields.items() if value is not None},
        }

    def bounded(self, facets: Mapping[str, Facet | None], of: str) -> dict[str, Facet]:
        """Return the facets of a run, a job or a dataset, each cut to its bound, and the counts of what was cut."""
        kept: dict[str, Facet] = {}
        left_out = {}
        for name, facet in facets.items():
            if facet is None:
                continue
            kept[name], missing = _fitted(facet)
            if missing:
                left_out[name] = missing
        if left_out:
            kept[LEFT_OUT] = self.own(of, facets=left_out)
        return kept


def _fitted(facet: Facet) -> tuple[Facet, int]:
    """Return a facet of at most `MAX_FACET` bytes, and the number of entries and characters that were cut.

    The largest member is halved until the facet fits.
    """
    if _size(facet) <= MAX_FACET:
        return facet, 0
    facet, missing = dict(facet), 0
    while _size(facet) > MAX_FACET:
        name = max((key for key in facet if not key.startswith("_")), key=lambda key: _size(facet[key]))
        value = facet[name]
        if isinstance(value, str) and len(value) > 1:
            half: Any = value[: len(value) // 2]
        elif isinstance(value, list) and value:
            half = value[: len(value) // 2]
        elif isinstance(value, dict) and value:
            half = dict(list(value.items())[: len(value) // 2])
        else:
            del facet[name]
            missing += 1
            continue
        missing += len(value) - len(half)
        facet[name] = half
    return facet, missing


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def cut(text: str | None) -> str | None:
    """Return a text of at most `MAX_TEXT` characters, with a mark at its end if it was longer."""
    return text if text is None or len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
