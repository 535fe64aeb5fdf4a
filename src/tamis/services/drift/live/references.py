"""Several references that are watched at once, under one share of false alarms."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Self

import numpy as np

from tamis.algo.sequential import wealth_for_an_alarm
from tamis.dataset.storage import LocalStorage
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import ConflictError, UsageError
from tamis.services.drift.comparison import compare
from tamis.services.drift.live.reference import LiveReference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tamis.services.drift.comparison import Settings
    from tamis.services.drift.live.arrivals import Arrivals
    from tamis.services.drift.live.state import LiveAlarm, LiveState, Taken
    from tamis.services.drift.reference import Reference
    from tamis.services.drift.result import DriftReport

__all__ = ["LiveReferences"]


class LiveReferences:
    """References by name; several threads may ask at once, and are answered one after the other.

    An alarm takes what the e-values of all references demand together (`e_benjamini_hochberg`), so
    the expected share of false alarms among all is `level` at most, however many there are. With
    one reference that is an e-value of 1 / level.

    Args:
        references: by name.
        folder: where their state is kept; held until they are closed.
        window: pictures that each keeps for a comparison.
        level: share of false alarms; the smallest level of a reference if None.
        told: called with each alarm, while nobody else is answered.

    Raises:
        ConflictError: another process holds the folder.
        InputError: a state is damaged.
        StorageError: the disk refuses.
    """

    def __init__(
        self,
        references: Mapping[str, Reference],
        folder: Path,
        *,
        window: int,
        level: float | None = None,
        told: Callable[[LiveAlarm], None] = lambda _alarm: None,
    ) -> None:
        with storage_guard(folder, "write"):
            folder.mkdir(parents=True, exist_ok=True)
            lock = LocalStorage(folder).lock("lock")
        if lock is None:
            raise ConflictError(
                f"another server keeps its state in {folder}: give this one another folder (state)"
            )
        self._held = lock
        self._change = RLock()
        self._told = told
        self.level = level or min(one.facts.level for one in references.values())
        try:
            self._live = {
                name: LiveReference(name, reference, folder, window=window)
                for name, reference in references.items()
            }
        except BaseException:
            lock.release()
            raise
        for one in self._live.values():
            if one.alarm is not None:
                # the process may have died before anybody was told
                told(one.alarm)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._live)

    def close(self) -> None:
        """Keep the state as a snapshot, and let go of the folder."""
        with self._change:
            try:
                for one in self._live.values():
                    one.keep(whatever=True)
            finally:
                self._held.release()

    def reference(self, name: str) -> Reference:
        """Return what a name stands for.

        Raises:
            UsageError: there is no such name.
        """
        return self._of(name).reference

    def take(self, name: str, arrivals: Arrivals) -> Taken:
        """Count pictures of one reference; they survive a loss of power.

        Raises:
            UsageError: there is no such reference, or it has other dimensions.
            StorageError: the disk refuses; nothing was counted.
        """
        with self._change:
            one = self._of(name)
            taken = one.take(arrivals, self._needed(one))
            for alarm in taken.alarms:
                self._told(alarm)
            if taken.alarms:
                self._alarm_others(arrivals.time)
            one.keep()
            number = one.number
        one.sync(number)
        return taken

    def state(self, name: str) -> LiveState:
        """Return how things stand with a reference.

        Raises:
            UsageError: there is no such name.
        """
        with self._change:
            one = self._of(name)
            return one.state(self._needed(one))

    def acknowledge(self, name: str) -> LiveState:
        """End an alarm; the reference begins anew.

        Raises:
            UsageError: there is no such name.
            StorageError: the disk refuses.
        """
        with self._change:
            one = self._of(name)
            one.acknowledge()
            number = one.number
        one.sync(number)
        return self.state(name)

    def check(self, name: str, settings: Settings) -> DriftReport:
        """Hold the window of a reference against it, as `drift check` does.

        Its p-value is of this one look: it explains an alarm, and raises none.

        Raises:
            UsageError: there is no such name, or the window has fewer than 20 draws.
        """
        with self._change:
            one = self._of(name)
            side = one.window_side()
        return compare(one.reference, side, settings).report

    def _of(self, name: str) -> LiveReference:
        if name not in self._live:
            known = ", ".join(self._live)
            raise UsageError(f"there is no reference {name!r}; there are {known}")
        return self._live[name]

    def _needed(self, one: LiveReference) -> float:
        others = [other.log_wealth for other in self._live.values() if other is not one]
        return wealth_for_an_alarm(np.array(others, np.float64), self.level)

    def _alarm_others(self, time: float) -> None:
        """Raise the alarms for which those that were raised leave enough."""
        while True:
            for one in self._live.values():
                if np.isfinite(one.log_wealth) and one.log_wealth >= self._needed(one):
                    self._told(one.alarm_now(time))
                    break
            else:
                return
