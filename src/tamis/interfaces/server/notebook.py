"""The page in a notebook: a frame, and what is selected in it as a query."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from tamis.dataset.columns import Column, one_of
from tamis.errors import MissingExtraError, UsageError
from tamis.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.interfaces.server.selections import Selection

__all__ = ["NotebookApp", "Shown", "open_in_notebook"]

NOTEBOOKS: Final = ("http://127.0.0.1:*", "http://localhost:*")
"""Where notebooks are shown that run on this machine."""

_LEAST_HEIGHT: Final = 200


@dataclass(frozen=True)
class Shown:
    """Pictures that the page shows, or that are selected there.

    Attributes:
        count: how many.
        where: the SQL condition that they meet, for every verb's `where`; None for all pictures.
    """

    count: int
    where: str | None

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        where = self.where or "all"
        brief = where if len(where) <= 60 else f"{where[:57]}..."  # noqa: PLR2004 - a line
        return f"{counted(self.count, 'picture')} ({brief})"


class NotebookApp:
    """The page of a dataset as a notebook shows it; made by `tamis.Dataset.app`.

    The server runs in this process until `close`, or until the process ends. The frame's address
    carries a token that is worth nothing afterwards, though a saved notebook holds it. The page
    keeps it in memory and sends it with every request.
    """

    def __init__(self, dataset: Path, height: int, framed_by: tuple[str, ...]) -> None:
        from tamis.interfaces.server.serve import open_server

        self._height = height
        self._opened = open_server(dataset, framed_by=framed_by)
        self._thread = threading.Thread(target=self._opened.run, name="tamis app", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the frame leads."""
        door = self._opened.door
        return f"http://127.0.0.1:{door.port}/#token={door.token}"

    @property
    def selection(self) -> Shown | None:
        """What is selected in the page; None where nothing is."""
        return _shown(self._opened.session.chosen)

    @property
    def shown(self) -> Shown | None:
        """What passes the page's filters; None until the page has been shown."""
        return _shown(self._opened.session.shown)

    def close(self) -> None:
        """End the server."""
        self._opened.server.should_exit = True
        self._thread.join(10)

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{escape(self.address)}" title="tamis" allow="fullscreen" '
            f'style="width: 100%; height: {self._height}px; border: 1px solid #8886"></iframe>'
        )


def open_in_notebook(dataset: Path, height: int, framed_by: tuple[str, ...]) -> NotebookApp:
    """Start the page of a dataset for a frame.

    Raises:
        MissingExtraError: Starlette or uvicorn is not installed.
        UsageError: the height or an origin cannot be used.
    """
    try:
        import starlette  # noqa: F401 - whether it is there
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("the page", "app") from error
    if height < _LEAST_HEIGHT:
        raise UsageError(f"the height is {height}; give {_LEAST_HEIGHT} or more")
    for origin in framed_by:
        if any(sign in origin for sign in " ;,'\"") or ":" not in origin or not origin.isascii():
            raise UsageError(f"{origin!r} is no origin; give one such as https://hub.example.org")
    return NotebookApp(dataset, height, (*NOTEBOOKS, *framed_by))


def _shown(found: Selection | None) -> Shown | None:
    if found is None:
        return None
    if found.query is None:
        return Shown(len(found), one_of(Column.SAMPLE_ID, found.ids.to_pylist()))
    where: str | None = found.query.get("where")
    return Shown(len(found), where)
