"""The order of differences, and the forms of output."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.history.comparison.rows import NUMBERS, column, frame, run, step

from odibi_core.history.comparison import Comparison, compare
from odibi_core.history.comparison.compare import rank
from odibi_core.history.comparison.difference import FAMILIES, WHY, Difference
from odibi_core.history.comparison.lines import lines

HOSTILE = "</pre><script>alert(1)</script> | `x` **b** \x1b[31m"


def difference(family: Any, magnitude: float = 0.5, **more: Any) -> Difference:
    return Difference(family=family, kind="k", message=family, node="a", magnitude=magnitude, **more)


def test_families_in_their_order_then_by_size() -> None:
    """A missing result matters more than another one, and that more than a late one; each has its reason."""
    given = [difference(family, size) for family in FAMILIES[::-1] for size in (0.1, 0.9)]
    found = rank(given, ["a"])
    assert [each.family for each in found] == [family for family in FAMILIES for _ in range(2)]
    assert [each.magnitude for each in found[:2]] == [0.9, 0.1]
    assert set(WHY) == set(FAMILIES)


def test_what_follows_and_what_is_noise_come_later() -> None:
    """A small difference at the beginning goes before a large one that follows from it."""
    noise = difference("failure", 1.0, is_notable=False)
    follows = difference("schema", 1.0, follows_from="b")
    begins = difference("values", 0.1)
    assert rank([noise, follows, begins], ["a"]) == [begins, follows, noise]


def test_an_unusual_finding_of_the_run_comes_first() -> None:
    """Earlier runs weighed it; only a failure goes before it, and a difference that it is counts as notable."""
    shift = {**NUMBERS, "mean": 58.0}
    tables: dict[str, Any] = {"snapshots": [frame("a")], "columns": [column("a", "x", **NUMBERS)]}
    before = run(nodes=[step("a", 1000), step("b", 100, duration_ms=1.0)], **tables)
    late = {"kind": "anomaly", "node_name": "b", "family": "duration", "alert_id": "f1"}
    few = {"kind": "anomaly", "node_name": "b", "family": "rows", "alert_id": "f2"}
    tables |= {"columns": [column("a", "x", **shift)], "alerts": [late]}
    after = run(nodes=[step("a", 1000), step("b", 101, duration_ms=2e3)], **tables)
    first, second = compare(before, after).notable
    assert [(each.family, each.alert_id) for each in (first, second)] == [("duration", "f1"), ("values", None)]
    assert "unusual among the earlier runs (alert f1)" in str(compare(before, after))
    after = run(nodes=[step("a", 1000), step("b", 101, duration_ms=2e3)], **{**tables, "alerts": [few]})
    assert [each.family for each in compare(before, after).notable] == ["rows", "values", "duration"]
    after = run(nodes=[step("a", 0), step("b", 101, duration_ms=2e3)], **{**tables, "alerts": [few]})
    assert compare(before, after).notable[0].family == "failure"


@pytest.fixture
def comparison() -> Comparison:
    """Return a comparison with hostile texts in every place."""
    tables: dict[str, Any] = {"snapshots": [frame("a")], "columns": [column("a", "x", **NUMBERS)]}
    before = run(nodes=[step("a", 1000, source_hash="h1", type="sql"), step("b", 5, depends_on=["a"])], **tables)
    of_run = {"run_id": "r-2", "pipeline_name": HOSTILE, "status": "failed", "partition": HOSTILE}
    failed = step("b", None, depends_on=["a"], error=HOSTILE)
    failed["status"] = "failed"
    tables["columns"] = [column("a", HOSTILE, "String")]
    after = run(runs=[of_run], nodes=[step("a", 10, source_hash="h2", type="sql"), failed], **tables)
    return compare(before, after, sources={"h1": "select 1", "h2": f"select '{HOSTILE}'\n```"}.get)


def test_text_has_no_control_characters_and_fits_its_width(comparison: Comparison) -> None:
    """Only a diff may be wider."""
    for width in (60, 80, 120):
        found = lines(comparison, width, diffs=True)
        assert all(line.isprintable() for line in found)
        assert [line for line in found if len(line) > width and not line.startswith("    | ")] == []
    assert str(comparison).splitlines() == lines(comparison)


def test_html_has_no_tag_of_the_data(comparison: Comparison) -> None:
    """It loads nothing, and runs only the script of the page."""
    page = comparison.to_html()
    assert page.count("<script") == 2
    assert "default-src &#39;none&#39;" in page
    assert "\x1b" not in page
    document = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    details = [item["detail"] for section in document["sections"] for item in section["items"] if "detail" in item]
    assert len(details) == 1


def test_markdown_has_no_tag_and_no_open_fence(comparison: Comparison) -> None:
    """A fence is longer than any in the text, and a cell of a table ends no row."""
    found = comparison.to_markdown()
    assert "<script" not in found.split("````diff")[0]
    assert found.count("````") == 2
    rows = [line for line in found.splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 3 for line in rows)


def test_json_has_everything(comparison: Comparison) -> None:
    """The differences with their causes, the changes, and what was not compared."""
    found = json.loads(json.dumps(comparison.as_dict()))
    assert found.keys() == {"before", "after", "differences", "changes", "cause", "not_compared", "compared_runs"}
    assert found["differences"][0]["cause"].keys() == {"kind", "subject", "message", "reason", "score"}
    assert found["not_compared"]


def test_the_verdict_of_equal_runs() -> None:
    """It names the noise, and the parts that could not be compared."""
    same = run(nodes=[step("a", 5)], columns=[column("a", "x")])
    found = str(compare(same, same))
    assert "no difference beyond the noise; 2 parts could not be compared" in found
    assert "- the values of 1 columns: at least one run has no statistics of them" in found
