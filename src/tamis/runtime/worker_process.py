"""Processes that share the work of a stage, each served by a thread.

A process is a fresh interpreter that imports tamis alone: nothing of this process is copied, and
the user's main module is not run again, so that scripts and notebooks need no guard.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from typing import IO, TYPE_CHECKING, Any, Final, Generic, Self

from tamis.errors import TamisError, WorkerError
from tamis.machine import keep_heaps_few
from tamis.runtime.stage import In, Out, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WorkerDied", "WorkerProcesses", "error_as_message", "serve"]

_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from tamis.runtime.worker_process import serve; serve()"
)
_PATIENCE: Final = 5.0
_LENGTH_BYTES: Final = 8


class WorkerDied(Exception):  # noqa: N818 - what happened, rather than a mistake
    """The process that worked on an item ended; the text says how."""


class WorkerProcesses(Generic[In, Out]):
    """Does a stage's work in processes: one for each thread that calls, started when it does.

    On leaving, processes end; those still at work are killed.

    Args:
        stage: the work; pickled.

    Raises:
        UsageError: the stage cannot be pickled.
    """

    def __init__(self, stage: Stage[In, Out]) -> None:
        self._stage = pickle.dumps(stage)
        self._of_thread = threading.local()
        self._all: list[_Process] = []
        self._change = threading.Lock()
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._stopped = True
            processes = list(self._all)
        for process in processes:
            process.end()

    def __call__(self, item: In) -> Out:
        """Return what the stage's function does, in this thread's process.

        Raises:
            WorkerDied: the process ended; the next call starts another.
            WorkerError: the process cannot be started.
            Exception: whatever the function or the stage's `open` raised, with its type.
        """
        process: _Process | None = getattr(self._of_thread, "process", None)
        if process is None:
            process = self._start()
        try:
            found: Out = process.ask(item)
        except WorkerDied:
            self._forget(process)
            raise
        return found

    def _start(self) -> _Process:
        with self._change:
            if self._stopped:
                raise WorkerError("the work was stopped")
            process = _Process()
            self._all.append(process)
        try:
            process.open(self._stage)
        except BaseException:
            self._forget(process)
            raise
        self._of_thread.process = process
        return process

    def _forget(self, process: _Process) -> None:
        self._of_thread.process = None
        process.end()
        with self._change:
            self._all.remove(process)


class _Process:
    """One process, asked by one thread at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _START, json.dumps(sys.path)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and text
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            raise WorkerError(
                f"cannot start a worker process ({sys.executable}): {error.strerror}"
            ) from error
        self._busy = False

    def open(self, stage: bytes) -> None:
        """Hand the stage over and wait until it is open."""
        try:
            self._answer(stage)
        except WorkerDied as death:
            raise WorkerError(
                f"a worker process ended before it could begin: it {death}; use fewer workers if "
                "memory is short"
            ) from death

    def ask(self, item: object) -> Any:
        """Return what becomes of an item."""
        return self._answer(pickle.dumps(item))

    def end(self) -> None:
        """End the process; at once if it is at work."""
        if self._busy:
            self._process.kill()
        self._close(self._process.stdin)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close(self._process.stdout)

    def _close(self, pipe: IO[bytes] | None) -> None:
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()

    def _answer(self, message: bytes) -> Any:
        tasks, answers = self._process.stdin, self._process.stdout
        assert tasks is not None
        assert answers is not None
        self._busy = True
        try:
            _send(tasks, message)
            answer = _receive(answers)
        except OSError as error:
            raise WorkerDied(self._how_it_ended()) from error
        finally:
            self._busy = False
        if answer is None:
            raise WorkerDied(self._how_it_ended())
        done, outcome = pickle.loads(answer)  # noqa: S301 - from our own process
        if not done:
            raise outcome
        return outcome

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return "gave no answer that can be read"
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


def serve() -> None:
    """Work for the parent process until it closes the pipe or ends; the main of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_heaps_few()
    # Whatever prints or reads must not take part in the conversation.
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    function: Callable[[Any], Any] | None = None
    with contextlib.suppress(BrokenPipeError), contextlib.ExitStack() as stack:
        while (message := _receive(tasks)) is not None:
            try:
                content = pickle.loads(message)  # noqa: S301 - from our own parent
                if function is None:
                    function = stack.enter_context(content.open())
                    answer = pickle.dumps((True, None))
                else:
                    answer = pickle.dumps((True, function(content)))
            except Exception as error:  # noqa: BLE001 - raised again in the parent
                answer = error_as_message(error)
            _send(answers, answer)


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(_LENGTH_BYTES))
    pipe.write(message)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """Return the next message; None if the other side has ended, also in the middle of one."""
    length = pipe.read(_LENGTH_BYTES)
    if len(length) < _LENGTH_BYTES:
        return None
    wanted = int.from_bytes(length)
    message = pipe.read(wanted)
    return message if len(message) == wanted else None


def error_as_message(error: Exception) -> bytes:
    """Return an error, pickled as the outcome of an item; where it cannot be, its text."""
    if not isinstance(error, TamisError):
        error.add_note("".join(traceback.format_exception(error)))
    with contextlib.suppress(Exception):
        message = pickle.dumps((False, error))
        pickle.loads(message)  # noqa: S301 - some errors can be pickled and not unpickled
        return message
    return pickle.dumps((False, RuntimeError("".join(traceback.format_exception(error)))))
