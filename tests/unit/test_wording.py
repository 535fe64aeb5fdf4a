"""Numbers in sentences."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tamis
from tamis.wording import counted, short

ROOT = Path(tamis.__file__).parent


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (0, "picture", "0 pictures"),
        (1, "source was", "1 source was"),
        (2, "source was", "2 sources were"),
        (1, "picture has", "1 picture has"),
        (1234, "picture has", "1,234 pictures have"),
        (2, "copy", "2 copies"),
        (2, "box", "2 boxes"),
        (2, "class", "2 classes"),
        (3, "other picture had", "3 other pictures had"),
        (2, "sample of the dataset has", "2 samples of the dataset have"),
        (2, "video in folders was", "2 videos in folders were"),
        (2, "label file of YOLO (.txt) lies", "2 label files of YOLO (.txt) lie"),
        (2, "near picture is", "2 near pictures are"),
    ],
)
def test_words_agree_with_their_number(number, words, told):
    assert counted(number, words) == told


def calls() -> set[str]:
    """The words that the package counts."""
    return {
        node.args[1].value
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "counted"
        and isinstance(node.args[1], ast.Constant)
    }


def test_every_use_gives_the_singular_and_gets_a_plural():
    assert len(calls()) > 20
    for words in calls():
        assert not re.search(r"\b(are|were|have|lie|pictures)\b", words.split(" of ")[0]), words
        assert not re.search(r"\b(is|was|has|lies)\b", counted(2, words)), words


@pytest.mark.parametrize(
    ("number", "told"),
    [(0.1 + 0.2, "0.3"), (98765.4321, "98765"), (2e20, "2e+20"), (-0.000012345, "-1.234e-05")],
)
def test_numbers_are_short(number, told):
    assert short(number) == told
