"""The examples in docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
FILES = sorted(
    file.relative_to(SOURCE)
    for file in SOURCE.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)
OPTIONAL = {"av", "nncf", "onnxscript", "open_clip", "openvino", "timm", "tokenizers", "torch"} | {
    "pillow_heif",
    "torchvision",
    "transformers",
}
"""Packages of extras; where one is not installed, what needs it has nothing to run on."""


def test_there_are_examples() -> None:
    assert len(FILES) > 50


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.as_posix())
def test_examples_print_what_they_say(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"{error.name} is not installed")
    monkeypatch.chdir(tmp_path)
    printed: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(example, out=printed.append)
    assert not runner.failures, "".join(printed)
    assert runner.tries > 0
