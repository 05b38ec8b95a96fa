"""The example notebook runs from the first cell to the last, and holds what it says it holds."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "experiments" / "notebooks" / "first_look.ipynb"


def texts(notebook) -> list[str]:
    """Every output as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.get("text", "") or output.get("data", {}).get("text/plain", "") or output.get("evalue", "") for output in outputs]


def test_it_was_executed_and_knows_no_machine():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))
    assert not [text for text in texts(notebook) if re.search(r"/(tmp|root|home|work|var|Users)/", text)]
    assert NOTEBOOK.stat().st_size < 60_000


@pytest.mark.slow
def test_it_runs(tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before = texts(notebook)
    NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": str(NOTEBOOK.parents[2])}}).execute()
    assert len(texts(notebook)) == len(before)
    assert any("What each policy changes" in text for text in texts(notebook))
