"""How things stand with each reference, for Prometheus."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from tamis.services.drift.live.delivery import Delivery
    from tamis.services.drift.live.state import LiveState

__all__ = ["exposed"]

_PREFIX = "tamis_drift_"


def exposed(
    states: Iterable[LiveState],
    delivery: Delivery,
    requests: Mapping[tuple[str, int], int],
    failed: int,
) -> bytes:
    """Return the metrics as text.

    Args:
        states: of all references.
        delivery: of alarms.
        requests: how many by route and status.
        failed: pictures that could not be embedded.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(list(_metrics(list(states), delivery, requests, failed))))
    return generate_latest(registry)


def _metrics(
    states: list[LiveState],
    delivery: Delivery,
    requests: Mapping[tuple[str, int], int],
    failed: int,
) -> Iterator[Metric]:
    gauges: dict[str, tuple[str, Callable[[LiveState], float]]] = {
        "in_alarm": ("1 while an alarm is not acknowledged.", lambda one: float(one.drift)),
        "e_value": ("Running evidence of drift.", lambda one: one.e_value),
        "log10_e_value": ("Its decimal logarithm.", lambda one: math.log10(max(one.e_value, 1e-9))),
        "e_value_for_alarm": ("What an alarm takes.", lambda one: one.e_value_for_alarm),
        "window_pictures": ("Pictures in the window.", lambda one: one.window),
        "waiting_pictures": ("Frames of unfinished blocks.", lambda one: one.waiting),
    }
    for name, (meaning, value) in gauges.items():
        family = GaugeMetricFamily(_PREFIX + name, meaning, labels=["reference"])
        for state in states:
            family.add_metric([state.reference], value(state))
        yield family
    counters: dict[str, tuple[str, Callable[[LiveState], float]]] = {
        "pictures": ("Pictures counted.", lambda one: one.pictures),
        "repeated": ("Pictures sent again and not counted.", lambda one: one.repeated),
        "alarms": ("Alarms, those while a drift lasts among them.", lambda one: one.alarms),
    }
    for name, (meaning, value) in counters.items():
        count = CounterMetricFamily(_PREFIX + name, meaning, labels=["reference"])
        for state in states:
            count.add_metric([state.reference], value(state))
        yield count
    answered = CounterMetricFamily(
        f"{_PREFIX}requests", "Requests answered.", labels=["route", "status"]
    )
    for (route, status), number in sorted(requests.items()):
        answered.add_metric([route, str(status)], number)
    yield answered
    yield CounterMetricFamily(
        f"{_PREFIX}failed_pictures", "Pictures that could not be embedded.", value=failed
    )
    yield CounterMetricFamily(
        f"{_PREFIX}deliveries", "Alarms brought to a hook.", value=delivery.delivered
    )
    yield CounterMetricFamily(
        f"{_PREFIX}delivery_failures", "Attempts that failed.", value=delivery.failures
    )
    yield GaugeMetricFamily(
        f"{_PREFIX}deliveries_waiting", "Alarms under way.", value=delivery.waiting
    )


class _Collector:
    """What a registry of prometheus-client asks."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that nothing is asked for before it is wanted."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self._metrics
