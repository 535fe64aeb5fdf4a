"""Watching sources: what is new is kept, for as long as they run."""

from tamis.services.watch.counts import WatchCounts
from tamis.services.watch.plan import WatchPlan, parse_rate
from tamis.services.watch.watch import WatchReport, watch

__all__ = ["WatchCounts", "WatchPlan", "WatchReport", "parse_rate", "watch"]
