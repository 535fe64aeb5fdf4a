"""Services ask the dataset's one view for rows and vectors; none writes conditions by hand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tamis

ROOT = Path(tamis.__file__).parent
FILES = [
    file
    for room in ("services", "runtime", "formats", "pages", "interfaces")
    for file in sorted((ROOT / room).rglob("*.py"))
]
SQL = re.compile(r"\bIS (NOT )?NULL\b|\bkind = '")
SHOWN = {
    # what users are told to write
    "formats/exports/export.py",
    "services/coverage/run.py",
    "services/split/run.py",
}


def faults_of(source: str) -> list[str]:
    """Return what a file asks of a dataset behind the back of `Samples`, with its line."""
    tree = ast.parse(source)
    texts = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name == "vector_columns" or (name == "columns" and not node.args):
                found.append(f"{node.lineno}: {name}()")
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in texts and SQL.search(text):
            found.append(f"{node.lineno}: {text!r}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_rows_are_asked_for_through_samples(file):
    found = faults_of(file.read_text(encoding="utf-8"))
    if file.relative_to(ROOT).as_posix() not in SHOWN:
        assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "store.count('label IS NULL')",
        "store.vector_columns()",
        "'kind' in self._store.columns()",
        "store.read(['path'], f'{mark} IS NOT NULL')",
    ],
)
def test_what_goes_behind_its_back_is_found(source):
    assert faults_of(source)
    assert not faults_of(f'"""{source}"""'.replace("'", ""))


def test_one_file_knows_how_this_system_locks():
    using = [
        file.relative_to(ROOT).as_posix()
        for file in ROOT.rglob("*.py")
        if re.search(r"^\s*(import|from) fcntl", file.read_text("utf-8"), re.MULTILINE)
    ]
    assert using == ["dataset/storage.py"]
