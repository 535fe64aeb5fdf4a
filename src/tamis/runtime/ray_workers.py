"""Workers on a Ray cluster that share the work of a stage, each served by a thread here.

The machines of the cluster have tamis installed and see the pictures under the same paths. This
process alone writes: what a worker makes is sent back, so that nothing of a worker that is lost,
or of a whole run that is killed, can be half written.
"""

from __future__ import annotations

import contextlib
import pickle
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self

from tamis.errors import MissingExtraError, UsageError, WorkerError
from tamis.runtime.stage import In, Out, Stage
from tamis.runtime.worker_process import WorkerDied, error_as_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["RayWorkers", "workers_of"]

_TRIES: Final = 3
"""Workers that one item may lose before it is taken for the cause: machines fail too."""


class RayWorkers(Generic[In, Out]):
    """Does a stage's work by actors on a Ray cluster: one for each thread that calls.

    A worker that is lost costs nothing: its item goes to another. An item that loses one worker
    after the other is the cause itself.

    Args:
        stage: the work; pickled.
        address: of the cluster, `auto` for the one that this machine belongs to.
        gpus: for each worker, such as .5 for two on one; 0 for processors alone.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: there is no cluster at the address.
    """

    def __init__(self, stage: Stage[In, Out], address: str = "auto", gpus: float = 0.0) -> None:
        self._stage = pickle.dumps(stage)
        self._address = address
        self._gpus = gpus
        self._of_thread = threading.local()
        self._all: list[Any] = []
        self._change = threading.Lock()
        self._stopped = False
        self._ray = _ray()

    def __enter__(self) -> Self:
        _connect(self._ray, self._address)
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._stopped = True
            actors = list(self._all)
        for actor in actors:
            self._ray.kill(actor, no_restart=True)

    def __call__(self, item: In) -> Out:
        """Return what the stage's function does, on some machine of the cluster.

        Raises:
            WorkerDied: the item ended one worker after the other.
            WorkerError: a worker cannot begin.
            Exception: whatever the function or the stage's `open` raised, with its type.
        """
        message = pickle.dumps(item)
        for _ in range(_TRIES):
            actor = getattr(self._of_thread, "actor", None) or self._start()
            try:
                answer = self._ray.get(actor.work.remote(message))
            except self._ray.exceptions.RayActorError:
                self._forget(actor)
            else:
                done, outcome = pickle.loads(answer)  # noqa: S301 - from our own worker
                if not done:
                    raise outcome
                found: Out = outcome
                return found
        raise WorkerDied(f"ended {_TRIES} workers of the cluster, one after the other")

    def _start(self) -> Any:
        with self._change:
            if self._stopped:
                raise WorkerError("the work was stopped")
            kind = self._ray.remote(num_cpus=1, num_gpus=self._gpus, max_restarts=0)(_Worker)
            actor = kind.remote(self._stage)
            self._all.append(actor)
        try:
            self._ray.get(actor.ready.remote())
        except self._ray.exceptions.RayActorError as error:
            self._forget(actor)
            raise WorkerError(f"a worker of the cluster could not begin: {error}") from error
        self._of_thread.actor = actor
        return actor

    def _forget(self, actor: Any) -> None:
        self._of_thread.actor = None
        with self._change, contextlib.suppress(ValueError):
            self._all.remove(actor)


def _size_of_cluster(address: str, resource: Literal["CPU", "GPU"]) -> int:
    """Return how many processors or GPUs a cluster has, at least 1."""
    ray = _ray()
    _connect(ray, address)
    return max(1, int(ray.cluster_resources().get(resource, 1)))


def workers_of(
    runner: str,
    address: str | None,
    workers: int | None,
    *,
    here: int,
    gpus: float = 0.0,
) -> tuple[int, Callable[[Stage[Any, Any]], AbstractContextManager[Callable[[Any], Any]]] | None]:
    """Return how many workers there are, and the pool that they are in, None for threads here.

    Args:
        runner: `local` or `ray`.
        address: of the cluster; None is the one that this machine belongs to.
        workers: as asked for; None is one for each processor, or for each GPU if `gpus`.
        here: how many there are on this machine alone.
        gpus: for each worker.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: there is no cluster at the address.
    """
    if runner == "local":
        return workers or here, None
    place = address or "auto"
    count = workers or _size_of_cluster(place, "GPU" if gpus else "CPU")
    return count, partial(RayWorkers, address=place, gpus=gpus)


class _Worker:
    """Has a stage open on a machine of the cluster."""

    def __init__(self, stage: bytes) -> None:
        self._open = contextlib.ExitStack()
        self._stage = stage
        self._function: Callable[[Any], Any] | None = None

    def ready(self) -> bool:
        """Return true once the worker runs."""
        return True

    def work(self, message: bytes) -> bytes:
        """Return the outcome of an item, or its error, pickled."""
        try:
            item = pickle.loads(message)  # noqa: S301 - from the process that runs us
            return pickle.dumps((True, self._opened()(item)))
        except Exception as error:  # noqa: BLE001 - raised again there
            return error_as_message(error)

    def _opened(self) -> Callable[[Any], Any]:
        if self._function is None:
            stage = pickle.loads(self._stage)  # noqa: S301 - from the process that runs us
            self._function = self._open.enter_context(stage.open())
        assert self._function is not None
        return self._function


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingExtraError("a Ray cluster", "ray") from error
    return ray


def _connect(ray: Any, address: str) -> None:
    """Connect, unless there is a connection; it lasts as long as this process."""
    if ray.is_initialized():
        return
    try:
        ray.init(address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError) as error:
        raise UsageError(
            f"there is no Ray cluster at {address!r} ({error}); start one here, or name the "
            "address of one"
        ) from error
