"""`odibi why` and `odibi trace`: their exit codes, and what is refused before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.cli.conftest import Here

from odibi_core.orchestrator import Orchestrator


def orders() -> pd.DataFrame:
    return pd.DataFrame({"order_id": range(20), "paid": [each % 2 == 0 for each in range(20)]})


def paid(orders: pd.DataFrame) -> pd.DataFrame:
    return orders[orders["paid"]]


def last(paid: pd.DataFrame) -> pd.DataFrame:
    return paid


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that kept its datasets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODIBI_KEEP__FRAMES", "all")
    Orchestrator([orders, paid, last], pipeline_name="shop").execute()
    return tmp_path


def test_why_and_trace_answer_as_text_and_as_json(shop: Path, here: Here) -> None:
    """The text begins with the sentence of the document."""
    document = json.loads(here("why", "--format", "json").stdout)
    assert here("why").stdout.startswith(document["sentence"][:60])
    traced = json.loads(here("trace", "--dataset", "paid", "--where", "order_id = 4", "--format", "json").stdout)
    assert [(link["dataset"], link.get("rows")) for link in traced["links"][:2]] == [("orders", 1), ("paid", 1)]
    assert "orders: 1 of 20 rows" in here("trace", "--dataset", "paid", "--where", "order_id = 4").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("why", "nothing"), 3, "nothing"),
        (("why", "shop", "pad"), 3, "paid"),
        (("why", "--replay"), 2, "--replay"),
        (("trace", "--where", "1 = 1"), 2, "--dataset must be given"),
        (("trace", "--dataset", "paid"), 2, "--where must be given"),
        (("trace", "--dataset", "pad", "--where", "1 = 1"), 3, "paid"),
        (("trace", "--dataset", "paid", "--where", "order = 1"), 2, "--where must be a condition"),
        (("trace", "--dataset", "last", "--where", "1 = 1"), 4, "ODIBI_KEEP__FRAMES=all"),
    ],
)
def test_a_wrong_question_is_refused(
    shop: Path, here: Here, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """The message names what was given, or the setting that helps."""
    found = here(*arguments)
    assert (found.exit_code, words in " ".join(found.stderr.split())) == (code, True), found.stderr
