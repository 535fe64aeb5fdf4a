"""Vectors of the frames that are looked at, on their way to a drift server."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, Self
from urllib.parse import urlsplit

from tamis.errors import InputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.types import Vectors

__all__ = ["DriftFeed", "check_address", "read_token"]

_AT_ONCE: Final = 50
_MOST_WAITING: Final = 5000
_TIMEOUT: Final = 30.0
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_REFUSED: Final = range(400, 500)
_TOO_MANY: Final = 429


class _Waiting(NamedTuple):
    series: str
    name: str
    vector: Vectors


class DriftFeed:
    """Posts vectors to a drift server, in their order, from a thread of its own.

    While the server does not answer, up to 5,000 vectors wait, then the oldest are lost. What it
    refuses is lost too. A vector that is sent twice, since an answer was, is counted once there.

    Args:
        address: of a reference, such as `http://127.0.0.1:8765/v1/references/line`.
        token: what the server asks for.

    Attributes:
        sent: vectors that the server has.
        lost: vectors that it never got.
        error: what went wrong last; empty if nothing did.
        alarm: the server's sentence on the alarm that it is in; empty if it is in none.
    """

    def __init__(self, address: str, token: str) -> None:
        self._address = f"{address.rstrip('/')}/vectors"
        self._token = token
        self._waiting: deque[_Waiting] = deque()
        self._change = threading.Condition()
        self._ending = False
        self.sent, self.lost = 0, 0
        self.error, self.alarm = "", ""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="drift", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Send what waits, once more if it has to be, and stop."""
        with self._change:
            self._ending = True
            self._change.notify()
        self._thread.join()
        self.lost += len(self._waiting)
        self._waiting.clear()

    def add(self, series: str, name: str, vector: Vectors) -> None:
        """Take a frame's vector `[D]`, the next of its source."""
        with self._change:
            self._waiting.append(_Waiting(series, name, vector))
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self.lost += 1
            self._change.notify()

    def _run(self) -> None:
        pause = _PAUSE
        while True:
            with self._change:
                while not self._waiting and not self._ending:
                    self._change.wait()
                part = self._next()
            if not part:
                return
            arrived = self._post(part)
            with self._change:
                if arrived:
                    pause = _PAUSE
                    continue
                if self._ending:
                    self.lost += len(part)
                    return
                # in front again, as far as there is room
                self._waiting.extendleft(reversed(part))
                self._change.wait_for(lambda: self._ending, timeout=pause)
                pause = min(_LONGEST_PAUSE, 2 * pause)

    def _next(self) -> list[_Waiting]:
        """The oldest vectors, as far as they are of one source."""
        part: list[_Waiting] = []
        while self._waiting and len(part) < _AT_ONCE:
            if part and self._waiting[0].series != part[0].series:
                break
            part.append(self._waiting.popleft())
        return part

    def _post(self, part: list[_Waiting]) -> bool:
        """Send vectors; False where it is worth trying again."""
        content = {
            "vectors": [one.vector.tolist() for one in part],
            "ids": [one.name for one in part],
            "series": part[0].series,
        }
        request = urllib.request.Request(  # noqa: S310 - http or https, as was checked
            self._address,
            json.dumps(content).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - likewise
                alarm = json.load(answer).get("alarm")
        except urllib.error.HTTPError as error:
            with error:
                self.error = f"{self._address} answered {error.code}: {error.read(300).decode()}"
            again = error.code not in _REFUSED or error.code == _TOO_MANY
            self.lost += 0 if again else len(part)
            return not again
        except (OSError, ValueError) as error:
            self.error = f"{self._address}: {error}"
            return False
        self.sent += len(part)
        self.alarm = ""
        if alarm:
            self.alarm = f"drift since about {alarm['since'] or 'long ago'}"
        return True


def check_address(address: str) -> None:
    """Refuse what is no address of a reference on a drift server.

    Raises:
        UsageError: it is none.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or "/v1/references/" not in parts.path:
        raise UsageError(
            f"{address!r} is no reference on a drift server; give such as "
            "http://127.0.0.1:8765/v1/references/line"
        )


def read_token(file: Path | None) -> str:
    """Return the token in a file; empty without one.

    Raises:
        InputError: the file cannot be read.
    """
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"the token cannot be read from {file}: {error}") from error
