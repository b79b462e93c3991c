"""A lineage from a file: decoded once, into the same structs as our own."""

from __future__ import annotations

from hypothesis import given
from tests.families.test_views import Said, whole_runs

from odibi_core.story import build, read_lineage
from odibi_core.testing import an_event
from odibi_core.views.as_dict import lineage_dict
from odibi_core.views.lineage import LineageView


@given(whole_runs())
def test_a_file_of_our_own_is_read_back_equal(lines: list[Said]) -> None:
    """The lineage and the page are the same as those that were made without a file."""
    view = LineageView()
    for kind, fields in lines:
        view(an_event(kind, **fields))
    lineage = view.answer()
    read = read_lineage(lineage_dict(lineage))
    assert read == lineage
    assert build(read) == build(lineage)


def test_names_that_occur_twice_are_kept_apart() -> None:
    """As a tracker does, because edges lead from name to name."""
    steps = [{"step_name": "a"}, {"step_name": "a", "depends_on": ["b"]}, {"name": "b"}, {}]
    lineage = read_lineage({"steps": steps})
    assert [node.node_name for node in lineage.nodes] == ["a", "a#2", "b", "step 4"]
    assert [(edge.source, edge.target) for edge in lineage.edges] == [("b", "a#2")]


def test_numbers_written_as_text_count_and_words_of_other_systems_are_states() -> None:
    """Older systems spell them so."""
    step = {"step_name": "a", "status": "Succeeded", "row_count": "12", "duration_ms": "1.5", "inputs": "raw"}
    (node,) = read_lineage({"steps": [step]}).nodes
    assert (node.state, node.row_count, node.duration_ms, node.inputs) == ("success", 12, 1.5, {"raw": "raw"})
