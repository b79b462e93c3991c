"""`odibi demo --days 30`, then `odibi watch`: exactly the five staged faults, however much time there is to measure."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from unittest import mock

import pytest
from tests.cli.conftest import Here

from odibi_core.cli.exits import UNUSUAL
from odibi_core.engines import stats_budget

STAGED = [
    ("2013-11-19", "unusual", "receive", "duration"),
    ("2013-11-23", "unusual", "read_weather", "files"),
    ("2013-11-27", "unusual", "read_weather", "schema"),
    ("2013-11-28", "missed", None, "cadence"),
    ("2013-12-01", "unusual", "drop_cancelled", "rows"),
]


def named(here: Here, store: Path) -> list[tuple[str, str, str | None, str]]:
    """Record thirty days, and return what `watch` lists: the day of the data, the kind, the step and the family.

    A busy machine makes other steps slow, which is unusual too: of durations only the staged one counts.
    """
    done = here("demo", "--days", "30", "--out", str(store / "out"), "--store", str(store), "--format", "json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    seen = here("watch", "--since", "40d", "--store", str(store), "--format", "json")
    assert seen.exit_code == UNUSUAL
    days = {row["run_id"]: row["partition"] for row in rows}  # None is the run that did not come
    found = [
        (days[each["run_id"]], each["kind"], each["node_name"], each["family"])
        for each in json.loads(seen.stdout)["alerts"]
    ]
    return [each for each in found if each[3] != "duration" or each in STAGED]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, math.inf])
def test_watch_names_exactly_the_five_faults(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Without any statistics, with those of a few columns, and with those of all."""
    monkeypatch.setattr(stats_budget, "SHARE", 0.0)
    monkeypatch.setattr(stats_budget, "FLOOR_S", seconds)
    assert named(here, tmp_path) == STAGED


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_watch_names_exactly_the_five_faults_under_changing_load(here: Here, tmp_path: Path, seed: int) -> None:
    """Each run has time for other columns, and for samples of other sizes, than the run before.

    Of a column that few runs have, a day of fog may be one more alarm.
    """
    draw, create = random.Random(seed), stats_budget.Budget.__init__

    def changing(budget: stats_budget.Budget, *arguments: object, **named: object) -> None:
        create(budget, *arguments, **named)  # type: ignore[arg-type]
        budget._share, budget._floor_s = 0.0, draw.choice([0.0, 0.001, 0.002, 0.005, 0.01, 0.03, math.inf])

    with mock.patch.object(stats_budget.Budget, "__init__", changing):
        found = named(here, tmp_path)
    others = [each[2:] for each in found if each not in STAGED]
    assert [each for each in found if each in STAGED] == STAGED
    assert others in ([], [("clean_weather", "categories")])
