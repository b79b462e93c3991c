"""The examples as events of OpenLineage."""

import copy
from typing import Any

import pytest
from tests.openlineage.checking import check, wrong_with
from tests.openlineage.published import errors_of, schemas

Runs = dict[str, list[dict[str, Any]]]


def test_every_event_of_the_examples_is_valid_and_what_the_client_library_makes(examples: Runs) -> None:
    """By the published schemas with formats, where they are at hand, and field by field by the client's classes."""
    events = check(examples)
    facets = {name for event in events for part in (event["run"], event["job"]) for name in part["facets"]}
    assert {"parent", "processing_engine", "errorMessage", "nominalTime", "sourceCode", "jobType", "test"} <= facets


def test_a_wrong_event_is_found(examples: Runs) -> None:
    """Sabotage: a run id that is no UUID, a time that is none, a facet without a field, a facet of another version."""
    events = next(iter(examples.values()))
    wrong = copy.deepcopy(events[-1])
    wrong["job"]["facets"]["jobType"]["_schemaURL"] = wrong["job"]["facets"]["jobType"]["_schemaURL"].replace(
        "2-0-4", "2-0-3"
    )
    with pytest.raises(KeyError):
        wrong_with(wrong)
    if not schemas():
        return
    for part, name, value in (("run", "runId", "no-uuid"), ("job", "name", 7)):
        wrong = copy.deepcopy(events[0])
        wrong[part][name] = value
        assert errors_of(wrong) != []
    wrong = copy.deepcopy(events[0]) | {"eventTime": "yesterday"}
    assert errors_of(wrong) != []
    wrong = copy.deepcopy(events[0])
    del wrong["job"]["facets"]["jobType"]["integration"]
    assert errors_of(wrong) != []
