"""Alarms on their way to whoever should know: a command, a web address, again until it works."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from tamis.errors import StorageError
from tamis.observability.state_file import StateFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tamis.services.drift.live.state import LiveAlarm

__all__ = ["Delivery", "Hooks"]

_TIMEOUT: Final = 10.0
_COMMAND_TIMEOUT: Final = 60.0
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 300.0
_MOST_TRIES: Final = 30
"""Over about two hours."""

_MOST_WAITING: Final = 1000


@dataclass(frozen=True)
class Hooks:
    """What is told of an alarm.

    Attributes:
        command: words of a command that gets it as JSON on its standard input.
        url: an address that it is posted to as JSON.
    """

    command: Sequence[str] = ()
    url: str | None = None

    def named(self) -> list[str]:
        """Return those that there are."""
        return [name for name, one in (("command", self.command), ("url", self.url)) if one]


@dataclass
class _Errand:
    """One alarm on its way to one hook."""

    hook: str
    alarm: dict[str, Any]
    tries: int = 0
    due: float = 0.0


@dataclass
class _Outbox:
    queued: dict[str, int] = field(default_factory=dict)
    errands: list[_Errand] = field(default_factory=list)


class Delivery:
    """Brings alarms to hooks, each at least once; those under way survive a restart.

    A hook that fails is tried again after 1, 2, 4 seconds and so on, at most
    5 minutes, thirty times.

    Args:
        folder: where what is under way is kept.
        hooks: who is told.
        clock: seconds, for tests.

    Attributes:
        delivered: how many were brought.
        failures: attempts that failed.
        given_up: alarms that no attempt could bring.
        last_error: what the latest failure said; empty if there was none.
    """

    def __init__(
        self, folder: Path, hooks: Hooks, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._hooks = hooks
        self._clock = clock
        self._file = StateFile(folder / "alarms.json")
        self._outbox = self._read()
        self._change = threading.Condition()
        self._ending = False
        self._thread: threading.Thread | None = None
        self.delivered, self.failures, self.given_up = 0, 0, 0
        self.last_error = ""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._ending = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join(timeout=_TIMEOUT)

    @property
    def waiting(self) -> int:
        """Alarms that are under way."""
        return len(self._outbox.errands)

    def put(self, alarm: LiveAlarm) -> None:
        """Let hooks know of an alarm, once however often it is put."""
        with self._change:
            if self._outbox.queued.get(alarm.reference, 0) >= alarm.number:
                return
            self._outbox.queued[alarm.reference] = alarm.number
            told = {**asdict(alarm), "message": _message(alarm)}
            errands = [_Errand(name, told, due=self._clock()) for name in self._hooks.named()]
            self._outbox.errands = [*self._outbox.errands, *errands][-_MOST_WAITING:]
            self._write()
            self._change.notify()

    def attempt(self) -> float | None:
        """Try what is due, and return in how many seconds the next is; None if there is none."""
        with self._change:
            now = self._clock()
            due = [one for one in self._outbox.errands if one.due <= now]
        for errand in due:
            error = self._brought(errand)
            with self._change:
                errand.tries += 1
                if error:
                    self.failures += 1
                    self.last_error = f"{errand.hook}: {error}"
                    errand.due = self._clock() + min(
                        _LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (errand.tries - 1)
                    )
                else:
                    self.delivered += 1
                gone = not error or errand.tries >= _MOST_TRIES
                if error and gone:
                    self.given_up += 1
                if gone and errand in self._outbox.errands:
                    self._outbox.errands.remove(errand)
                self._write()
        with self._change:
            times = [one.due for one in self._outbox.errands]
            return max(0.0, min(times) - self._clock()) if times else None

    def _run(self) -> None:
        while True:
            pause = self.attempt()
            with self._change:
                if self._ending:
                    return
                self._change.wait(pause)
                if self._ending:
                    return

    def _brought(self, errand: _Errand) -> str:
        """Bring an alarm to a hook, and return what went wrong; empty if nothing did."""
        content = json.dumps(errand.alarm).encode()
        if errand.hook == "command":
            return _ran(self._hooks.command, content)
        return _posted(
            self._hooks.url or "", content, f"{errand.alarm['reference']}/{errand.alarm['number']}"
        )

    def _read(self) -> _Outbox:
        values = self._file.read()
        if values is None:
            return _Outbox()
        there = set(self._hooks.named())
        try:
            errands = [_Errand(**one) for one in values["errands"]]
        except (KeyError, TypeError):
            return _Outbox()
        return _Outbox(values["queued"], [one for one in errands if one.hook in there])

    def _write(self) -> None:
        try:
            self._file.write(asdict(self._outbox))
        except StorageError as error:
            # alarms are brought all the same, as long as the process lives
            self.last_error = str(error)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nowhere: a post that is redirected would arrive as a question without content."""


def _posted(url: str, content: bytes, name: str) -> str:
    headers = {"Content-Type": "application/json", "Idempotency-Key": name}
    request = urllib.request.Request(url, content, headers, method="POST")  # noqa: S310 - checked before
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return f"answered {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__


def _ran(command: Sequence[str], content: bytes) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, without a shell
            list(command),
            input=content,
            capture_output=True,
            timeout=_COMMAND_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return f"ended with exit code {done.returncode}: {said[:200]}"


def _message(alarm: LiveAlarm) -> str:
    since = "" if alarm.since is None else f", since about {alarm.since}"
    return (
        f"drift from {alarm.reference}: the running e-value reached {alarm.e_value:.3g} by "
        f"{', '.join(alarm.figures) or 'several figures together'}{since}"
    )
