"""What one server knows: its dataset, the rows in memory, answers, selections and jobs."""

from __future__ import annotations

import tempfile
import threading
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.images.decode import decode
from tamis.interfaces.server.facets import facets_of, filterable
from tamis.interfaces.server.jobs import Jobs
from tamis.interfaces.server.pictures import Thumbnails
from tamis.interfaces.server.questions import Answers
from tamis.interfaces.server.row_table import RowTable
from tamis.interfaces.server.saved import Saved
from tamis.interfaces.server.selections import Selections
from tamis.machine import return_free_memory
from tamis.runtime.dataset_at import open_dataset
from tamis.runtime.workspace import Workspace, execute

if TYPE_CHECKING:
    from tamis.interfaces.server.heat_maps import HeatMaps
    from tamis.interfaces.server.questions import Answer, Question
    from tamis.interfaces.server.queues.room import QueueRoom
    from tamis.interfaces.server.segmenter import Segmenter
    from tamis.interfaces.server.selections import Selection
    from tamis.verbs.feedback import Feedback
    from tamis.verbs.request import Request

__all__ = ["Session"]


class Session:
    """A dataset that is open in a server. Thread-safe.

    Args:
        path: the dataset's folder, or its address at an object store as a path.
        segmenter: what makes masks of points; None if the user named none.

    Raises:
        DatasetMissingError: there is no dataset.
    """

    def __init__(self, path: Path, segmenter: Segmenter | None = None) -> None:
        self.segmenter = segmenter
        self._at = path
        self.workspace = Workspace(open_dataset(path))
        self.thumbnails = Thumbnails(self.workspace.samples)
        self.answers = Answers()
        self.selections = Selections()
        self.shown: Selection | None = None
        self.chosen: Selection | None = None
        self.jobs = Jobs()
        self.saved = Saved(self.workspace.path)
        self.lock = threading.RLock()
        self.examples: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="tamis-app-")
        self._numbers = count(1)
        self._table: RowTable | None = None
        self._tidied: int | None = None

    @cached_property
    def queues(self) -> QueueRoom:
        """The review queues; what they take to load is loaded when they are first asked for."""
        from tamis.interfaces.server.queues.room import QueueRoom

        return QueueRoom(self)

    @cached_property
    def heat(self) -> HeatMaps:
        """Heat-maps of pictures, loaded likewise."""
        from tamis.interfaces.server.heat_maps import HeatMaps

        return HeatMaps(self.workspace)

    def refresh(self) -> int:
        """See what other processes wrote; return the number of the newest snapshot."""
        with self.lock:
            self.workspace.store.refresh()
            return self.workspace.store.snapshot

    @property
    def table(self) -> RowTable:
        """The rows of the newest snapshot that is known."""
        with self.lock:
            if self._table is None or self._table.snapshot != self.workspace.store.snapshot:
                self._table = RowTable(self.workspace.samples, self._table)
            return self._table

    def ask(self, question: Question) -> Answer:
        """Return the answer to a question.

        Raises:
            TamisError: it cannot be asked of this dataset.
        """
        with self.lock:
            return self.answers.ask(self.workspace, self.table, question, self.examples)

    def facets(self, question: Question) -> list[dict[str, Any]]:
        """Return what columns hold under a question's filters.

        Raises:
            UsageError: the filters do not fit.
        """
        with self.lock:
            found = facets_of(self.table, question, filterable(self.workspace.samples))
            self.tidy()
            return found

    def tidy(self) -> None:
        """Give back the memory that reading a new snapshot took beyond what is kept of it."""
        if self._tidied != self.table.snapshot:
            self._tidied = self.table.snapshot
            return_free_memory()

    def do(self, request: Request[Any]) -> Any:
        """Do what a quick request asks.

        Raises:
            TamisError: it cannot be done.
        """
        with self.lock:
            # what is written is made of what is read: what others wrote since must not be lost
            self.workspace.store.refresh()
            return execute(self.workspace, request)

    def do_alone(self, request: Request[Any], feedback: Feedback) -> Any:
        """Do what a long request asks, on a view of the dataset of its own.

        Raises:
            TamisError: it cannot be done.
        """
        workspace = Workspace(open_dataset(self._at))
        return execute(workspace, request, feedback)

    def new_place(self, ending: str) -> Path:
        """Return a place for a file or folder that goes when the server ends."""
        return Path(self._folder.name) / f"{next(self._numbers)}{ending}"

    def add_example(self, data: bytes) -> str:
        """Keep a picture to search by; return its name in questions.

        Raises:
            PictureError: it cannot be read.
        """
        decode(data, "the picture that was dropped", min_side=64)
        place = self.new_place(".picture")
        place.write_bytes(data)
        name = f"example-{place.stem}"
        self.examples[name] = str(place)
        return name

    def close(self) -> None:
        """Ask jobs to end, and remove files of the session."""
        for job in self.jobs.all():
            job.stop.set()
        self._folder.cleanup()
