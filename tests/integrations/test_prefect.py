"""Facts of Prefect that the other hosts do not have: mapped and cached tasks, flows in flows, coroutines."""

from __future__ import annotations

import pytest
from tests.integrations.hosts import Ended, run_program

pytestmark = pytest.mark.xdist_group("host prefect")


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    ended = run_program("prefect", [], tmp_path_factory.mktemp("more"), program="prefect_more.py")
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended


def nodes_of(ended: Ended, pipeline: str) -> list[tuple[object, ...]]:
    rows = ended.sql(
        "select n.node_name, n.status, n.calls, n.cache_hit from nodes n join runs r using (run_id) "
        f"where n.pipeline_name = '{pipeline}' order by r.started, n.position"
    )
    return [tuple(row.values()) for row in rows]


def test_mapped_tasks_are_calls_and_cached_ones_are_marked(more: Ended) -> None:
    """The second run of the flow takes each result from the cache of Prefect, which calls no function."""
    assert nodes_of(more, "mapped") == [("square", "success", 3, None), ("square", "success", 3, True)]


def test_a_flow_in_a_flow_belongs_to_its_record(more: Ended) -> None:
    assert nodes_of(more, "outside") == [("inner.square", "success", None, True)]
    (run,) = more.sql("select tags, partition from runs where pipeline_name = 'outside'")
    assert run == {"tags": '{"team":"sales"}', "partition": "2026-01-31"}


def test_a_task_that_is_a_coroutine_has_its_lines(more: Ended) -> None:
    assert nodes_of(more, "asynchronous") == [("later", "success", None, None)]
    assert more.sql("select node_name from logs where message = 'in a task'") == [{"node_name": "later"}]


def test_every_run_has_the_id_and_the_page_of_the_flow_run(more: Ended) -> None:
    rows = more.sql("select external_run_id, external_url from runs")
    assert all(str(row["external_url"]).endswith(f"/flow-run/{row['external_run_id']}") for row in rows)
