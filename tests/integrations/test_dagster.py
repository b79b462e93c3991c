"""Facts of Dagster that the other hosts do not have: assets, asset checks, partitions, lines of `context.log`."""

from __future__ import annotations

import pytest
from tests.integrations.hosts import Ended, run_program

pytestmark = pytest.mark.xdist_group("host dagster")


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    ended = run_program("dagster", ["assets"], tmp_path_factory.mktemp("assets"))
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended


def test_an_asset_is_a_node_of_the_partition(assets: Ended) -> None:
    (run,) = assets.sql("select integration, partition, status from runs")
    assert run == {"integration": "dagster", "partition": "2026-01-31", "status": "success"}
    rows = assets.sql("select node_name, rows_out, depends_on from nodes order by position")
    assert rows == [
        {"node_name": "orders", "rows_out": 2, "depends_on": "[]"},
        {"node_name": "orders_has_orders", "rows_out": None, "depends_on": '["orders"]'},
    ]


def test_an_asset_check_is_a_check_of_its_step(assets: Ended) -> None:
    (found,) = assets.sql("select node_name, check_name, passed, severity from checks")
    assert found == {
        "node_name": "orders_has_orders", "check_name": "has_orders", "passed": False, "severity": "error",
    }  # fmt: skip


def test_lines_of_the_context_have_the_text_of_the_user(assets: Ended) -> None:
    """Dagster puts the job, the run and the step before it, which the record has as fields."""
    found = assets.sql("select node_name from logs where message = 'two orders'")
    assert found == [{"node_name": "orders"}]
