"""Start the page's server and say where it is."""

from __future__ import annotations

import errno
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tamis.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import uvicorn

    from tamis.interfaces.server.security import Door
    from tamis.interfaces.server.segmenter import Segmenter
    from tamis.interfaces.server.session import Session

__all__ = ["OpenServer", "open_server", "serve_page"]

_SETTLED: Final = 3.0


def serve_page(
    dataset: Path, host: str, port: int, *, open_page: bool, segmenter: str | None = None
) -> None:
    """Serve the page of a dataset until Ctrl-C; its address is printed as one line, at once.

    Args:
        dataset: the dataset's folder.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        open_page: show the page in the browser.
        segmenter: see `open_server`.

    Raises:
        MissingExtraError: Starlette or uvicorn is not installed.
        DatasetMissingError: there is no dataset.
        UsageError: the address cannot be listened on, or the segmenter is none.
        EncoderError: the segmenter cannot be imported.
    """
    try:
        import starlette  # noqa: F401 - whether it is there
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("the page", "app") from error
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())  # gives back what it no longer needs
    opened = open_server(dataset, host, port, segmenter=segmenter)
    sys.stdout.write(f"{opened.door.address}\n")
    sys.stdout.flush()
    if open_page:
        webbrowser.open(opened.door.address)
    _load_soon()
    # uvicorn ends in good order, then raises what ended it
    with suppress(KeyboardInterrupt):
        opened.run()


def _load_soon() -> None:
    """Load what the first label takes once the first pictures are on the screen."""
    timer = threading.Timer(_SETTLED, import_module, ["tamis.services.annotate.run"])
    timer.daemon = True
    timer.start()


@dataclass(frozen=True)
class OpenServer:
    """A server whose port is taken, but which does not answer yet.

    Attributes:
        door: what opens it.
        server: uvicorn's own.
        listener: the socket it listens on.
        session: what it knows of the dataset.
    """

    door: Door
    server: uvicorn.Server
    listener: socket.socket
    session: Session

    def run(self) -> None:
        """Answer until the server is told to stop."""
        try:
            self.server.run(sockets=[self.listener])
        finally:
            self.listener.close()


def open_server(
    dataset: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    framed_by: tuple[str, ...] = (),
    segmenter: str | None = None,
) -> OpenServer:
    """Open a dataset and a port.

    Args:
        dataset: the dataset's folder.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        framed_by: origins whose pages may show it in a frame. Cookies do not travel there, so the
            page without any data is then given to everybody, and asks for data with its token.
        segmenter: `MODULE:FUNCTION` of the user's that makes masks of points, see `Segmenter`.

    Raises:
        DatasetMissingError: there is no dataset.
        UsageError: the address cannot be listened on, or the segmenter is none.
        EncoderError: the segmenter cannot be imported.
    """
    import uvicorn

    from tamis.interfaces.server.app import SHELL, make_app
    from tamis.interfaces.server.security import Door, new_token
    from tamis.interfaces.server.session import Session

    listener = _listen(host, port)
    try:
        session = Session(dataset, _segmenter(segmenter))
    except BaseException:
        listener.close()
        raise
    public = SHELL if framed_by else frozenset()
    door = Door(new_token(), listener.getsockname()[1], host, public, framed_by)
    config = uvicorn.Config(
        make_app(session, door),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    return OpenServer(door, uvicorn.Server(config), listener, session)


def _segmenter(name: str | None) -> Segmenter | None:
    if name is None:
        return None
    from tamis.interfaces.server.segmenter import Segmenter

    return Segmenter(name)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's delay only where the protocol is named
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use; give another with --port, or 0 for any free one"
            ) from error
        raise UsageError(f"cannot listen on {host}:{port}: {error}") from error
    return listener
