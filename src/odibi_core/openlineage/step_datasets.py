"""The inputs and outputs of a step: frames by their keys, then the files that it read and wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from odibi_core.events import Event
from odibi_core.openlineage import datasets as of
from odibi_core.openlineage.column_facet import column_facet, copied_columns
from odibi_core.openlineage.facets import Facet, Facets
from odibi_core.openlineage.names import DatasetName, memory_name
from odibi_core.openlineage.step import OpenStep
from odibi_core.views.values import count, text

Datasets = list[dict[str, Any]]


def datasets(
    make: Facets, step: OpenStep, pipeline: str, makers: Mapping[str, str]
) -> tuple[Datasets, Datasets]:  # fmt: skip
    """Return the inputs and the outputs of a step, as far as its events describe them."""
    sides = _Sides(make, step, pipeline, makers)
    return [*sides.frames_taken(), *sides.files_read()], [*sides.frames_made(), *sides.files_written()]


class _Sides:
    def __init__(self, make: Facets, step: OpenStep, pipeline: str, makers: Mapping[str, str]) -> None:
        self.make = make
        self.step = step
        self._pipeline = pipeline
        self._makers = makers

    def frames_taken(self) -> Iterator[dict[str, Any]]:
        """Yield the frames that the step takes."""
        is_checked = not any(self.step.outputs)
        for place, key in enumerate(self.step.inputs):
            seen = self.step.before.get(key)
            checked = of.assertions_facet(self.make, self.step.checks) if is_checked and place == 0 else None
            facets = {"schema": of.schema_facet(self.make, seen)}
            inputs = {
                "inputStatistics": self._read(of.amounts(seen)),
                "dataQualityMetrics": self._metrics_taken(seen),
                "dataQualityAssertions": checked,
            }
            yield of.input_dataset(self.name_of(key), self._bounded(facets), self._bounded(inputs))

    def frames_made(self) -> Iterator[dict[str, Any]]:
        """Yield the frames that the step makes."""
        for place, key in enumerate(self.step.outputs):
            seen = self.step.after.get(key)
            facets = {
                "schema": of.schema_facet(self.make, seen),
                "dataQualityMetrics": of.metrics_facet(self.make, seen),
                "dataQualityAssertions": of.assertions_facet(self.make, self.step.checks) if place == 0 else None,
                **column_facet(self.make, self.step.lineage.get(key), self.name_of, self.step.decided(key)),
            }
            if self.step.copies and (file := self._one_file("read")) is not None:
                facets |= copied_columns(self.make, seen, file)
            rows = self.step.rows if seen is None and place == 0 else None
            yield of.output_dataset(
                self.name_of(key), self._bounded(facets), self._bounded({"outputStatistics": self._written(seen, rows)})
            )

    def files_read(self) -> Iterator[dict[str, Any]]:
        """Yield the files that the step reads; a step that only reads has their columns."""
        frame = next(iter(self.step.after.values()), None) if self.step.copies else None
        for name, event in self._files("read"):
            facets = {**of.file_facets(self.make, event), "schema": of.schema_facet(self.make, frame)}
            inputs = {
                "inputStatistics": self._read(of.amounts(event)),
                "dataQualityMetrics": self._metrics_taken(frame),
            }
            yield of.input_dataset(name, self._bounded(facets), self._bounded(inputs))

    def files_written(self) -> Iterator[dict[str, Any]]:
        """Yield the files that the step writes; a step that only writes has their columns."""
        frame = next(iter(self.step.before.values()), None) if self.step.copies else None
        key = next(iter(self.step.inputs), None)
        for name, event in self._files("write"):
            facets = {**of.file_facets(self.make, event), "schema": of.schema_facet(self.make, frame)}
            if frame is not None and key is not None:
                facets |= copied_columns(self.make, frame, self.name_of(key))
            yield of.output_dataset(
                name, self._bounded(facets), self._bounded({"outputStatistics": self._written(event, None)})
            )

    def name_of(self, key: str) -> DatasetName:
        """Return the name of a frame."""
        return memory_name(self._pipeline, self._makers.get(key, self.step.name), key)

    def _files(self, access: str) -> Iterator[tuple[DatasetName, Event]]:
        for event in self.step.files.values():
            name = of.name_of_file(event)
            if name is not None and text(event.fields.get("access")) == access:
                yield name, event

    def _one_file(self, access: str) -> DatasetName | None:
        return next((name for name, _ in self._files(access)), None)

    def _bounded(self, facets: Mapping[str, Facet | None]) -> dict[str, Facet]:
        return self.make.bounded(facets, "dataset")

    def _metrics_taken(self, seen: Event | None) -> Facet | None:
        return of.metrics_facet(self.make, seen, "DataQualityMetricsInputDatasetFacet")

    def _read(self, amounts: dict[str, int]) -> Facet | None:
        return self.make.standard("InputStatisticsInputDatasetFacet", **amounts) if amounts else None

    def _written(self, seen: Event | None, rows: int | None) -> Facet | None:
        amounts = of.amounts(seen, rows if seen is None else count(seen.row_count))
        return self.make.standard("OutputStatisticsOutputDatasetFacet", **amounts) if amounts else None
