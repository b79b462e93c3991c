"""The origin of a difference, on made rows of two runs: which signals upstream explain another share of rows."""

from __future__ import annotations

from typing import Any

from tests.history.comparison.rows import column, frame, run, step

from odibi_core.history.blame import Blame, blame
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.figures import STATS

ORDERS = 10_000


def change(name: str, taken: str, rows_in: int, rows_out: int, **more: Any) -> dict[str, Any]:
    """Return a row of `row_changes` of a step that takes one main input."""
    lost = max(0, rows_in - rows_out)
    about = {"node_name": name, "dataset": name, "main_dataset": taken, "kind": "filter", "lost": lost, "gained": 0}
    return {**about, "rows_in": rows_in, "rows_out": rows_out, "unmatched_by": {}, "causes": [], **more}


def cause(rule: str, rows: int, of: int, side: str = "lost") -> dict[str, Any]:
    return {"side": side, "rows": rows, "of": of, "text": rule, "level": "exact"}


def shop(*, orders: int = ORDERS, paid: int = 7_000, joined: int = 7_000, prices: int = 500, **more: Any) -> RunData:
    """Return a run of `orders` → `paid` → `joined` (with `prices`)."""
    inputs = {"paid": {"orders": "orders"}, "joined": {"paid": "paid", "prices": "prices"}}
    rows = {"orders": orders, "prices": prices, "paid": paid, "joined": joined}
    taken = {"paid": orders, "joined": paid}
    nodes = [
        step(
            name, made, outputs={"out": name}, inputs=inputs.get(name, {}), depends_on=list(inputs.get(name, {})),
            rows_in=taken.get(name), selectivity=made / taken[name] if name in taken else None, source_hash=name,
        )
        for name, made in rows.items()
    ]  # fmt: skip
    rules = more.pop("rules", {})
    changes = [
        change("paid", "orders", orders, paid, causes=rules.get("paid", [])),
        change("joined", "paid", paid, joined, kind="inner join", causes=rules.get("joined", [])),
    ]
    frames = [frame(name, row_count=made, schema_hash="s") for name, made in rows.items()]
    join = {"target": "joined", "dataset": "paid", "source": "paid", "join_with": "prices", "join_keys": ["sku"]}
    more.setdefault("columns", [])
    return run(nodes=nodes, row_changes=changes, snapshots=frames, edges=[join], **more)


def blamed(after: RunData, before: RunData | None = None, noise: Noise | None = None) -> Blame:
    found = blame(before or shop(), after, noise)
    assert found is not None
    return found


def test_fewer_rows_of_the_same_kind_do_not_explain_another_share() -> None:
    """The filter begins at itself, though its source has fewer rows too; with the usual share it follows."""
    assert blamed(shop(orders=6_000, paid=600, joined=600)).step == "paid"
    assert blamed(shop(orders=6_000, paid=4_200, joined=4_200)).step == "orders"


def test_a_lookup_with_fewer_rows_explains_what_its_join_loses() -> None:
    """The answer begins at the lookup, and has the rows of the join."""
    found = blamed(shop(prices=100, joined=2_000))
    assert (found.step, found.effect_step, found.rows, found.of) == ("prices", "joined", 5_000, 7_000)
    assert found.cause == "input truncated"


def test_few_nulls_upstream_do_not_explain_a_large_loss() -> None:
    """So many nulls cost as many rows at most; and those of a column that is no key cost a join none."""
    def with_nulls(name: str, share: float) -> list[dict[str, Any]]:
        stats: dict[str, Any] = {"nulls": int(1_000 * share), "null_share": share}
        return [column("orders", name, **stats)]

    before = shop(columns=with_nulls("sku", 0.0))
    assert blamed(shop(columns=with_nulls("sku", 0.1), joined=700), before).step == "joined"
    assert blamed(shop(columns=with_nulls("sku", 0.9), joined=700), before).step == "orders"
    before = shop(columns=with_nulls("note", 0.0))
    assert blamed(shop(columns=with_nulls("note", 0.9), joined=700), before).step == "joined"


def test_nulls_of_a_key_with_another_name_on_each_side_explain_its_join() -> None:
    """A join that compares `sku` with `id` is about both columns."""
    def with_nulls(share: float, joined: int) -> RunData:
        found = shop(columns=[column("orders", "sku", nulls=int(1_000 * share), null_share=share)], joined=joined)
        found.rows("edges")[0]["join_keys"] = ["sku = id"]
        return found

    assert blamed(with_nulls(0.9, 700), with_nulls(0.0, 7_000)).step == "orders"


def test_a_share_that_earlier_runs_had_is_within_the_noise() -> None:
    """Five runs whose filter kept 60 to 80 %: 62 % is usual, 30 % is not."""
    figures = [
        {"run": {}, "steps": {name: {"status": "success", "selectivity": each} for name, each in shares.items()}}
        for shares in ({"paid": share, "joined": 1.0} for share in (0.6, 0.65, 0.7, 0.75, 0.8))
    ]
    noise = Noise(figures)
    assert blamed(shop(paid=6_200, joined=6_200), noise=noise).certainty == "possible"
    found = blamed(shop(paid=3_000, joined=3_000), noise=noise)
    assert (found.step, found.certainty, found.cause) == ("paid", "likely", "filter")


