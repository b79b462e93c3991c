from __future__ import annotations

import functools
from typing import Any

import pytest

from odibi_core import pipeline
from odibi_core.errors import ConfigurationError
from odibi_core.pipeline import Step, steps_from_functions


def raw() -> Any:
    return 1


def clean(raw: Any, limit: int = 3) -> Any:
    return raw, limit


def joined(clean: Any, raw: Any, *rest: Any, **more: Any) -> Any:
    return clean, raw


def test_parameter_names_are_the_inputs() -> None:
    """The function's name is the step and its dataset; the layer follows from whether it takes any."""
    assert steps_from_functions([raw, joined, clean]) == [
        Step(name="raw", layer="ingest", value=raw),
        Step(name="joined", value=joined, inputs=["clean", "raw"]),
        Step(name="clean", value=clean, inputs=["raw"]),
    ]


def test_a_parameter_with_a_default_is_an_input_only_if_it_is_made() -> None:
    """Else it is a setting, which a run may change by its name."""

    def limit() -> int:
        return 1

    assert steps_from_functions([raw, clean, limit])[1].inputs == {"raw": "raw", "limit": "limit"}
    assert steps_from_functions([clean], given=["limit"])[0].inputs == {"raw": "raw", "limit": "limit"}
    graph = pipeline.with_params(pipeline.compile([raw, clean]), {"limit": 9})
    assert graph.steps[1].params == {"limit": 9}


def test_a_parameter_that_nothing_makes() -> None:
    """It is a missing input, unless the run is given it as a parameter or as a dataset."""

    def load(path: str) -> Any:
        return path

    with pytest.raises(ConfigurationError, match="step 'load': needs 'path', which no step makes"):
        pipeline.compile([load])
    assert pipeline.compile([load], params={"path": "a.csv"}).steps[0].params == {"path": "a.csv"}
    assert pipeline.compile([load], initial=["path"]).steps[0].inputs == {"path": "path"}


def test_steps_and_functions_in_one_list() -> None:
    """A function finds what a step makes, by the dataset's key."""
    graph = pipeline.compile([clean, Step(name="read", layer="ingest", value="raw.csv", outputs=["raw"])])
    assert graph.dependencies == [(1,), ()]


def test_a_decorated_function_is_what_it_wraps() -> None:
    """As its decorator sets it by `functools.wraps`."""

    @functools.wraps(clean)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return clean(*args, **kwargs)

    (step,) = steps_from_functions([wrapper])
    assert (step.name, step.inputs) == ("clean", {"raw": "raw"})


@pytest.mark.parametrize(
    ("nameless", "what"), [(lambda: 1, "a lambda"), (functools.partial(raw), "a partial")]
)
def test_a_function_needs_a_name(nameless: Any, what: str) -> None:
    """For nothing could take what it makes; the message shows how to name it."""
    with pytest.raises(ConfigurationError, match=f"{what}.*Step\\(name="):
        pipeline.compile([raw, nameless])
