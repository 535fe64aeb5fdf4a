"""A socket that a server listens on."""

from __future__ import annotations

import errno
import socket

from tamis.errors import UsageError

__all__ = ["listener_at"]

_WAITING = 128


def listener_at(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 is any that is free.

    Raises:
        UsageError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_WAITING)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use; give another with --port, or 0 for any that is free"
            ) from error
        raise UsageError(f"cannot listen on {host}:{port}: {error}") from error
    return listener