def test_a_new_rule_of_as_many_rows_is_a_difference() -> None:
    """The rows are as many as before, and others: the rule of the last good run was another one."""
    before = shop(rules={"paid": [cause("status != paid", 3_000, 3_000)]})
    found = blamed(shop(rules={"paid": [cause("status = paid", 3_000, 3_000)]}), before)
    assert (found.step, found.cause, found.rule, found.is_new) == ("paid", "filter", "status = paid", True)


def test_a_narrower_rule_that_is_new_is_named_beside_the_known_one() -> None:
    """The join loses rows by the same key as before; the origin of most of them is new."""
    key = "(sku) not in prices"
    before = shop(joined=6_990, rules={"joined": [cause(key, 10, 10)]})
    rules = {"joined": [cause(key, 5_000, 5_000), cause("country in {DE, FR}", 4_900, 5_000)]}
    found = blamed(shop(joined=2_000, rules=rules), before)
    assert found.rule == f"{key}; 98 % of them: country in {{DE, FR}}"
    assert found.is_new
    assert "new since the last good run" in found.sentence
    found = blamed(shop(joined=2_000, rules={"joined": [cause(key, 5_000, 5_000)]}), before)
    assert "by the same rule" in found.sentence


def test_another_code_explains_what_values_upstream_do_not() -> None:
    """The step whose source changed is the origin of its other share of rows, and the cause is its code."""
    after = shop(orders=6_000, paid=600, joined=600)
    after.nodes["paid"]["source_hash"] = "other"
    found = blamed(after)
    assert (found.step, found.cause) == ("paid", "code")


def test_the_effect_is_the_one_beyond_the_usual_share() -> None:
    """A filter that drops most rows each day is not the effect, if a join below lost some for the first time."""
    before = shop(paid=1_000, joined=1_000)
    found = blamed(shop(paid=1_000, prices=100, joined=400), before)
    assert (found.effect_step, found.rows, found.of) == ("joined", 600, 1_000)


def test_the_rows_of_before_follow_from_counts() -> None:
    """The last good run was not explained, so that only its rows in and out are known: the share is still compared."""
    before = shop()
    for row in before.rows("row_changes"):
        row.update(lost=None, gained=None)
    found = blamed(shop(paid=4_000, joined=4_000), before)
    assert (found.effect_step, found.rows) == ("paid", 6_000)
    assert "(30 % before)" in found.sentence


def earlier_runs(**known: list[list[float]]) -> Noise:
    """Return the statistics of the column `sku` in earlier runs: of a step its means, then its shares of nulls."""
    figures = []
    for place in range(6):
        steps = {}
        for name, (means, nulls) in known.items():
            stats = [{"mean": means[place], "null_share": nulls[place]}.get(each) for each in STATS]
            steps[name] = {"status": "success", "frames": {name: {"columns": {"sku": stats}}}}
        figures.append({"run": {}, "steps": steps})
    return Noise(figures)


def test_a_mean_that_is_usual_in_the_source_is_usual_two_steps_below() -> None:
    """The range of few runs is narrower in one step than in another, by chance: each step passes on what came in."""
    def with_means(mean: float) -> RunData:
        return shop(columns=[column(name, "sku", mean=mean, deviation=4.0) for name in ("orders", "paid", "joined")])

    wide, narrow = [[6.0, 10.5, 9.5, 13.0, 10.0, 10.2], [0.0] * 6], [[9.9, 10.1, 10.0, 10.2, 9.8, 10.2], [0.0] * 6]
    noise = earlier_runs(orders=wide, paid=narrow, joined=narrow)
    found = blame(with_means(10.2), with_means(5.0), noise)
    assert found is None or found.certainty == "possible"
    found = blamed(with_means(5.0), with_means(10.2), earlier_runs(orders=narrow, paid=narrow, joined=narrow))
    assert (found.step, found.certainty) == ("orders", "likely")


def test_nulls_that_came_in_with_a_table_are_no_finding_of_its_join() -> None:
    """One null of a table is many nulls of a join; if the table has none, the join is where they begin."""
    def with_nulls(above: float, below: float) -> RunData:
        shares = {"paid": above, "joined": below}
        finding = {
            "node_name": "joined", "kind": "anomaly", "family": "nulls", "column_name": "sku", "message": "nulls",
            "actual": "0.3 %", "expected": "0 %", "series": "nulls",
        }  # fmt: skip
        columns = [column(name, "sku", nulls=int(1_000 * each), null_share=each) for name, each in shares.items()]
        return shop(columns=columns, alerts=[finding] if below else [])

    before = with_nulls(0.0, 0.0)
    usual = [[1.0] * 6, [0.0, 0.002, 0.0, 0.001, 0.002, 0.0]]
    noise = earlier_runs(paid=usual, joined=[[1.0] * 6, [0.0] * 6])
    found = blame(before, with_nulls(0.002, 0.003), noise)
    assert found is None or found.certainty == "possible"
    assert blamed(with_nulls(0.0, 0.003), before, noise).step == "joined"
