"""A notebook in a kernel of Jupyter: the extension, cards as outputs, and the failure of a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CELLS = (
    "%load_ext odibi_core\nimport pandas as pd, odibi_core",
    """%%odibi --name shop
orders = pd.DataFrame({"customer": ["ada", "bob", None], "amount": [20.0, 35.5, 12.0]})
paid = orders.dropna()
len(paid)""",
    """def read():
    return [{"a": 1}]

odibi_core.run([read], pipeline_name="read")""",
    """def total(read):
    return sum(row["amuont"] for row in read)

odibi_core.run([read, total], pipeline_name="total")""",
    "orders.shape",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """Return the outputs of each cell, of a notebook that a kernel ran."""
    client, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    folder: Path = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in CELLS])
    about = {"metadata": {"path": str(folder)}}
    with pytest.MonkeyPatch.context() as environment:
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            environment.setenv(name, str(folder / "jupyter"))
        client.NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True, resources=about).execute()
    return [cell.outputs for cell in notebook.cells]


def cards(outputs: list[Any]) -> list[Any]:
    """Return the outputs of a cell that are shown as HTML."""
    return [each.data for each in outputs if "text/html" in each.get("data", {})]


def test_cells_and_runs_end_with_their_cards(outputs: list[list[Any]]) -> None:
    """The card of a cell beside its value, and that of a run as its value; static HTML, with a text beside it."""
    cell, run = cards(outputs[1]), cards(outputs[2])
    assert "shop succeeded" in cell[-1]["text/plain"]
    assert "story.html" in cell[-1]["text/html"]
    assert [each.data["text/plain"] for each in outputs[1] if each.output_type == "execute_result"] == ["2"]
    assert "read succeeded" in run[-1]["text/plain"]
    assert all("<script" not in card["text/html"] for card in [*cell, *run])


def test_a_failing_cell_shows_the_frame_of_its_code(outputs: list[list[Any]]) -> None:
    """The line of the notebook and the error, no frame of odibi-core; the kernel goes on."""
    shown = "".join(each.get("text", "") + "\n".join(each.get("traceback", ())) for each in outputs[3])
    assert 'return sum(row["amuont"] for row in read)' in shown
    assert "KeyError: 'amuont'" in shown
    assert "PipelineError" in shown
    assert "orchestrator.py" not in shown
    assert [each.data["text/plain"] for each in outputs[4]] == ["(3, 2)"]
