"""Lay out the documentation as one tree for the site: `python tools/site.py TARGET`.

The files keep their places relative to each other, so that a link that works in the repository
works on the site. Added are a reference of commands, from their own help, and the notebooks as
pages. `make site` builds the tree with Zensical.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer.main
from typer.testing import CliRunner

from tamis.interfaces.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
TOP: Final = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")
MADE: Final = re.compile(r"<!--.*?-->\n*", re.DOTALL)
"""What guides set up for their own test, hidden from readers."""


def lay_out(target: Path) -> None:
    """Fill `target`, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target / "docs", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(ROOT / "docs" / "images", target / "docs" / "images", dirs_exist_ok=True)
    shutil.copytree(
        ROOT / "benchmarks", target / "benchmarks", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in TOP:
        shutil.copy(ROOT / name, target / name)
    shutil.copy(ROOT / "README.md", target / "index.md")
    for page in target.rglob("*.md"):
        page.write_text(MADE.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
    for notebook in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        page = target / "docs" / "notebooks" / f"{notebook.stem}.md"
        page.write_text(as_page(json.loads(notebook.read_text(encoding="utf-8"))), encoding="utf-8")
    reference = target / "docs" / "reference" / "commands.md"
    reference.write_text("".join(commands()), encoding="utf-8")


def as_page(notebook: dict[str, Any]) -> str:
    """Return a notebook as Markdown, each cell followed by what it printed."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [f"```text\n{''.join(output['text'])}```" for output in cell["outputs"]]
    return "\n\n".join(parts) + "\n"


def commands() -> Iterator[str]:
    """Yield the reference of commands: the help of each, as `tamis COMMAND --help` prints it."""
    yield "# Commands\n\nWhat `tamis COMMAND --help` prints.\n"
    for words in _leaves(typer.main.get_command(app), ()):
        shown = CliRunner().invoke(app, [*words, "--help"], terminal_width=100)
        if shown.exit_code:
            raise SystemExit(f"tamis {' '.join(words)} --help ended with {shown.exit_code}")
        yield f"\n## tamis {' '.join(words)}\n\n```text\n{shown.output.strip()}\n```\n"


def _leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    if getattr(command, "hidden", False):
        return
    if not inner:
        yield words
    for name, each in inner.items():
        yield from _leaves(each, (*words, name))


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
