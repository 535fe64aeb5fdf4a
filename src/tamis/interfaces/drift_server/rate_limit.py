"""At most so many requests a second from one address."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["RateLimit"]

_MOST_CLIENTS: Final = 4096
_SECONDS_SAVED: Final = 5.0


class RateLimit:
    """Answers 429, with how long to wait, where one address asks too often.

    An address saves up five seconds' requests. Of the addresses seen last, 4,096 are remembered.

    Args:
        app: what is asked.
        rate: requests a second; None is no limit.
        clock: seconds, for tests.
    """

    def __init__(
        self, app: ASGIApp, rate: float | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._rate = rate
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or refuse it, as ASGI asks."""
        if self._rate is not None and scope["type"] == "http":
            client = scope.get("client") or ("", 0)
            pause = self._pause(client[0], self._rate)
            if pause > 0:
                answer = JSONResponse(
                    {"error": f"more than {self._rate:g} requests a second: wait {pause:.2f} s"},
                    status_code=429,
                    headers={"Retry-After": str(int(pause) + 1)},
                )
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _pause(self, client: str, rate: float) -> float:
        """Take one from what a client has left, and return how long it has to wait; 0 if not."""
        now, most = self._clock(), max(1.0, rate * _SECONDS_SAVED)
        left, since = self._left.pop(client, (most, now))
        left = min(most, left + (now - since) * rate)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        while len(self._left) > _MOST_CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / rate
