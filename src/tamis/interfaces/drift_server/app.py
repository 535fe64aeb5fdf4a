"""The routes of the drift server; what they do stands in `tamis.services.drift.live`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tamis.errors import EncoderError, StorageError, TamisError, UsageError
from tamis.interfaces.drift_server.bodies import (
    TooLargeError,
    pictures_of,
    read_body,
    sent_pictures,
    sent_vectors,
)
from tamis.interfaces.drift_server.metrics import exposed
from tamis.interfaces.drift_server.openapi import description
from tamis.interfaces.drift_server.rate_limit import RateLimit
from tamis.interfaces.server.security import Guard
from tamis.services.drift.comparison import Settings
from tamis.verbs.result import document_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tamis.encoders.base import Encoder
    from tamis.interfaces.server.security import Door
    from tamis.services.drift.live.arrivals import Arrivals
    from tamis.services.drift.live.delivery import Delivery
    from tamis.services.drift.live.references import LiveReferences
    from tamis.services.drift.reference import Reference
    from tamis.types import Failure

__all__ = ["Limits", "drift_app"]

_Work: TypeAlias = "Callable[[Request, bytes], Response]"

_EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Limits:
    """What one request, and one address, may ask.

    Attributes:
        body: bytes of a request.
        rate: requests a second of one address; None is no limit.
    """

    body: int = 32_000_000
    rate: float | None = None


def drift_app(
    references: LiveReferences,
    delivery: Delivery,
    door: Door,
    *,
    encoder_of: Callable[[Reference], Encoder],
    limits: Limits,
    version: str,
) -> ASGIApp:
    """Return the server, behind its guard and its limits.

    Args:
        references: what is watched.
        delivery: of alarms.
        door: who may ask.
        encoder_of: loads the encoder that a reference was made by.
        limits: what a request may ask.
        version: of tamis.
    """
    server = _Server(references, delivery, encoder_of, limits, version)
    guarded = Guard(Starlette(routes=server.routes()), door)
    return RateLimit(_AskForToken(guarded, door.public), limits.rate)


class _AskForToken:
    """Tells a program that sent no token how to send it; whether it is right is not looked at."""

    def __init__(self, app: ASGIApp, public: frozenset[str]) -> None:
        self._app = app
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = {name for name, _ in scope.get("headers", ())}
        if b"authorization" in named or scope.get("path") in self._public:
            await self._app(scope, receive, send)
            return
        sentence = "send the token, as  Authorization: Bearer TOKEN"
        headers = {"WWW-Authenticate": "Bearer"}
        await JSONResponse({"error": sentence}, 401, headers)(scope, receive, send)


class _Server:
    """Routes, and counts of what they answered."""

    def __init__(
        self,
        references: LiveReferences,
        delivery: Delivery,
        encoder_of: Callable[[Reference], Encoder],
        limits: Limits,
        version: str,
    ) -> None:
        self._references = references
        self._delivery = delivery
        self._encoder_of = encoder_of
        self._limits = limits
        self._version = version
        self._answered: Counter[tuple[str, int]] = Counter()
        self._failed = 0

    def routes(self) -> list[Route]:
        of = "/v1/references/{name}"
        works: list[tuple[str, str, _Work]] = [
            ("/health", "GET", self._health),
            ("/openapi.json", "GET", self._openapi),
            ("/metrics", "GET", self._metrics),
            ("/v1/references", "GET", self._all),
            (of, "GET", self._state),
            (f"{of}/vectors", "POST", self._vectors),
            (f"{of}/pictures", "POST", self._pictures),
            (f"{of}/window", "GET", self._window),
            (f"{of}/acknowledge", "POST", self._acknowledge),
        ]
        return [
            Route(path, partial(self._answer, path, work), methods=[method])
            for path, method, work in works
        ]

    async def _answer(self, path: str, work: _Work, request: Request) -> Response:
        try:
            name = request.path_params.get("name")
            if name is not None and name not in self._references:
                known = ", ".join(self._references)
                answer: Response = JSONResponse(
                    {"error": f"there is no reference {name!r}; there are {known}"}, 404
                )
            else:
                body = b""
                if request.method == "POST":
                    body = await read_body(request, self._limits.body)
                answer = await run_in_threadpool(work, request, body)
        except TamisError as error:
            answer = JSONResponse({"error": str(error)}, _status(error))
        self._answered[path, answer.status_code] += 1
        return answer

    def _health(self, _request: Request, _body: bytes) -> Response:
        return JSONResponse({"status": "ok"})

    def _openapi(self, _request: Request, _body: bytes) -> Response:
        dimensions = {
            name: self._references.reference(name).rows.dimensions for name in self._references
        }
        return JSONResponse(description(dimensions, self._version))

    def _metrics(self, _request: Request, _body: bytes) -> Response:
        states = [self._references.state(name) for name in self._references]
        text = exposed(states, self._delivery, dict(self._answered), self._failed)
        return Response(text, media_type=_EXPOSITION)

    def _all(self, _request: Request, _body: bytes) -> Response:
        states = [asdict(self._references.state(name)) for name in self._references]
        return JSONResponse({"references": states})

    def _state(self, request: Request, _body: bytes) -> Response:
        return JSONResponse(asdict(self._references.state(request.path_params["name"])))

    def _vectors(self, request: Request, body: bytes) -> Response:
        arrivals = sent_vectors(body, request.headers, request.query_params)
        return self._verdict(request.path_params["name"], arrivals, [])

    def _pictures(self, request: Request, body: bytes) -> Response:
        name = request.path_params["name"]
        pictures = pictures_of(body, request.headers, request.query_params)
        encoder = self._encoder_of(self._references.reference(name))
        arrivals, failed = sent_pictures(pictures, encoder, request.query_params.get("series"))
        self._failed += len(failed)
        if arrivals is None:
            raise UsageError(f"{failed[0].path}: {failed[0].reason}")
        return self._verdict(name, arrivals, failed)

    def _verdict(self, name: str, arrivals: Arrivals, failed: list[Failure]) -> Response:
        taken = self._references.take(name, arrivals)
        state = replace(self._references.state(name), history=())
        told = asdict(state) | {
            "counted": taken.counted,
            "repeated_now": taken.repeated,
            "raised": [asdict(one) for one in taken.alarms],
            "failed": [{"name": one.path, "reason": one.reason} for one in failed],
        }
        return JSONResponse(told)

    def _window(self, request: Request, _body: bytes) -> Response:
        try:
            report = self._references.check(request.path_params["name"], Settings(permutations=499))
        except UsageError as error:
            # nothing is wrong with the question: the window has too few pictures yet
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse(document_of(report))

    def _acknowledge(self, request: Request, _body: bytes) -> Response:
        return JSONResponse(asdict(self._references.acknowledge(request.path_params["name"])))


def _status(error: TamisError) -> int:
    if isinstance(error, TooLargeError):
        return 413
    if isinstance(error, EncoderError):
        return 409
    return 503 if isinstance(error, StorageError) else 400
