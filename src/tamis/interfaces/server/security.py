"""Who may ask a server of ours: one guard in front of all routes, files and mounts."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Door", "Guard", "is_loopback", "new_token"]

_READS: Final = frozenset({"GET", "HEAD"})
_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_BEARER: Final = "Bearer "

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def new_token() -> str:
    """Return a secret of 192 random bits that can stand in an address."""
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address that a server listens on.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Door:
    """What opens a server, and by which names it may be called.

    Attributes:
        token: the secret that the printed address carries.
        port: where it listens; the cookie is named by it, for cookies know no ports.
        host: the address it listens on.
        public: paths that need no token, such as `/healthz`; Host and Origin count there too.
        framed_by: origins as CSP writes them whose pages may show it in a frame.
    """

    token: str
    port: int
    host: str = "127.0.0.1"
    public: frozenset[str] = frozenset()
    framed_by: tuple[str, ...] = ()
    _names: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = {*_LOOPBACK_NAMES, _bracketed(self.host).lower()}
        if _is_wildcard(self.host):
            names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        object.__setattr__(self, "_names", frozenset(names))

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return f"tamis-{self.port}"

    @property
    def pass_(self) -> str:
        """The value of the cookie, from which the token cannot be found."""
        return hmac.new(self.token.encode(), b"tamis cookie", hashlib.sha256).hexdigest()

    @property
    def address(self) -> str:
        """Where a browser on this machine opens it."""
        host = "127.0.0.1" if _is_wildcard(self.host) else _bracketed(self.host)
        return f"http://{host}:{self.port}/?{urlencode({'token': self.token})}"

    @property
    def headers(self) -> dict[str, str]:
        """What every answer carries."""
        if not self.framed_by:
            return _HEADERS
        ancestors = " ".join(self.framed_by)
        policy = f"{_POLICY}; frame-ancestors {ancestors}"
        framed = {name: value for name, value in _HEADERS.items() if name != "X-Frame-Options"}
        return framed | {"Content-Security-Policy": policy}

    def answers_to(self, host: str | None) -> bool:
        """Tell whether a `Host` header names this server.

        A web page that points a name of its own at 127.0.0.1 is refused here. A server that
        listens everywhere also answers to numeric addresses, which no page can own.
        """
        name, _, port = (host or "").rpartition(":")
        if not port.isdecimal() or int(port) != self.port:
            return False
        return name.lower() in self._names or (_is_wildcard(self.host) and _is_address(name))

    def is_home(self, origin: str) -> bool:
        """Tell whether an `Origin` header names a page of this server."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        bare = not (parts.path or parts.query or parts.fragment or parts.username)
        return parts.scheme == "http" and bare and self.answers_to(parts.netloc)


class Guard:
    """Refuses with 403 whoever is not let in, before any route is looked up.

    The order: the Host header is one of ours; the Origin, if there is one, is ours, and a write
    by cookie has one; then the cookie, or the token in `Authorization: Bearer`. The first visit,
    `/?token=…`, gets the cookie and is sent on to the same address without the token. No answer
    carries a CORS header.

    Args:
        app: what is guarded.
        door: what opens it.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in or refuse it, as ASGI asks."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope) if scope["type"] == "http" else _refused("no web sockets")
        if answer is None:
            await self._app(scope, receive, _with_headers(send, self._door.headers))
        elif scope["type"] == "http":
            await answer(scope, receive, _with_headers(send, self._door.headers))
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> Response | None:
        headers, door = Headers(scope=scope), self._door
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not door.answers_to(hosts[0]):
            return _refused("this server does not answer to that Host")
        origins = headers.getlist("origin")
        if not all(map(door.is_home, origins)):
            return _refused("requests from other pages are refused")
        if _bears(headers.get("authorization"), door.token) or scope["path"] in door.public:
            return None
        if self._has_pass(headers.getlist("cookie")):
            if scope["method"] in _READS or origins:
                return None
            return _refused("a change needs an Origin header, which browsers send")
        return self._first_visit(scope)

    def _has_pass(self, lines: Iterable[str]) -> bool:
        for line in lines:
            try:
                found = SimpleCookie(line).get(self._door.cookie)
            except CookieError:
                continue
            if found is not None and _same(found.value, self._door.pass_):
                return True
        return False

    def _first_visit(self, scope: Scope) -> Response:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == "token"]
        if scope["method"] not in _READS or scope["path"] != "/" or not given:
            return _refused("open the address that the command printed, with its token")
        if not _same(given[0], self._door.token):
            return _refused("that token is of another start; open the address printed last")
        rest = urlencode([pair for pair in query if pair[0] != "token"])
        answer = RedirectResponse("/" + (f"?{rest}" if rest else ""), status_code=303)
        answer.set_cookie(
            self._door.cookie, self._door.pass_, httponly=True, samesite="strict", path="/"
        )
        return answer


def _with_headers(send: Send, always: Mapping[str, str]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in always.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return wrapped


def _refused(reason: str) -> Response:
    return PlainTextResponse(f"403: {reason}\n", status_code=403)


def _bears(header: str | None, token: str) -> bool:
    return (
        header is not None
        and header.startswith(_BEARER)
        and _same(header.removeprefix(_BEARER).strip(), token)
    )


def _same(given: str, wanted: str) -> bool:
    # in time that tells nothing of how much of it is right
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
