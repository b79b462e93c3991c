"""The index of frames: the node that made each, and the plan of the nodes that take them."""

from __future__ import annotations

import pandas as pd

from odibi_core.runtime.producer_index import Link, ProducerIndex


def test_a_node_is_not_the_origin_of_what_it_takes() -> None:
    """A frame that a node takes from itself, as in a recursion, is no edge of the plan."""
    index, frame = ProducerIndex(), pd.DataFrame({"a": [1]})
    index.remember(frame, "clean.out", "clean")
    assert index.link_of("orders", frame, "clean") is None
    assert index.link_of("orders", frame, "report") == Link("orders", "clean.out", "clean", False)


def test_the_plan_of_a_node_has_its_inputs_and_outputs() -> None:
    """From its first call; a later call that changes nothing has none."""
    index = ProducerIndex()
    links = [Link("orders", "load.out", "load", False)]
    for number in (1, 2):
        name, calls = index.begin_call("clean", print)
        assert (name, calls) == ("clean", number)
        plan = index.plan(name, links, {"out": "clean"})
        if number == 1:
            assert plan is not None
            assert (plan["outputs"], plan["depends_on"]) == ({"out": "clean"}, ["load"])
        else:
            assert plan is None
