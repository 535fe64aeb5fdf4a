"""Run the notebooks and keep what they print: `python tools/run_notebooks.py [NAME.ipynb ...]`.

Cells run in order in one process and an empty folder, as a user runs them. Only text is kept.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTEBOOKS: Final = Path(__file__).resolve().parents[1] / "docs" / "notebooks"


def run(notebook: Path, folder: Path) -> list[str]:
    """Return what each code cell printed, run in `folder`; a cell that fails raises."""
    printed = []
    notebook = notebook.resolve()
    names: dict[str, Any] = {"__name__": "__main__"}
    with _at(folder), _importable(notebook.parent):
        for number, source in enumerate(_sources(json.loads(notebook.read_text("utf-8")))):
            with redirect_stdout(io.StringIO()) as out:
                exec(compile(source, f"{notebook.name}, cell {number}", "exec"), names)  # noqa: S102
            printed.append(out.getvalue())
    return printed


def keep(notebook: Path) -> None:
    """Run a notebook and write what its cells printed into it."""
    with tempfile.TemporaryDirectory() as folder:
        printed = run(notebook, Path(folder))
    content = json.loads(notebook.read_text("utf-8"))
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    for number, (cell, text) in enumerate(zip(cells, printed, strict=True), 1):
        lines = text.splitlines(keepends=True)
        cell["execution_count"] = number
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": lines}] * bool(lines)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    notebook.write_text(f"{text}\n", encoding="utf-8")


def _sources(content: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]


@contextmanager
def _at(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        keep(path)
