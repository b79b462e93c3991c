"""The forms of a Hamilton driver beside the plain one, all from one program."""

from __future__ import annotations

import pytest
from tests.integrations.hosts import Ended, run_program

pytestmark = pytest.mark.xdist_group("host hamilton")
Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    ended = run_program("hamilton", [], tmp_path_factory.mktemp("more"), program="hamilton_more.py")
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended


def nodes_of(ended: Ended, pipeline: str, columns: str) -> Rows:
    return ended.sql(
        f"select n.node_name, {columns} from nodes n join runs r using (run_id) "
        f"where n.pipeline_name = '{pipeline}' order by r.started, n.position"
    )


def test_a_validator_is_a_check_of_its_node(more: Ended) -> None:
    checks = more.sql("select node_name, check_name, passed from checks order by timestamp limit 1")
    assert checks == [{"node_name": "checked_range_validator", "check_name": "range_validator", "passed": False}]


def test_an_override_is_no_node(more: Ended) -> None:
    """Hamilton does not run the function that the value replaces."""
    found = [row["node_name"] for row in nodes_of(more, "checked", "n.status")]
    checked = ["checked_raw", "checked_range_validator", "checked"]
    assert found == ["orders", *checked, *checked]


def test_a_result_from_the_cache_of_the_driver_is_marked(more: Ended) -> None:
    assert [row["cache_hit"] for row in nodes_of(more, "cached", "cache_hit")] == [None, True]


@pytest.mark.parametrize("pipeline", ["threads", "processes"])
def test_tasks_of_items_are_calls_of_one_node(more: Ended, pipeline: str) -> None:
    """In threads and in processes, under one run."""
    assert nodes_of(more, pipeline, "n.status, calls") == [
        {"node_name": "number", "status": "success", "calls": None},
        {"node_name": "square", "status": "success", "calls": 4},
        {"node_name": "squares", "status": "success", "calls": None},
    ]
    assert len(more.sql(f"select run_id from runs where pipeline_name = '{pipeline}'")) == 1


def test_an_asynchronous_driver_has_its_nodes_and_lines(more: Ended) -> None:
    assert [row["node_name"] for row in nodes_of(more, "async", "n.status")] == ["rows", "later", "last"]
    lines = more.sql("select run_id from logs where message = 'in a task'")
    assert lines == more.sql("select run_id from runs where pipeline_name = 'async'")


def test_values_of_config_and_inputs_are_parameters(more: Ended) -> None:
    found = more.sql("select distinct name, value from params where pipeline_name = 'threads'")
    assert found == [{"name": "rows", "value": "4"}]
