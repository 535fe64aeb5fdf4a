"""Starting is fast: no heavy library is loaded until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tamis

HEAVY = {"torch", "transformers", "faiss", "lance", "pyarrow", "onnxruntime", "onnx", "scipy", "av"}


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{m.partition('.')[0] for m in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import tamis",
        "from tamis.interfaces.cli.main import main; main(['--help'])",
        "from tamis.interfaces.cli.main import main; main(['curate', '--help'])",
    ],
)
def test_starting_loads_no_heavy_library(statement):
    assert _loaded_after(statement) & HEAVY == set()


def test_every_public_name_loads():
    for name in tamis.__all__:
        assert getattr(tamis, name) is not None
    assert set(tamis.__all__) <= set(dir(tamis))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'sift'"):
        _ = tamis.sift
