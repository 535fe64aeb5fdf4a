"""One reference that is watched: its running evidence, its window, and whether it is in alarm."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.sequential import start_monitor
from tamis.services.drift.live.arrivals import Arrivals
from tamis.services.drift.live.journal import Journal
from tamis.services.drift.live.state import LiveAlarm, LiveState, Taken
from tamis.services.drift.live.window import Window
from tamis.services.drift.monitor import WATCHED_FIGURES, figure_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.algo.sequential import Alarm
    from tamis.services.drift.reference import Reference
    from tamis.services.drift.side import Side

__all__ = ["LiveReference"]

_MOST_REMEMBERED: Final = 100_000
_MOST_SERIES: Final = 1000
_POINTS: Final = 500
_UNITS_NAMED: Final = 4096
_MOST_LOG: Final = 700.0
_ACKNOWLEDGED: Final = b"acknowledged"
_ALARMED: Final = b"alarmed "


class LiveReference:
    """A reference, what has come since it is watched, and the journal of it.

    Not for several threads at once. Memory: the reference, the window, and 100,000 names.

    Args:
        name: what it is called.
        reference: what pictures are held against.
        folder: where its state lies.
        window: pictures in the window.

    Raises:
        InputError: the state is damaged.
        StorageError: the disk refuses.
    """

    def __init__(self, name: str, reference: Reference, folder: Path, *, window: int) -> None:
        self.name = name
        self.reference = reference
        rows = reference.rows
        self._monitor = start_monitor(
            rows.vectors(),
            rows.covariates[:, :WATCHED_FIGURES],
            blocks=rows.blocks.astype(np.int64),
            level=reference.facts.level,
            seed=reference.facts.seed,
        )
        self._window = Window(window, rows.dimensions)
        self._waiting: dict[str, list[Arrivals]] = {}
        self._known: dict[int, None] = {}
        self._repeated, self._pictures, self._alarms, self._lasting = 0, 0, 0, 0
        self._alarm: LiveAlarm | None = None
        self._history: list[tuple[float, int, float]] = []
        self._units: list[str] = []
        # another reference begins anew, whatever it is called
        self._journal = Journal(folder / f"{name}.{reference.name.partition('.')[0]}.npz")
        self._recover()

    @property
    def log_wealth(self) -> float:
        """Logarithm of the running e-value; infinity while it is in alarm."""
        return float("inf") if self._alarm is not None else self._monitor.log_wealth

    def require(self, arrivals: Arrivals) -> None:
        """Refuse vectors of another encoder.

        Raises:
            UsageError: they have other dimensions than the reference.
        """
        if arrivals.vectors.shape[1] != self.reference.rows.dimensions:
            self.reference.rows.seen_as(arrivals.vectors[:1])  # says what is wrong

    def take(self, arrivals: Arrivals, log_wealth: float) -> Taken:
        """Count pictures, and return the alarms that they raise; first of all, note them down.

        Args:
            arrivals: pictures.
            log_wealth: logarithm of the wealth that an alarm takes now.

        Raises:
            UsageError: they have other dimensions than the reference.
            StorageError: the disk refuses; nothing was counted.
        """
        self.require(arrivals)
        noted = replace(arrivals, log_wealth=log_wealth)
        self._journal.append(noted.to_bytes())
        return self._take(noted)

    def alarm_now(self, time: float) -> LiveAlarm:
        """Raise an alarm with the evidence there is, because of what other references show.

        Raises:
            StorageError: the disk refuses; there is no alarm.
        """
        self._journal.append(_ALARMED + str(time).encode())
        return self._raised(self._monitor.alarm_now(), time)

    def acknowledge(self) -> None:
        """End an alarm, and begin anew.

        Raises:
            StorageError: the disk refuses; the alarm lasts.
        """
        self._journal.append(_ACKNOWLEDGED)
        self._acknowledge()

    @property
    def number(self) -> int:
        """Of the last record in the journal."""
        return self._journal.number

    def sync(self, number: int) -> None:
        """Wait until a record would survive a loss of power.

        Raises:
            StorageError: the disk refuses.
        """
        self._journal.sync(number)

    def keep(self, *, whatever: bool = False) -> None:
        """Replace a long journal by a snapshot; a short one too, if told to.

        Raises:
            StorageError: the disk refuses.
        """
        if self._journal.is_full or whatever:
            self._journal.snapshot(self._arrays())

    def state(self, log_wealth: float) -> LiveState:
        """Return how things stand, where an alarm takes so much."""
        facts, rows = self.reference.facts, self.reference.rows
        return LiveState(
            reference=self.name,
            drift=self._alarm is not None,
            e_value=max(self._e_value, 0.0 if self._alarm is None else self._alarm.e_value),
            e_value_for_alarm=_bounded(log_wealth),
            pictures=self._pictures,
            units=self._monitor.step,
            repeated=self._repeated,
            waiting=sum(len(one.ids) for parts in self._waiting.values() for one in parts),
            window=len(self._window),
            alarms=self._alarms,
            alarm=self._alarm,
            lasting=self._lasting,
            history=tuple(self._history),
            encoder=facts.encoder,
            dimensions=rows.dimensions,
            block_length=facts.block_length,
            reference_pictures=len(self.reference.ids),
        )

    @property
    def _e_value(self) -> float:
        return _bounded(self._monitor.log_wealth)

    @property
    def alarm(self) -> LiveAlarm | None:
        """The alarm that it is in."""
        return self._alarm

    def window_side(self) -> Side:
        """Return the pictures of the window as one side of a comparison."""
        return self._window.side(in_blocks=self.reference.facts.block_length > 1)

    def _take(self, arrivals: Arrivals) -> Taken:
        keys = [_key(name) for name in arrivals.ids]
        fresh = []
        for row, key in enumerate(keys):
            if key in self._known:
                self._repeated += 1
            else:
                self._known[key] = None
                fresh.append(row)
        while len(self._known) > _MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        alarms: list[LiveAlarm] = []
        if fresh:
            new = arrivals.rows(fresh)
            self._pictures += len(fresh)
            self._window.add(new)
            blocks, of = self._blocks(new)
            if of:
                alarms = self._watch(blocks, of, arrivals)
        highest = max([self._e_value, *(one.e_value for one in alarms)])
        point = (arrivals.time, self._pictures, highest)
        self._history = [*self._history, point][-_POINTS:]
        return Taken(len(fresh), len(arrivals.ids) - len(fresh), tuple(alarms))

    def _blocks(self, new: Arrivals) -> tuple[list[int], list[Arrivals]]:
        """The whole blocks that there are now, and the pictures in them; the rest waits."""
        length = self.reference.facts.block_length
        if length == 1:
            return list(range(len(new.ids))), [new]
        name = new.series or ""
        parts = [*self._waiting.pop(name, []), new]
        joined = _joined(parts)
        whole = len(joined.ids) // length * length
        rest = joined.rows(range(whole, len(joined.ids)))
        if rest.ids:
            self._waiting[name] = [rest]
        while len(self._waiting) > _MOST_SERIES:
            # a series that has not gone on for so long is over
            del self._waiting[next(iter(self._waiting))]
        if not whole:
            return [], []
        return [row // length for row in range(whole)], [joined.rows(range(whole))]

    def _watch(
        self, blocks: list[int], parts: list[Arrivals], arrivals: Arrivals
    ) -> list[LiveAlarm]:
        rows = _joined(parts)
        number = np.array(blocks, np.int64)
        first = np.flatnonzero(np.diff(number, prepend=-1) != 0)
        self._units = [*self._units, *(rows.ids[row] for row in first)][-_UNITS_NAMED:]
        last = self._monitor.step + first.size
        self._monitor.level = float(np.exp(-arrivals.log_wealth))
        found = self._monitor.watch(
            self.reference.rows.seen_as(rows.vectors),
            rows.figures[:, :WATCHED_FIGURES].astype(np.float32),
            blocks=number,
        )
        raised = []
        for alarm in found:
            was = self._alarm
            made = self._raised(alarm, arrivals.time, last=last)
            if was is None:
                raised.append(made)
        return raised

    def _raised(self, alarm: Alarm, time: float, last: int | None = None) -> LiveAlarm:
        last = self._monitor.step if last is None else last

        def named(step: int) -> str | None:
            place = len(self._units) - 1 - (last - step)
            return self._units[place] if 0 <= place < len(self._units) else None

        self._alarms += 1
        figures = tuple(dict.fromkeys(map(figure_of, alarm.streams)))
        made = LiveAlarm(
            reference=self.name,
            number=self._alarms,
            picture=named(alarm.step) or "",
            since=named(alarm.since),
            e_value=_bounded(alarm.log_wealth),
            figures=figures,
            pictures=self._pictures,
            time=time,
        )
        if self._alarm is None:
            self._alarm = made
        else:
            self._lasting += 1
        return made

    def _acknowledge(self) -> None:
        self._alarm, self._lasting = None, 0
        self._monitor.restart()

    def _recover(self) -> None:
        arrays, records = self._journal.read()
        if arrays is not None:
            self._resume(arrays)
        for record in records:
            if record == _ACKNOWLEDGED:
                self._acknowledge()
            elif record.startswith(_ALARMED):
                time = float(record.removeprefix(_ALARMED))
                self._raised(self._monitor.alarm_now(), time)
            else:
                self._take(Arrivals.from_bytes(record))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        window, about = self._window.state()
        waiting = [one for parts in self._waiting.values() for one in parts]
        told = {
            "window": about,
            "counts": [self._repeated, self._pictures, self._alarms, self._lasting],
            "alarm": None if self._alarm is None else vars(self._alarm),
            "history": self._history,
            "units": self._units,
            "waiting": len(waiting),
        }
        arrays = {f"window_{name}": array for name, array in window.items()}
        arrays |= {f"monitor_{name}": array for name, array in self._monitor.state().items()}
        arrays |= {
            f"waiting_{place}": np.frombuffer(one.to_bytes(), np.uint8)
            for place, one in enumerate(waiting)
        }
        return arrays | {
            "known": np.array(list(self._known), np.uint64),
            "about": np.frombuffer(json.dumps(told).encode(), np.uint8),
        }

    def _resume(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        told = json.loads(arrays["about"].tobytes())
        parts: dict[str, dict[str, NDArray[Any]]] = {"window": {}, "monitor": {}}
        for name, array in arrays.items():
            of, _, rest = name.partition("_")
            if of in parts:
                parts[of][rest] = array
        self._window.resume(parts["window"], told["window"])
        self._monitor.resume(parts["monitor"])
        self._repeated, self._pictures, self._alarms, self._lasting = told["counts"]
        if told["alarm"] is not None:
            alarm = told["alarm"]
            self._alarm = LiveAlarm(**{**alarm, "figures": tuple(alarm["figures"])})
        self._history = [(time, pictures, e) for time, pictures, e in told["history"]]
        self._units = told["units"]
        self._known = dict.fromkeys(arrays["known"].tolist())
        for place in range(told["waiting"]):
            one = Arrivals.from_bytes(arrays[f"waiting_{place}"].tobytes())
            self._waiting.setdefault(one.series or "", []).append(one)


def _joined(parts: list[Arrivals]) -> Arrivals:
    last = parts[-1]
    return Arrivals(
        tuple(name for one in parts for name in one.ids),
        np.concatenate([one.vectors for one in parts]),
        np.concatenate([one.figures for one in parts]),
        last.series,
        last.time,
        last.log_wealth,
    )


def _bounded(log_wealth: float) -> float:
    # twelve digits: the logarithm of 20 gives 20 back
    return float(f"{np.exp(min(log_wealth, _MOST_LOG)):.12g}")


def _key(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
