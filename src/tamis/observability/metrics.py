"""Metrics of a running verb, for Prometheus to ask for over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from tamis.errors import UsageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.metrics_core import Metric

__all__ = ["MetricsServer", "counter", "gauge", "parse_address"]

_LOOPBACK: Final = "127.0.0.1"
_LARGEST_PORT: Final = 65535


def counter(name: str, meaning: str, values: Iterable[tuple[str, float]]) -> Metric:
    """Return a counter with a value for each source.

    Args:
        name: without `_total`.
        meaning: one sentence.
        values: sources and how much was counted of each.
    """
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, meaning, labels=["source"])
    for source, value in values:
        family.add_metric([source], value)
    return family


def gauge(name: str, meaning: str, values: Iterable[tuple[str, float]] | float) -> Metric:
    """Return a gauge with a value for each source, or one value.

    Args:
        name: its name.
        meaning: one sentence.
        values: sources and the value of each, or the value.
    """
    from prometheus_client.core import GaugeMetricFamily

    if isinstance(values, int | float):
        return GaugeMetricFamily(name, meaning, value=values)
    family = GaugeMetricFamily(name, meaning, labels=["source"])
    for source, value in values:
        family.add_metric([source], value)
    return family


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
    """Serves metrics while it is open.

    Args:
        address: host and port; port 0 is any that is free.
        metrics: returns them, asked each time.

    Raises:
        UsageError: the address cannot be used; raised on entering.
    """

    def __init__(self, address: tuple[str, int], metrics: Callable[[], Iterable[Metric]]) -> None:
        self._address = address
        self._collector = _Collector(metrics)

    def __enter__(self) -> Self:
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry()
        registry.register(self._collector)
        host, port = self._address
        self._server: WSGIServer
        self._thread: threading.Thread
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise UsageError(
                f"cannot serve metrics at {host}:{port}: {reason}; give another port"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self._server.server_address[0]!s}:{self._server.server_address[1]}/metrics"


class _Collector:
    """What a registry of prometheus-client asks."""

    def __init__(self, metrics: Callable[[], Iterable[Metric]]) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that metrics are not asked for before they are wanted."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of now."""
        return self._metrics()
