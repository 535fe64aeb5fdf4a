"""Counts of a watch for Prometheus, served over HTTP."""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, Self

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tamis.services.watch.counts import WatchCounts

__all__ = ["MetricsServer", "parse_address", "prometheus_text"]

_LOOPBACK: Final = "127.0.0.1"
_LARGEST_PORT: Final = 65535
_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS: Final = {
    "seen": ("frames_seen", "Frames that were decoded and sampled."),
    "kept": ("frames_kept", "Frames that were new."),
    "covered": ("frames_covered", "Frames that were embedded and that a kept one covers."),
    "skipped": ("frames_skipped", "Frames that the gate skipped before the encoder."),
    "embedded": ("frames_embedded", "Frames that went through the encoder."),
    "failed": ("frames_failed", "Frames that could not be decoded or embedded."),
    "behind": ("frames_dropped_behind", "Frames dropped because decisions came too slowly."),
    "corrupt": ("packets_corrupt", "Packets or frames that could not be decoded."),
    "reconnects": ("reconnects", "Lost connections that were made again."),
}


def prometheus_text(counts: WatchCounts) -> str:
    """Return counts in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for name, (metric, meaning) in _COUNTERS.items():
        lines += _head(f"{metric}_total", meaning, "counter")
        lines += [
            f"tamis_watch_{metric}_total{_label(source.source)} {getattr(source, name)}"
            for source in counts.sources
        ]
    lines += _head("lag_seconds", "Time from a frame's arrival to its decision.", "gauge")
    lines += [
        f"tamis_watch_lag_seconds{_label(source.source)} {source.lag:.6f}"
        for source in counts.sources
    ]
    for metric, meaning, value in (
        ("frames_per_second", "Frames decided on a second.", counts.fps),
        ("kept_in_memory", "Vectors that new frames are compared with.", counts.in_memory),
        ("threshold", "Cosine similarity from which on a frame is covered.", counts.threshold),
        ("running_seconds", "How long the watch has run.", counts.seconds),
    ):
        lines += [*_head(metric, meaning, "gauge"), f"tamis_watch_{metric} {float(value):.6f}"]
    return "\n".join(lines) + "\n"


def parse_address(text: str) -> tuple[str, int]:
    """Read `PORT` or `HOST:PORT`; without a host only this machine can ask.

    Raises:
        UsageError: it is neither.

    >>> parse_address("9109"), parse_address("0.0.0.0:9109")
    (('127.0.0.1', 9109), ('0.0.0.0', 9109))
    """
    host, colon, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > _LARGEST_PORT or (colon and not host):
        raise UsageError(f"cannot serve metrics at {text!r}; give a port such as 9109 or HOST:PORT")
    return host or _LOOPBACK, int(port)


class MetricsServer:
    """Serves `/metrics` while it is open.

    Args:
        address: host and port; port 0 is any that is free.
        text: what to answer, asked for each time.

    Raises:
        UsageError: the address cannot be used.
    """

    def __init__(self, address: tuple[str, int], text: Callable[[], str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.split("?")[0] not in {"/metrics", "/"}:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                body = text().encode()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", _CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        try:
            self._server = ThreadingHTTPServer(address, Handler)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise UsageError(
                f"cannot serve metrics at {address[0]}:{address[1]}: {reason}; give another port"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, daemon=True, name="tamis-metrics"
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self._server.server_address[0]!s}:{self._server.server_address[1]}/metrics"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _head(metric: str, meaning: str, kind: str) -> list[str]:
    name = f"tamis_watch_{metric}"
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]


def _label(source: str) -> str:
    escaped = source.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{source="{escaped}"}}'
