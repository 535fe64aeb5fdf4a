"""All queues of a server: what each asks now, what is left, and how long that will take."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.columns import Column, equal
from tamis.errors import UsageError
from tamis.interfaces.server.queues.defects import Defects
from tamis.interfaces.server.queues.drift import Drift
from tamis.interfaces.server.queues.item import Record
from tamis.interfaces.server.queues.labels import Propagated, Suspects
from tamis.interfaces.server.queues.pairs import Leaks, Pairs
from tamis.interfaces.server.queues.picks import Picks
from tamis.services.review.contract import AnswerReview, layer_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.interfaces.server.jobs import Job
    from tamis.interfaces.server.queues.item import Item, Queue
    from tamis.interfaces.server.session import Session

__all__ = ["QueueRoom"]

_QUEUES: Final = (Pairs, Suspects, Propagated, Picks, Leaks, Defects, Drift)
_MOST: Final = 100
_PAUSE: Final = 60.0
"""Seconds between two answers after which the person is taken to have left."""

_MEASURED: Final = 5
_LATEST: Final = 100
_SHOWN: Final = (
    Column.PATH,
    Column.LABEL,
    Column.SPLIT,
    Column.WIDTH,
    Column.HEIGHT,
)


class QueueRoom:
    """The queues of a session. What long work finds is kept until the server ends.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queues: dict[str, Queue] = {one.name: one() for one in _QUEUES}
        self._jobs: dict[str, Job] = {}
        self._made: dict[str, tuple[Any, list[Item]]] = {}
        self._items: dict[tuple[str, str], Item] = {}

    def overview(self) -> list[dict[str, Any]]:
        """Return what each queue is about, and how much of it is left."""
        with self._session.lock:
            return [self._about(queue) for queue in self._queues.values()]

    def start(self, name: str, where: str | None) -> dict[str, Any]:
        """Begin the work that finds a queue's questions; return how the queue stands.

        Raises:
            UsageError: there is no such queue, something has to be done before, or the condition is
                none.
        """
        queue = self._queue(name)
        with self._session.lock:
            if lacking := queue.lacks(self._session):
                raise UsageError(lacking)
            request = queue.request(self._session, where)
            if request is not None and not self._running(name):
                self._jobs[name] = self._session.jobs.start(
                    request.verb, lambda feedback: self._session.do_alone(request, feedback)
                )
            return self._about(queue)

    def document(self, name: str, limit: int, threshold: float | None) -> dict[str, Any]:
        """Return the next questions of a queue, those first that settle most.

        Args:
            name: of the queue.
            limit: how many.
            threshold: of questions with a score, only those above it.

        Raises:
            UsageError: there is no such queue.
        """
        queue = self._queue(name)
        with self._session.lock:
            left = self._left(queue, self._records(name))
            if threshold is not None:
                left = [one for one in left if one.score is None or one.score > threshold]
            shown = left[: min(limit, _MOST)]
            self._items |= {(name, one.key): one for one in shown}
            ids = list(dict.fromkeys(sample for one in shown for sample in one.shown))
            rows = self._session.workspace.samples.rows(_SHOWN, ids).to_pylist() if ids else []
            return {
                **self._about(queue, left),
                "items": [one.document() for one in shown],
                "pictures": dict(zip(ids, rows, strict=True)),
                "scores": [one.score for one in left if one.score is not None],
                "more": queue.more(self._session, self._result(name)),
            }

    def answer(self, name: str, given: Any) -> dict[str, Any]:
        """Write an answer: `key` of the question, `answer`, perhaps `label` and ids `without`.

        Raises:
            UsageError: there is no such question, or it cannot be answered so.
            ConflictError: another writer was in the way.
        """
        queue = self._queue(name)
        if not isinstance(given, dict) or set(given) - {"key", "answer", "label", "without"}:
            raise UsageError("an answer has a key, an answer, and perhaps a label and without")
        with self._session.lock:
            item = self._items.get((name, str(given.get("key"))))
            if item is None:
                raise UsageError("that question is not asked any more; load the queue again")
            without = given.get("without") or []
            if not isinstance(without, list) or set(map(str, without)) - set(item.ids):
                raise UsageError("without names pictures of the question")
            fields = {
                "queue": name,
                "answer": given.get("answer"),
                "ids": [one for one in item.ids if one not in without],
                **item.fields,
            }
            if given.get("label") is not None:
                fields["label"] = given["label"]
            report: dict[str, Any] = self._session.do(AnswerReview.of(fields)).document()
            return report | {
                "snapshot": self._session.workspace.store.snapshot,
                "left": len(self._left(queue, self._records(name))),
            }

    def _queue(self, name: str) -> Queue:
        if name not in self._queues:
            raise UsageError(f"there is no queue {name!r}; there are {', '.join(self._queues)}")
        return self._queues[name]

    def _about(self, queue: Queue, left: Sequence[Item] | None = None) -> dict[str, Any]:
        records = self._records(queue.name)
        if left is None:
            left = self._left(queue, records)
        job = self._jobs.get(queue.name)
        seconds = _pace(records) or queue.seconds
        found = queue.verb is None or self._result(queue.name) is not None
        return {
            "name": queue.name,
            "title": queue.title,
            "about": queue.about,
            "verb": queue.verb,
            "lacks": queue.lacks(self._session),
            "found": found or (queue.stored and bool(left or records)),
            "left": len(left),
            "answered": sum(map(len, records.values())),
            "seconds": seconds,
            "job": None if job is None else _progress(job),
        }

    def _running(self, name: str) -> bool:
        return name in self._jobs and self._jobs[name].state == "running"

    def _result(self, name: str) -> Any:
        job = self._jobs.get(name)
        return job.result if job is not None and job.state == "done" else None

    def _left(self, queue: Queue, records: Mapping[str, Sequence[Record]]) -> list[Item]:
        """Return the questions that are not answered, those first that settle most."""
        result = self._result(queue.name)
        if result is None and queue.verb is not None and not queue.stored:
            return []
        state = (self._session.table.snapshot, result)
        made = self._made.get(queue.name)
        if made is None or made[0][0] != state[0] or made[0][1] is not result:
            items = queue.items(self._session, result, records)
            items.sort(key=lambda one: (-one.gain, one.key))
            made = self._made[queue.name] = (state, items)
        return [one for one in made[1] if not queue.is_answered(one, records)]

    def _records(self, name: str) -> dict[str, list[Record]]:
        """Return the answers that stand, by sample id."""
        rows = self._session.workspace.store.annotations(
            ["sample_id", "text", "time"], equal("layer", layer_of(name))
        ).to_pylist()
        found: dict[str, list[Record]] = {}
        for row in rows:
            one = Record(row["sample_id"], row["text"], row["time"].timestamp())
            found.setdefault(one.sample_id, []).append(one)
        return found


def _pace(records: Mapping[str, Sequence[Record]]) -> float | None:
    """Return the median seconds that the latest answers took; None while they are few."""
    times = sorted({one.time for of_it in records.values() for one in of_it})[-_LATEST:]
    gaps = [b - a for a, b in pairwise(times) if b - a < _PAUSE]
    return statistics.median(gaps) if len(gaps) >= _MEASURED else None


def _progress(job: Job) -> dict[str, Any]:
    names = ("number", "state", "stage", "done", "total", "error")
    return {name: getattr(job, name) for name in names}
