"""Long verbs that run beside the page, with progress, to be watched and cancelled."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from tamis.errors import TamisError, UsageError
from tamis.verbs.feedback import Feedback
from tamis.verbs.result import document_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tamis.types import Progress

__all__ = ["Job", "Jobs"]

_KEPT = 50


class _CancelledError(Exception):
    """Leaves the work from where it tells its progress; what was committed stands."""


@dataclass
class Job:
    """One piece of long work.

    Attributes:
        number: its name.
        verb: what is done.
        state: how it stands.
        stage: what it is at.
        done: pictures of that stage that are finished.
        total: of how many; None while unknown.
        error: why it failed, as a sentence.
        result: its result's document, or what its work returned.
        notes: what it told on the way.
        started: seconds since 1970.
        finished: likewise; None while it runs.
    """

    number: int
    verb: str
    state: Literal["running", "done", "failed", "cancelled"] = "running"
    stage: str = ""
    done: int = 0
    total: int | None = None
    error: str | None = None
    result: Any = None
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.time)
    finished: float | None = None
    stop: threading.Event = field(default_factory=threading.Event, repr=False)
    over: threading.Event = field(default_factory=threading.Event, repr=False)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        names = ("number", "verb", "state", "stage", "done", "total", "error", "result", "notes")
        return {name: document_of(getattr(self, name)) for name in (*names, "started", "finished")}

    def feedback(self) -> Feedback:
        """Return what the work tells how far it has come."""

        def open_stage(name: str) -> Progress:
            self.stage, self.done, self.total = name, 0, None

            def update(done: int, total: int | None) -> None:
                self.done, self.total = done, total
                if self.stop.is_set():
                    raise _CancelledError

            return update

        return Feedback(stage=open_stage, note=self.notes.append, stop=self.stop)


class Jobs:
    """The jobs of a server, newest last; each has a thread of its own."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def start(self, verb: str, work: Callable[[Feedback], Any]) -> Job:
        """Begin work in a thread."""
        with self._lock:
            job = Job(next(self._numbers), verb)
            self._jobs[job.number] = job
            over = [one for one in self._jobs.values() if one.state != "running"]
            for old in over[: max(len(self._jobs) - _KEPT, 0)]:
                del self._jobs[old.number]
        threading.Thread(target=_run, args=(job, work), name=f"job {verb}", daemon=True).start()
        return job

    def of(self, number: int) -> Job:
        """Return a job.

        Raises:
            UsageError: there is none of that number.
        """
        if number not in self._jobs:
            raise UsageError(f"there is no job {number}")
        return self._jobs[number]

    def all(self) -> list[Job]:
        """Return the jobs, oldest first."""
        return list(self._jobs.values())

    def cancel(self, number: int) -> Job:
        """Ask a job to end at the next picture.

        Raises:
            UsageError: there is none of that number.
        """
        job = self.of(number)
        job.stop.set()
        return job


def _run(job: Job, work: Callable[[Feedback], Any]) -> None:
    try:
        result = work(job.feedback())
    except _CancelledError:
        job.state = "cancelled"
    except TamisError as error:
        job.state = "cancelled" if job.stop.is_set() else "failed"
        job.error = str(error)
    except Exception as error:  # noqa: BLE001 - the page shows what ended the thread
        job.state = "failed"
        job.error = f"a defect of tamis: {type(error).__name__}: {error}"
    else:
        job.result = result
        job.state = "cancelled" if job.stop.is_set() else "done"
    finally:
        if job.state == "running":
            job.state, job.error = "failed", "the work ended its thread"
        job.finished = time.time()
        job.over.set()
