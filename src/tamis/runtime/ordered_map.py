"""Map items through a stage by several workers, a bounded number ahead, in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tamis.errors import PictureError
from tamis.runtime.worker_process import WorkerDied, WorkerProcesses

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from contextlib import AbstractContextManager

    from tamis.runtime.stage import In, Out, Stage

__all__ = ["ordered_map"]


def ordered_map(
    stage: Stage[In, Out],
    items: Iterable[In],
    *,
    workers: int,
    ahead: int = 2,
    weight: Callable[[In], int] = lambda _item: 1,
    processes: bool = False,
    pool: Callable[[Stage[In, Out]], AbstractContextManager[Callable[[In], Out]]] | None = None,
) -> Generator[Out]:
    """Yield what a stage makes of each item, in the order of the items.

    Items are taken as there is room for them: what was taken and not yet yielded weighs at most
    `workers * ahead`, or is one item. A bad item costs itself: its outcome is what `stage.failed`
    says. Any other exception is raised, with its type, in the turn of its item; what was under way
    is then dropped. Close the generator to stop early.

    In processes, each worker opens the stage anew, items and outcomes are pickled, and an item that
    ends its process, such as by a crash of a decoder, is a bad item too: its parts are tried one by
    one in new processes. Processes start when there is work for them, without running the user's
    main module, and ignore Ctrl-C, which is the caller's to handle.

    Args:
        stage: the work.
        items: in order.
        workers: threads, each with a worker of its own if the work is done elsewhere.
        ahead: what may be under way for each worker.
        weight: of an item, above 0 and small where it takes little memory.
        processes: work in processes, for what holds the interpreter's lock.
        pool: where the work is done, if neither here nor in processes, such as `RayWorkers`.

    Raises:
        WorkerError: a worker process cannot be started.
    """
    waiting: deque[tuple[Future[Out], int]] = deque()
    load, room = 0, workers * ahead
    with ExitStack() as stack:
        threads = ThreadPoolExecutor(workers, thread_name_prefix="tamis-work")
        function: Callable[[In], Out]
        if processes or pool is not None:
            # Processes that are still at work when all ends are ended, so that no thread waits.
            stack.callback(threads.shutdown, cancel_futures=True)
            function = stack.enter_context((pool or WorkerProcesses)(stage))
            stack.callback(_drop, waiting)
        else:
            # Threads that are still at work need the stage.
            function = stack.enter_context(stage.open())
            stack.callback(threads.shutdown, cancel_futures=True)
        for item in items:
            heavy = weight(item)
            while waiting and (load + heavy > room or waiting[0][0].done()):
                load -= waiting[0][1]
                yield waiting.popleft()[0].result()
            waiting.append((threads.submit(_outcome, stage, function, item), heavy))
            load += heavy
        while waiting:
            yield waiting.popleft()[0].result()


def _outcome(stage: Stage[In, Out], function: Callable[[In], Out], item: In) -> Out:
    try:
        return function(item)
    except PictureError as error:
        return stage.failed(item, error.reason)
    except WorkerDied as death:
        parts = stage.parts(item)
        if len(parts) == 1:
            return stage.failed(item, str(death))
        return stage.joined([_outcome(stage, function, part) for part in parts])


def _drop(waiting: deque[tuple[Future[Out], int]]) -> None:
    for future, _ in waiting:
        future.cancel()
