"""Facts of Kedro that the other hosts do not have: files of the catalog, selected nodes, parameters."""

from __future__ import annotations

import pytest
from tests.integrations.hosts import Ended, run_program

pytestmark = pytest.mark.xdist_group("host kedro")


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run of the node with the tag `reading`."""
    return run_program("kedro", ["part"], tmp_path_factory.mktemp("part"))


def test_a_run_of_selected_nodes_has_the_selection(part: Ended) -> None:
    """It is not compared with runs of all nodes."""
    assert part.run()["selection"] == '{"tags":["reading"]}'
    assert list(part.nodes()) == ["load"]


def test_parameters_of_the_project_are_those_of_the_run(part: Ended) -> None:
    assert part.sql("select name, value from params order by name") == [
        {"name": "fault", "value": "part"},
        {"name": "rows", "value": "100"},
    ]


def test_a_file_of_the_catalog_belongs_to_its_node(part: Ended) -> None:
    (file,) = part.sql("select node_name, access, dataset, row_count from files")
    assert file == {"node_name": "load", "access": "write", "dataset": "orders", "row_count": 100}
