"""Drift over time: evidence that may be looked at after every picture.

A p-value that is computed anew each day falls under 5 % by chance sooner or later, so it is no
alarm. Wealth is: it ever reaches 20 with a chance of 5 % at most.
"""

from __future__ import annotations

from tamis.algo.sequential.false_discovery import (
    OnlineFalseDiscovery,
    e_benjamini_hochberg,
    wealth_for_an_alarm,
)
from tamis.algo.sequential.monitor import Alarm, Monitor, start_monitor

__all__ = [
    "Alarm",
    "Monitor",
    "OnlineFalseDiscovery",
    "e_benjamini_hochberg",
    "start_monitor",
    "wealth_for_an_alarm",
]
