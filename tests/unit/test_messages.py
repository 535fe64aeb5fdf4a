"""What the layers below the verbs say is understood from Python too: it names no option."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tamis

ROOT = Path(tamis.__file__).parent
ROOMS = ("runtime", "observability", "encoders", "formats", "dataset", "sources", "images", "algo")
OPTION = re.compile(r"(?<![\w-])--[a-z]")
FILES = [
    ROOT / "errors.py",
    *(file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))),
]


def spoken(tree: ast.AST) -> list[str]:
    """The texts of a module that are no docstrings."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
    ]


def options_in(source: str) -> list[str]:
    texts = spoken(ast.parse(source))
    return [text for text in texts if OPTION.search(text) and "pip install" not in text]


def test_the_check_sees_what_it_should():
    assert options_in('raise UsageError(f"{x} is too large: give --batch-size 1")')
    assert not options_in('"""Write `--where`."""\nrun("pip install --upgrade tamis")')
    assert len(FILES) > 150


@pytest.mark.parametrize("room", ["errors.py", *ROOMS])
def test_no_message_below_the_verbs_names_an_option(room):
    found = {
        str(file.relative_to(ROOT)): options
        for file in FILES
        if file.relative_to(ROOT).parts[0] == room
        and (options := options_in(file.read_text(encoding="utf-8")))
    }
    assert found == {}
