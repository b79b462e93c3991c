"""The explanation of a step from its frames: kind, lost and gained rows, causes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from odibi_core.insight.base import Budget, RowChange
from odibi_core.insight.explaining import explain
from odibi_core.insight.frames.frame import Frame, frame_of
from odibi_core.insight.predicates.tests import evaluate

ROWS = 600


def _orders() -> pd.DataFrame:
    random = np.random.default_rng(7)
    amount = random.integers(1, 500, ROWS).astype(float)
    amount[random.random(ROWS) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "order": np.arange(ROWS) * 7 % 601,
            "customer": random.integers(0, 60, ROWS),
            "shop": random.choice(["Bern", "Chur", "Genf", "Sion"], ROWS),
            "amount": amount,
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 90, ROWS), "D"),
        }
    )


def _customers() -> pd.DataFrame:
    number = np.arange(10, 60)
    cities = [f"city {each % 9}" for each in number]
    return pd.DataFrame({"customer": number, "city": cities, "age": number * 7.0 % 50 + 18})


PANDAS: dict[str, tuple[str, int, int, Callable[..., pd.DataFrame]]] = {
    "copy": ("same", 0, 0, lambda o, c: o.copy()),
    "sort": ("sort", 0, 0, lambda o, c: o.sort_values("amount", ignore_index=True)),
    "new column": ("columns", 0, 0, lambda o, c: o.assign(tax=o.amount * 0.1)),
    "renamed": ("columns", 0, 0, lambda o, c: o.rename(columns={"amount": "price", "shop": "place"})),
    "all renamed": ("columns", 0, 0, lambda o, c: o.set_axis([f"c{n}" for n in range(5)], axis=1)),
    "filled": ("values", 0, 0, lambda o, c: o.fillna({"amount": 0.0})),
    "scaled": ("values", 0, 0, lambda o, c: o.assign(amount=o.amount * 100)),
    "filter": ("filter", -1, 0, lambda o, c: o[o.shop.isin(["Bern", "Chur"])].reset_index(drop=True)),
    "filter and set": ("filter", -1, 0, lambda o, c: o[o.shop == "Bern"].assign(amount=1).reset_index(drop=True)),
    "dropna": ("dropna", -1, 0, lambda o, c: o.dropna()),
    "head": ("head", ROWS - 50, 0, lambda o, c: o.head(50)),
    "sample": ("sample", ROWS - 60, 0, lambda o, c: o.sample(60, random_state=3).reset_index(drop=True)),
    "dedup": ("dedup", -1, 0, lambda o, c: o.drop_duplicates(["customer", "shop"])),
    "inner": ("inner join", -1, 0, lambda o, c: o.merge(c, on="customer")),
    "left": ("left join", 0, 0, lambda o, c: o.merge(c, on="customer", how="left")),
    "renamed right": (
        "left join", 0, 0,
        lambda o, c: o.merge(c.set_axis(["number", "town", "years"], axis=1), "left", None, "customer", "number"),
    ),
    "semi": ("semi join", -1, 0, lambda o, c: o[o.customer.isin(c.customer)]),
    "anti": ("anti join", -1, 0, lambda o, c: o[~o.customer.isin(c.customer)]),
    "outer": ("outer join", 0, -1, lambda o, c: o[o.customer < 40].merge(c, on="customer", how="outer")),
    "fan-out": ("left join", 0, -1, lambda o, c: o.merge(pd.concat([c, c.head(9)]), on="customer", how="left")),
    "cross": ("fan-out", 0, ROWS * 2, lambda o, c: o.merge(pd.DataFrame({"x": [1, 2, 3]}), how="cross")),
    "union": ("union", 0, ROWS, lambda o, c: pd.concat([o, o], ignore_index=True)),
    "aggregate": ("aggregate", 0, 0, lambda o, c: o.groupby("customer").agg(total=("amount", "sum")).reset_index()),
    "empty": ("empty", ROWS, 0, lambda o, c: o.head(0)),
}  # fmt: skip


def _inputs(case: str) -> dict[str, pd.DataFrame]:
    orders, customers = _orders(), _customers()
    if case == "outer":
        orders = orders[orders.customer < 40].reset_index(drop=True)
    if case == "fan-out":
        customers = pd.concat([customers, customers.head(9)], ignore_index=True)
    if case == "cross":
        customers = pd.DataFrame({"x": [1, 2, 3]})
    if case == "renamed right":
        customers = customers.set_axis(["number", "town", "years"], axis=1)
    return {"orders": orders, "customers": customers}


def _lost(case: str, inputs: dict[str, pd.DataFrame], function: Callable[..., pd.DataFrame]) -> int:
    """The orders that no row of the output has, counted by their own number."""
    output = function(inputs["orders"], _customers())
    return int((~inputs["orders"]["order"].isin(output["order"])).sum())


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("case", PANDAS)
def test_the_kind_and_the_rows_of_a_step(case: str, library: str) -> None:
    """The kind, the rows that were lost and those that were gained are those of the operation, frames unchanged."""
    kind, lost, gained, function = PANDAS[case]
    inputs: dict[str, Any] = _inputs(case)
    output: Any = function(_orders(), _customers())
    if lost == -1:
        lost = _lost(case, inputs, function)
        assert lost
    if gained == -1:
        gained = len(output) - len(inputs["orders"]) + lost
    if library == "polars":
        inputs, output = {name: pl.from_pandas(frame) for name, frame in inputs.items()}, pl.from_pandas(output)
    change = explain(inputs, output)
    assert (change.kind, change.lost, change.gained, change.reason) == (kind, lost, gained, "")
    assert change.main == "orders"
    assert not any(cause.wrong for cause in change.causes if cause.level == "exact")


def _table(frame: Any) -> Frame:
    found = frame_of(frame)
    assert found is not None
    return found


def _cause(change: RowChange, side: str = "lost") -> tuple[str, str]:
    return next((cause.text, cause.level) for cause in change.causes if cause.side == side)


def test_the_causes_are_rules_that_a_person_reads() -> None:
    """A filter, a join, duplicates and unmatched keys are stated by their columns."""
    orders, customers = _orders(), _customers()
    both = {"orders": orders, "customers": customers}
    assert _cause(explain({"orders": orders}, orders[orders.shop != "Bern"])) == ("shop = Bern", "exact")
    assert _cause(explain({"orders": orders}, orders.dropna())) == ("amount IS NULL", "exact")
    assert _cause(explain(both, orders.merge(customers, on="customer"))) == ("customer not in customers", "exact")
    left = explain(both, orders.merge(customers, on="customer", how="left"))
    assert _cause(left, "unmatched") == ("customer not in customers", "exact")
    assert left.unmatched == {"customers": int((orders.customer < 10).sum())}
    once = explain({"orders": orders}, orders.drop_duplicates(["customer", "shop"]))
    assert _cause(once) == ("duplicate of (customer, shop), the first one is kept", "exact")


def test_a_left_join_without_any_partner_has_its_key() -> None:
    """The other table is empty, or its keys are written otherwise: all its columns are null in the output."""
    orders, customers = _orders(), _customers()
    for other in (customers[:0], customers.assign(customer=customers.customer + 10_000)):
        change = explain({"orders": orders, "customers": other}, orders.merge(other, on="customer", how="left"))
        assert (change.kind, change.unmatched) == ("left join", {"customers": ROWS})
        assert _cause(change, "unmatched") == ("customer not in customers", "exact")


def test_duplicates_at_the_end_are_duplicates_and_may_be_the_last_rows() -> None:
    """Copies that were appended are dropped: by their key they are duplicates, and the place is stated beside it."""
    orders = _orders()
    again = pd.concat([orders, orders[:40]], ignore_index=True)
    change = explain({"orders": again}, again.drop_duplicates())
    assert change.kind == "dedup"
    assert change.causes[0].text.startswith("duplicate of (")
    assert change.causes[0].same_rows_as == ("among the last 40 rows",)
    assert explain({"orders": again}, again.head(len(orders)), source="again.head(n)").kind == "head"


@pytest.mark.parametrize(
    ("keep", "stays"),
    [("first", "the first one is kept"), ("last", "the last one is kept"), (False, "none is kept")],
)
def test_duplicates_have_a_rule_that_selects_them(keep: Any, stays: str) -> None:
    """Missing values are equal to each other, and the rule selects the lost rows of other data too."""
    orders = _orders()[["shop", "amount"]].assign(customer=lambda frame: np.arange(len(frame)) % 7)
    source = "orders.drop_duplicates(['shop', 'amount'])"
    kept = orders.drop_duplicates(["shop", "amount"], keep=keep)
    (cause,) = explain({"orders": orders}, kept, source=source).causes
    assert (cause.text, cause.level) == (f"duplicate of (shop, amount), {stays}", "exact")
    assert cause.rule is not None
    other = orders.iloc[::-1]
    expected = other.duplicated(["shop", "amount"], keep=keep).to_numpy()
    assert (evaluate(cause.rule, _table(other), {}) == expected).all()


def test_the_highest_of_equal_rows_is_kept() -> None:
    """A sort before the duplicates are dropped decides which one stays."""
    orders = _orders()
    kept = orders.sort_values("order").drop_duplicates(["customer"], keep="last")
    (cause,) = explain({"orders": orders}, kept, source="drop_duplicates(['customer'])").causes
    assert (cause.text, cause.level) == ("duplicate of (customer), the one with the highest order is kept", "exact")
    assert cause.rule is not None
    assert (evaluate(cause.rule, _table(orders), {}) == ~orders.index.isin(kept.index)).all()


def test_two_causes_of_one_step_are_both_stated() -> None:
    """A join that loses rows, then a filter by a column that it brought."""
    orders, customers = _orders(), _customers()
    joined = orders.merge(customers, on="customer")
    change = explain({"orders": orders, "customers": customers}, joined[joined.age > 50])
    assert [(cause.text, cause.level) for cause in change.causes if cause.side == "lost"][:2] == [
        ("age <= 50 (of customers)", "exact"),
        ("customer not in customers", "exact"),
    ]


def test_rows_without_a_rule_are_not_explained() -> None:
    """A random loss is no rule; rows of values that the input has not are no certain loss."""
    orders = _orders()
    kept = np.random.default_rng(5).random(ROWS) > 0.3
    change = explain({"orders": orders}, orders[kept].reset_index(drop=True))
    assert change.lost == int((~kept).sum())
    assert [cause.level for cause in change.causes] == ["no_rule"]
    assert explain({"orders": orders}, orders[kept].assign(order=1, day=None, amount=2.5, customer=3)).lost is not None
    made = orders[kept].assign(order=-1, day=None, amount=2.5, customer=-3, shop="Basel").reset_index(drop=True)
    assert explain({"orders": orders}, made).lost is None


@pytest.mark.parametrize("value", [None, 3, "text", [1, 2], pl.LazyFrame({"a": [1]}), object()])
def test_a_value_that_is_no_frame_has_a_reason(value: object) -> None:
    """An output that is no frame in memory is unknown, and so is one of a step without input."""
    assert explain({"orders": _orders()}, value).reason.startswith("the output must be a frame in memory")
    assert explain({"orders": value}, _orders()).kind == "made"


def test_a_budget_of_nothing_ends_as_unknown() -> None:
    """Without work no row is identified, and the answer is not 0."""
    orders = _orders()
    change = explain({"orders": orders}, orders[orders.shop == "Bern"], budget=Budget(0))
    assert (change.lost, change.kind) == (None, "unknown")
    assert "budget" in change.reason


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_of_two_libraries_are_compared(library: str) -> None:
    """The rows of an output of another library are those of the input, texts and missing values included."""
    orders = _orders()
    kept: Any = orders[orders.shop != "Bern"].dropna()
    other = {"pandas": kept, "polars": pl.from_pandas(kept), "pyarrow": pl.from_pandas(kept).to_arrow()}[library]
    change = explain({"orders": pl.from_pandas(orders)}, other)
    assert (change.kind, change.lost) == ("filter", ROWS - len(kept))


def test_an_aggregation_of_two_inputs_is_no_join() -> None:
    """Groups of one input with numbers of another one: an aggregation, which loses the rows of absent groups."""
    orders, customers = _orders(), _customers()
    groups = orders[orders.customer > 4].groupby(["customer", "shop"], as_index=False).agg(count=("order", "size"))
    change = explain({"orders": orders, "customers": customers}, groups)
    assert (change.kind, change.main, change.lost) == ("aggregate", "orders", int((orders.customer <= 4).sum()))
    assert _cause(change) == ("customer < 5", "exact")


def _sales() -> pd.DataFrame:
    return pd.DataFrame({"shop": ["a", "b", "c", "d"] * 250, "amount": np.arange(1000.0) % 97})


@pytest.mark.parametrize("has_new_labels", [True, False])
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_groups_in_the_order_of_the_first_rows_are_not_the_first_rows(library: str, has_new_labels: bool) -> None:
    """The key of the groups stands at the places of some rows, which does not make them these rows."""
    sales = _sales()
    totals = sales.groupby("shop")[["amount"]].sum()
    totals = totals.reset_index() if has_new_labels else totals
    frames = (pl.from_pandas(sales), pl.from_pandas(totals, include_index=not has_new_labels))
    change = explain({"sales": sales}, totals) if library == "pandas" else explain({"sales": frames[0]}, frames[1])
    assert (change.kind, change.lost, change.causes) == ("aggregate", 0, ())


@pytest.mark.parametrize("names", [("sales", "shops"), ("shops", "sales")])
def test_the_rows_of_a_join_are_those_that_look_up_even_without_a_key_of_their_own(names: tuple[str, str]) -> None:
    """Each row of the small table is unique, and multiplied by the rows that look it up: these are the main input."""
    frames = {"sales": _sales(), "shops": pd.DataFrame({"shop": ["a", "b"], "region": ["north", "south"]})}
    change = explain({name: frames[name] for name in names}, frames["sales"].merge(frames["shops"], on="shop"))
    assert (change.main, change.kind, change.lost) == ("sales", "inner join", 500)
    assert _cause(change) == ("shop not in shops", "exact")


def test_columns_of_both_sides_get_suffixes_and_the_join_is_found() -> None:
    """The columns that a merge renames on both sides are compared by their values."""
    orders = _orders()
    prices = orders[["order", "shop", "day"]].iloc[::2].assign(day=lambda frame: frame.day + pd.Timedelta("1D"))
    change = explain({"orders": orders, "prices": prices}, orders.merge(prices, on=["order", "shop"]))
    assert (change.kind, change.main, change.lost) == ("inner join", "orders", ROWS // 2)
    assert _cause(change) == ("(order, shop) not in prices", "exact")


def test_an_input_that_the_budget_left_out_makes_the_answer_unknown() -> None:
    """Rows that were found in the input that was read may be those of the other one, in an aggregation of both."""
    many = pd.DataFrame({"day": np.arange(40_000) % 365, "seats": np.arange(40_000) % 7})
    few = pd.DataFrame({"day": np.arange(900) % 365, "seats": 0})
    made = few.groupby("day", as_index=False).agg(seats=("seats", "first"))
    wide = explain({"many": many, "few": few}, made, budget=Budget(10_000_000))
    narrow = explain({"many": many, "few": few}, made, budget=Budget(3_000))
    assert wide.kind != "unknown"
    assert (narrow.kind, narrow.lost) == ("unknown", None)
    assert "budget" in narrow.reason


def test_one_lost_row_at_the_end_is_no_choice_of_the_first_rows_unless_the_source_names_it() -> None:
    """One of 5,000 rows is the last one by chance more often than a rule may be wrong."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"id": rng.permutation(5_000), "value": rng.normal(size=5_000)})

    def first_rows(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.head(4_999)

    without = explain({"frame": frame}, frame.iloc[:-1])
    named = explain({"frame": frame}, frame.iloc[:-1], source=first_rows)
    many = explain({"frame": frame}, frame.iloc[:4_000])
    assert [cause.level for cause in without.causes] == ["no_rule"]
    assert [(each.kind, each.causes[0].level) for each in (named, many)] == [("head", "exact")] * 2


def test_a_wide_frame_ends_within_its_budget() -> None:
    """5,000 columns: the rows are found by some of them."""
    wide = pd.DataFrame(np.random.default_rng(2).integers(0, 99, (80, 5_000)))
    change = explain({"wide": wide}, wide[wide[7] > 20].reset_index(drop=True))
    assert change.lost == int((wide[7] <= 20).sum())


def test_columns_of_one_name_are_compared_by_place() -> None:
    """Duplicate and non-string names of columns are no error."""
    orders = _orders().set_axis(["a", "a", 3, ("x", 1), None], axis=1)
    change = explain({"orders": orders}, orders[orders[3] == "Bern"])
    assert (change.kind, change.lost) == ("filter", int((orders[3] != "Bern").sum()))


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), RecursionError()])
def test_an_error_inside_is_the_reason(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """An explanation never raises: a failure is "unknown" with its type, and no value of the data."""
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("odibi_core.insight.origins.identify", fail)
    change = explain({"orders": _orders()}, _orders().head(3))
    assert (change.kind, change.lost) == ("unknown", None)
    assert change.reason == f"the explanation failed: {type(error).__name__}"


def test_row_numbers_that_are_valid_and_wrong_identify_no_row() -> None:
    """Sabotage: the index of an output is within that of the input, and each of its labels is that of another row."""
    orders = _orders()
    output = orders[orders.shop == "Bern"].reset_index(drop=True)
    change = explain({"orders": orders}, output)
    assert (change.how, change.lost) == ("fingerprint", int((orders.shop != "Bern").sum()))
    assert _cause(change) == ("shop != Bern", "exact")
