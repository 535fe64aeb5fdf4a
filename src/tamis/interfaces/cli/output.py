"""What the command line prints: one JSON document on stdout, all else on stderr."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from tamis.outside_text import showable, showable_json
from tamis.types import no_progress
from tamis.verbs.feedback import Feedback
from tamis.verbs.result import document_of
from tamis.wording import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis.types import Progress

__all__ = ["Output"]

# a cell that is wider moves what is right of it in its own row alone
_WIDEST = 50


class _SpeedColumn(ProgressColumn):
    """Pictures per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class Output:
    """Prints a verb's result for a person or, with `as_json`, for a program.

    Args:
        as_json: print one JSON document on stdout and nothing else there.
        quiet: print no notes and draw no progress bars.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._out = Console(highlight=False, soft_wrap=True, emoji=False)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

    def document(self, value: Any) -> None:
        """Print `value` as the one JSON document, if JSON was asked for."""
        if self.as_json:
            value = document_of(value)
            ascii_only = codecs.lookup(sys.stdout.encoding or "ascii").name != "utf-8"
            encoder = json.JSONEncoder(ensure_ascii=False, indent=2)
            for piece in encoder.iterencode(value):
                sys.stdout.write(showable_json(piece, ascii_only=ascii_only))
            sys.stdout.write("\n")

    def say(self, sentence: str) -> None:
        """Print a result for a person."""
        if not self.as_json:
            self._out.print(showable(sentence, lines=True), markup=False)

    def note(self, sentence: str) -> None:
        """Print on stderr what is good to know but is not the result."""
        if not self.quiet:
            self._err.print(showable(sentence, lines=True), markup=False)

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        last_below: bool = False,
    ) -> None:
        """Print a table for a person; without rows, nothing.

        A file or a program gets each row as one line, whole, with two spaces between columns. With
        `last_below` a terminal gets the last cell of each row on a line of its own, unbroken: a
        command that can be copied.
        """
        rows = list(rows)
        if self.as_json or not rows:
            return
        if last_below and self._out.is_terminal:
            head, *lines = _aligned(columns[:-1], [row[:-1] for row in rows])
            self._out.print(Text(head, style="bold"))
            for line, row in zip(lines, rows, strict=True):
                self._out.print(line, markup=False)
                if cell := _cell(row[-1]):
                    self._out.print(f"          {cell}", markup=False)
            return
        if not self._out.is_terminal:
            for line in _aligned(columns, rows):
                self._out.print(line, markup=False)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column, right in zip(columns, _numeric(len(columns), rows), strict=True):
            table.add_column(column, justify="right" if right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row))
        self._out.print(table)

    @contextmanager
    def stages(self) -> Iterator[Callable[[str], Progress]]:
        """Yield a function that opens one progress bar for each named stage of the work."""
        if self.quiet or not self._err.is_terminal:
            yield lambda _name: no_progress
            return
        bars = RichProgress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            _SpeedColumn(),
            TimeRemainingColumn(),
            console=self._err,
        )
        with bars:

            def stage(name: str) -> Progress:
                task = bars.add_task(name, total=None)

                def update(done: int, total: int | None) -> None:
                    bars.update(task, completed=done, total=total)

                return update

            yield stage

    @contextmanager
    def feedback(self) -> Iterator[Feedback]:
        """Yield what a verb tells its progress to: bars and notes."""
        with self.stages() as stage:
            yield Feedback(stage=stage, note=self.note)

    @contextmanager
    def line(self) -> Iterator[Callable[[str], None]]:
        """Yield a function that shows a sentence in one line that changes, on a terminal."""
        if self.quiet or not self._err.is_terminal:
            yield lambda _sentence: None
            return
        with self._err.status("") as status:
            yield lambda sentence: status.update(Text(showable(sentence)))


def _numeric(columns: int, rows: Sequence[Sequence[object]]) -> list[bool]:
    return [all(isinstance(row[at], int | float) for row in rows) for at in range(columns)]


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield a table's lines, columns padded to their widest cell, or to 50 letters."""
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [min(max(map(cell_len, column)), _WIDEST) for column in zip(*lines, strict=True)]
    right = _numeric(len(columns), rows)
    for line in lines:
        cells = []
        for cell, width, to_right in zip(line, widths, right, strict=True):
            padding = " " * (width - cell_len(cell))
            cells.append(padding + cell if to_right else cell + padding)
        yield "  ".join(cells).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return short(value)
    return showable(str(value))
