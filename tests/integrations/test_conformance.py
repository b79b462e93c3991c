"""One suite over all hosts: the same pipeline, the same faults, and the same facts asserted from the record.

Each host has a program `programs/HOST_program.py SCENARIO [bare]`. The pipeline `shop` has three nodes: `load` makes
100 rows, `clean` keeps the 75 with an amount above 0, and `total` sums them. A scenario that a host has no concept of
is in `NONE`, with the reason.
"""

from __future__ import annotations

import re

import pytest
from tests.integrations.hosts import HOSTS, TOGETHER, Ended, Outcome

_SCENARIOS = ("success", "failure", "retry", "skip", "processes", "killed", "bare")
NONE: dict[tuple[str, str], str] = {
    **{("dbt", scenario): "its models are SQL in a database: test_dbt.py has the facts" for scenario in _SCENARIOS},
    ("hamilton", "retry"): "Hamilton does not run a function again",
    ("hamilton", "skip"): "Hamilton plans only the nodes that it needs",
    ("hamilton", "processes"): "Hamilton sends groups of nodes to processes, which its own tests have",
    ("airflow", "bare"): "its program compares both in one process, because Airflow starts slowly",
    ("airflow", "processes"): "the tests run the tasks in the process of the scheduler",
    ("airflow", "killed"): "the tests run the tasks in the process of the scheduler",
    ("kedro", "retry"): "Kedro does not run a node again",
    ("kedro", "skip"): "Kedro plans only the nodes that are selected",
}
"""Scenarios that a host has no concept of."""


def hosts_of(scenario: str) -> list[object]:
    """Return the hosts that have a scenario, each with all its tests in one process, which runs each program once."""
    found = [host for host in HOSTS if (host, scenario) not in NONE]
    return [pytest.param(host, marks=pytest.mark.xdist_group(f"host {host}")) for host in found]


@pytest.mark.parametrize("host", hosts_of("success"))
def test_a_successful_run_has_its_nodes_rows_edges_and_log(host: str, outcome: Outcome) -> None:
    ended = outcome(host, "success")
    assert ended.returncode == 0 or host in TOGETHER, ended.stderr[-3000:]
    run, nodes = ended.run(), ended.nodes()
    assert (run["status"], run["integration"]) == ("success", host)
    assert run["integration_version"]
    assert run["external_run_id"]
    assert [nodes[name]["status"] for name in ("load", "clean", "total")] == ["success"] * 3
    assert (nodes["load"]["rows_out"], nodes["clean"]["rows_in"], nodes["clean"]["rows_out"]) == (100, 100, 75)
    assert "load" in str(nodes["clean"]["depends_on"])
    assert "clean" in str(nodes["total"]["depends_on"])
    lines = ended.sql(f"select node_name, message from logs where logger = 'shop' and run_id = '{run['run_id']}'")
    assert [str(line["message"]) for line in lines] == ["cleaning 100 rows"]
    assert str(lines[0]["node_name"]).endswith("clean")


@pytest.mark.parametrize("host", hosts_of("failure"))
def test_a_failed_node_fails_the_run_and_has_its_error(host: str, outcome: Outcome) -> None:
    ended = outcome(host, "failure")
    run, nodes = ended.run(), ended.nodes()
    assert run["status"] == "failed"
    assert nodes["load"]["status"] == "success"
    assert nodes["clean"]["status"] == "failed"
    assert "amount must be positive" in str(nodes["clean"]["error"])
    assert nodes["clean"]["error_type"] == "ValueError"
    assert nodes.get("total", {}).get("status", "pending") in ("pending", "skipped")


@pytest.mark.parametrize("host", hosts_of("retry"))
def test_attempts_are_those_of_one_node(host: str, outcome: Outcome) -> None:
    """The first attempt of `clean` fails, and the second succeeds."""
    nodes = outcome(host, "retry").nodes()
    assert (nodes["clean"]["status"], nodes["clean"]["attempts"], nodes["clean"]["rows_out"]) == ("success", 2, 75)
    assert nodes["load"]["attempts"] == 1


@pytest.mark.parametrize("scenario", ["success", "failure"])
@pytest.mark.parametrize("host", hosts_of("bare"))
def test_the_host_behaves_as_without_the_record(host: str, scenario: str, outcome: Outcome) -> None:
    recorded = outcome(host, scenario)
    bare = outcome(host, scenario, "bare")
    if host in TOGETHER:
        lines = shown(bare).splitlines()
        assert shown(recorded).splitlines()[: len(lines)] == lines
        return
    assert (recorded.returncode, shown(recorded)) == (bare.returncode, shown(bare))


def shown(ended: Ended) -> str:
    """Return the output of a program without the folder and the durations, which differ."""
    return re.sub(r"[\d.]+ ?(s|sec|seconds)\b", "- s", ended.stdout.replace(str(ended.store.parent), "."))


@pytest.mark.parametrize("host", hosts_of("processes"))
def test_worker_processes_write_in_the_run_of_their_parent(host: str, outcome: Outcome) -> None:
    ended = outcome(host, "processes")
    run_id, nodes = ended.run()["run_id"], ended.nodes()
    assert [nodes[name]["status"] for name in ("load", "clean", "total")] == ["success"] * 3
    assert (nodes["clean"]["rows_in"], nodes["clean"]["rows_out"]) == (100, 75)
    kinds = ("pipeline_start", "node_complete")
    select = f"select writer_id from logs where run_id = '{run_id}'"
    parent, worker = ({row["writer_id"] for row in ended.sql(f"{select} and event_type = '{kind}'")} for kind in kinds)
    assert parent.isdisjoint(worker)


@pytest.mark.parametrize("host", hosts_of("killed"))
def test_the_run_of_a_killed_process_is_lost_with_a_complete_record(host: str, outcome: Outcome) -> None:
    ended = outcome(host, "killed")
    assert ended.run()["status"] == "lost"
    nodes = ended.nodes()
    assert (nodes["load"]["status"], nodes["load"]["rows_out"]) == ("success", 100)
    assert nodes["clean"]["status"] == "lost"
