"""The notebooks run from nothing, and what they show is what they print."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from run_notebooks import NOTEBOOKS, run  # noqa: E402

FOUND = sorted(NOTEBOOKS.glob("*.ipynb"))


def shown(notebook: Path) -> list[str]:
    cells = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if "outputs" in cell]
    return ["".join("".join(out["text"]) for out in cell["outputs"]) for cell in cells]


@pytest.mark.nightly
@pytest.mark.parametrize("notebook", FOUND, ids=lambda file: file.stem)
def test_it_runs_and_prints_as_much_as_it_shows(notebook, tmp_path):
    pytest.importorskip("av")
    printed = run(notebook, tmp_path)
    assert [bool(text) for text in printed] == [bool(text) for text in shown(notebook)]


def test_there_are_three_and_each_shows_what_it_prints():
    assert {file.stem for file in FOUND} == {"video", "ten-labels", "drift"}
    for notebook in FOUND:
        assert sum(bool(text) for text in shown(notebook)) >= 4


def test_their_lines_are_ones_that_fit_a_screen():
    for notebook in FOUND:
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                assert all(len(line) <= 101 for line in cell["source"])
