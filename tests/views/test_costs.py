"""The sums of the view of costs, their precision, and calls without a cost."""

import json
import random
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import Event, decode, encode
from odibi_core.testing import an_event
from odibi_core.views.costs import CostsView, dollars, month_of, sum_of, units

DAY = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
AMOUNTS = st.floats() | st.integers(-10, 10**20) | st.text(max_size=3) | st.none() | st.booleans()
WORDS = st.sampled_from(["a", "b", "", "x" * 500]) | AMOUNTS
COSTS = st.builds(
    lambda fields: an_event("cost", **fields),
    st.fixed_dictionaries(
        {},
        optional={
            "operation": WORDS,
            "run_id": WORDS,
            "estimated_cost_usd": AMOUNTS,
            "bytes_processed": AMOUNTS,
            "bytes_billed": AMOUNTS,
            "statement_type": WORDS,
            "tables": st.lists(WORDS, max_size=3) | WORDS,
            "tags": st.dictionaries(st.sampled_from("ab"), WORDS) | WORDS,
        },
    ),
)


def cost(usd: Any, **fields: Any) -> Event:
    return an_event("cost", estimated_cost_usd=usd, **{"operation": "report", **fields})


def fed(events: list[Event]) -> CostsView:
    view = CostsView()
    for event in events:
        view(event)
    return view


def test_decimals_are_added_as_decimals() -> None:
    """0.1 and 0.2 make 0.3; a thousand cents make ten dollars; and so in each group."""
    answer = fed([cost(0.1), cost(0.2)]).answer()
    assert answer["total"]["cost_usd"] == 0.3
    assert answer["by_operation"][0]["cost_usd"] == 0.3
    assert fed([cost(0.01)] * 1000).answer()["total"]["cost_usd"] == 10


@given(st.lists(st.floats(0, 1e9).map(lambda each: round(each, 6)), max_size=30), st.randoms())
def test_a_sum_is_exact_in_whatever_order(amounts: list[float], order: random.Random) -> None:
    """The float that is nearest to the sum of the decimals that were written."""
    shuffled = amounts.copy()
    order.shuffle(shuffled)
    wanted = float(sum((Fraction(repr(each)) for each in amounts), Fraction()))
    for each in (amounts, shuffled):
        assert fed([cost(amount) for amount in each]).answer()["total"]["cost_usd"] == wanted


@given(st.lists(COSTS, max_size=12))
def test_live_equals_replay_and_every_division_has_the_same_sum(events: list[Event]) -> None:
    """From the journal's lines comes the same answer, in valid JSON; each list adds up to the total."""
    answer = fed(events).answer()
    assert answer == fed([decode(encode(event)) for event in events]).answer()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    total = answer["total"]
    for name in ("operation", "run", "day", "statement", "table"):
        rows = answer[f"by_{name}"]
        assert sum_of(rows) == pytest.approx(sum_of([total]), rel=1e-15)
        for figure in ("calls", "unknown_costs", "bytes_processed", "bytes_billed"):
            assert sum(row[figure] for row in rows) == total[figure]


@pytest.mark.parametrize("amount", [float("nan"), -1, -0.01, "5", None, True, 1e16, [5], {"usd": 5}])
def test_what_is_no_amount_is_a_call_of_unknown_cost(amount: Any) -> None:
    """It is counted, and adds nothing."""
    total = fed([cost(amount), cost(1.5)]).answer()["total"]
    assert (total["calls"], total["unknown_costs"], total["cost_usd"]) == (2, 1, 1.5)


def test_costs_are_divided_by_operation_run_day_statement_table_and_tag() -> None:
    """The dearest first, days by their date; a tag's value is a text, whatever it was."""
    answer = fed(
        [
            cost(1, run_id="r1", tags={"team": "a", "beta": True}, timestamp=DAY),
            cost(4, operation="load", run_id="r2", tags={"team": "b"}, statement_type="SELECT"),
            cost(2, run_id="r1", tags={"team": "a"}, tables=["p.d.t2", "p.d.t1"], bytes_processed=10),
        ]
    ).answer()

    def costs_of(rows: list[dict[str, Any]], key: str) -> list[tuple[Any, float]]:
        return [(row[key], row["cost_usd"]) for row in rows]

    assert costs_of(answer["by_operation"], "operation") == [("load", 4), ("report", 3)]
    assert costs_of(answer["by_run"], "run") == [("r2", 4), ("r1", 3)]
    assert costs_of(answer["by_day"], "day") == [("2026-01-01", 6), ("2026-01-31", 1)]
    assert costs_of(answer["by_statement"], "statement") == [("SELECT", 4), (None, 3)]
    assert costs_of(answer["by_table"], "table") == [(None, 5), ("p.d.t1, p.d.t2", 2)]
    assert costs_of(answer["by_tag"]["team"], "value") == [("b", 4), ("a", 3)]
    assert costs_of(answer["by_tag"]["beta"], "value") == [("true", 1)]
    assert month_of(answer, "2026-01") == 7
    assert month_of(answer, "2026-02") == 0


def test_queries_are_counted_and_a_script_only_by_its_statements() -> None:
    """Failed ones, cache hits, rows, bytes, slot time and time; the script itself adds the rows that it gave."""
    view = fed(
        [
            an_event(
                "query", duration_ms=1.5, rows_returned=3, bytes_processed=7, slot_millis=20, status="success"
            ),
            an_event("query", duration_ms=0.25, cache_hit=True, status="failed"),
            an_event("query", duration_ms=9.0, rows_returned=2, bytes_processed=7, script_parent=True),
        ]
    )
    assert view.answer()["queries"] == {
        "count": 2, "failed": 1, "cache_hits": 1, "rows_returned": 5, "bytes_processed": 7, "slot_ms": 20,
        "duration_ms": 1.75,
    }  # fmt: skip


def test_alerts_about_costs_are_kept_and_others_are_not() -> None:
    """The last hundred, and the count of all."""
    alert = an_event("alert_raised", rule="cost_threshold", operation="report", value=120.0, threshold=100.0)
    other = an_event("alert_raised", rule="failed_nodes")
    answer = fed([alert, other] * 150).answer()["alerts"]
    assert answer["raised"] == {"cost_threshold": 150, "cost_budget": 0}
    assert len(answer["last"]) == 100
    assert (answer["last"][0]["value"], answer["last"][0]["operation"]) == (120, "report")


def test_memory_is_bounded_and_nothing_gets_lost() -> None:
    """Past 10,000 operations, and 100 tags, further ones are added up together."""
    many = [cost(0.001, operation=f"op {n}", tags={f"tag {n % 300}": "x"}) for n in range(10_500)]
    answer = fed(many).answer()
    assert len(answer["by_operation"]) == 10_001
    assert answer["by_operation"][0] == {**answer["by_operation"][0], "operation": "(others)", "calls": 500}
    assert len(answer["by_tag"]) == 101
    assert sum(row["calls"] for rows in answer["by_tag"].values() for row in rows) == 10_500
    assert answer["total"]["cost_usd"] == 10.5


def test_dollars_and_units_are_each_others_inverse() -> None:
    """To the last of twelve places, and a sum larger than any float is the largest float."""
    assert dollars(units(12.345678901234) or 0) == 12.345678901234
    assert units(1e-12) == 1
    assert dollars(10**400) > 1e300
