"""Facts of Airflow that the other hosts do not have: mapped tasks, states, nested runs."""

from __future__ import annotations

import pytest
from tests.integrations.hosts import Ended, Outcome

pytestmark = pytest.mark.xdist_group("host airflow")


@pytest.fixture
def ended(outcome: Outcome) -> Ended:
    """The run of the Dag `states`, whose tasks reach every state."""
    return outcome("airflow", "states")


STATES = [
    ("success", "numbers", "success", 1),
    ("success, mapped over 3, the second after a retry", "double", "success", 2),
    ("success of a branch", "chosen", "success", 1),
    ("skipped by the scheduler", "other", "skipped", 0),
    ("failed", "broken", "failed", 1),
    ("upstream_failed", "after_broken", "skipped", 0),
    ("skipped by itself", "skips", "skipped", 1),
    ("failed by SystemExit", "exits", "failed", 1),
    ("up_for_reschedule, then success", "waits", "success", 1),
]
"""The state in Airflow, the task, and its status and attempts in the record, as in docs/integrations/airflow.md."""


@pytest.mark.parametrize(("state", "task", "status", "attempts"), STATES, ids=[row[0] for row in STATES])
def test_each_state_of_airflow_has_its_status(state: str, task: str, status: str, attempts: int, ended: Ended) -> None:
    (row,) = ended.sql(f"select status, attempts from nodes where node_name = '{task}'")
    assert (row["status"], row["attempts"]) == (status, attempts)


def test_mapped_tasks_are_calls_of_one_node(ended: Ended) -> None:
    (row,) = ended.sql("select calls, inputs, type from nodes where node_name = 'double'")
    assert row == {"calls": 3, "inputs": '{"number":"numbers"}', "type": "@task"}


def test_a_run_inside_a_task_names_the_dag_run_and_the_task(ended: Ended) -> None:
    (outer,) = ended.sql("select run_id, status, external_url, partition from runs where pipeline_name = 'states'")
    (inner,) = ended.sql("select parent_run_id, parent_node from runs where pipeline_name = 'nested'")
    assert inner == {"parent_run_id": outer["run_id"], "parent_node": "nested"}
    assert outer["status"] == "failed"
    assert str(outer["external_url"]).startswith("http://airflow.example:8080/dags/states/runs/manual__")
    assert outer["partition"]


def test_the_results_are_those_without_the_listener(ended: Ended) -> None:
    assert ended.stdout.splitlines()[1:] == ["success is the same", "failure is the same"]


def test_the_scheduler_has_the_plan_too(ended: Ended) -> None:
    """The scheduler has Dags in another form than the process of a task."""
    assert ended.stdout.splitlines()[0] == "['load', 'clean', 'total']"


def test_files_that_a_task_writes_belong_to_it(ended: Ended) -> None:
    assert ended.sql("select node_name, access from files") == [{"node_name": "chosen", "access": "write"}]
