"""The running e-value of a reference: a file beside it that every check adds to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.sequential import start_monitor
from tamis.dataset.array_file import packed, unpacked
from tamis.dataset.storage import LocalStorage
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import ConflictError, InputError
from tamis.services.drift.probe import sample_key
from tamis.services.drift.result import DriftAlarm
from tamis.services.drift.side import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.services.drift.reference import Reference
    from tamis.services.drift.result import DriftReport
    from tamis.services.drift.side import Side
    from tamis.types import Indices

__all__ = [
    "WATCHED_FIGURES",
    "PastCheck",
    "Watched",
    "figure_of",
    "past_checks",
    "state_path",
    "watch_batch",
]

WATCHED_FIGURES: Final = 3
"""Covariates that a stream is watched by: brightness, sharpness and size. The hour goes round."""

_MOST_LOG: Final = 700.0
_MOST_CHECKS: Final = 1000


@dataclass(frozen=True)
class PastCheck:
    """What an earlier check found.

    Attributes:
        time: when, in seconds since 1970.
        pictures: counted until then.
        e_value: the running e-value after it; the highest of the check if it raised an alarm.
        alarm: whether it raised one.
        p_value: of the check by itself.
        drift: its decision.
        mmd2: unbiased squared MMD from the reference.
    """

    time: float
    pictures: int
    e_value: float
    alarm: bool
    p_value: float
    drift: bool
    mmd2: float


@dataclass(frozen=True)
class Watched:
    """What a check added to the running e-value.

    Attributes:
        e_value: after it; the highest of the check if it raised an alarm.
        alarms: that it raised.
        counted: pictures that were new to the monitor.
        again: pictures that were counted in an earlier check.
    """

    e_value: float
    alarms: tuple[DriftAlarm, ...]
    counted: int
    again: int


def state_path(reference: Path) -> Path:
    """Return where the state of a reference's monitor lies."""
    return reference.with_name(f"{reference.stem}.monitor.npz")


def past_checks(reference: Path) -> tuple[PastCheck, ...]:
    """Return the latest 1,000 checks that counted pictures, the oldest first.

    Raises:
        InputError: the state's file is damaged.
    """
    state = _read(state_path(reference))
    if state is None or "checks" not in state:
        return ()
    return tuple(
        PastCheck(time, int(pictures), e_value, bool(alarm), p_value, bool(drift), mmd2)
        for time, pictures, e_value, alarm, p_value, drift, mmd2 in state["checks"].tolist()
    )


def watch_batch(
    reference: Reference,
    side: Side,
    blocks: Indices,
    fresh: NDArray[np.bool_],
    report: DriftReport,
) -> Watched:
    """Add a batch to the running e-value, in the order of time.

    Each picture counts once, however often it is checked: the second time it would be no
    independent evidence. Which ones were counted is kept, 8 bytes a picture.

    Args:
        reference: what it is compared with, as it was read from its file.
        side: the batch.
        blocks: `[N]` which pictures are one draw.
        fresh: `[N]` pictures that are not of the reference itself.
        report: what the check found, for the history.

    Raises:
        ConflictError: another check is adding to it now.
        InputError: the state's file is damaged.
        StorageError: the disk refuses.
    """
    assert reference.path is not None
    place = state_path(reference.path)
    storage = LocalStorage(place.parent)
    with storage_guard(place, "write"):
        lock = storage.lock(f".{place.name}.lock")
        if lock is None:
            raise ConflictError(
                f"another check is adding to {place}: run this one again, or leave the running "
                "e-value out (monitor)"
            )
        try:
            monitor = start_monitor(
                reference.rows.vectors(),
                reference.rows.covariates[:, :WATCHED_FIGURES],
                blocks=reference.rows.blocks.astype(np.int64),
                level=reference.facts.level,
                seed=reference.facts.seed,
            )
            state = _read(place)
            seen = np.empty(0, np.uint64)
            if state is not None:
                seen = state["seen"]
                monitor.resume(state)
            keys = np.array([sample_key(name) for name in side.ids], np.uint64)
            new = fresh & ~np.isin(keys, seen)
            rows = np.flatnonzero(new)
            before, alarms = monitor.step, []
            if rows.size:
                found = monitor.watch(
                    reference.rows.seen_as(side.vectors[rows]),
                    side.figures[rows, :WATCHED_FIGURES].astype(np.float32),  # as it is stored
                    blocks=blocks[rows],
                )
                # the first picture of each unit
                first = rows[np.flatnonzero(np.diff(blocks[rows], prepend=-1) != 0)]
                for one in found:
                    since = one.since - before - 1
                    alarms.append(
                        DriftAlarm(
                            path=side.paths[first[one.step - before - 1]],
                            since=side.paths[first[since]] if since >= 0 else None,
                            e_value=float(np.exp(min(one.log_wealth, _MOST_LOG))),
                            figures=tuple(dict.fromkeys(map(figure_of, one.streams))),
                        )
                    )
                seen = np.union1d(seen, keys[new])
                highest = max([monitor.e_value, *(one.e_value for one in alarms)])
                row = [time.time(), seen.size, highest, bool(alarms)]
                row += [report.p_value, report.drift, report.magnitude.mmd2]
                before_it = np.empty((0, len(row))) if state is None else state.get("checks")
                checks = np.array([row], np.float64)
                if before_it is not None:
                    checks = np.concatenate([before_it, checks])[-_MOST_CHECKS:]
                arrays = monitor.state() | {"seen": seen, "checks": checks}
                storage.put(place.name, packed(arrays))
        finally:
            lock.release(remove=True)
    highest = max([monitor.e_value, *(one.e_value for one in alarms)])
    again = int(np.count_nonzero(fresh)) - rows.size
    return Watched(highest, tuple(alarms), int(rows.size), again)


def figure_of(stream: str) -> str:
    """Return what a score is of, as users know it."""
    kind, _, number = stream.partition(" ")
    return FIGURES[int(number)] if kind == "covariate" else "vectors"


def _read(path: Path) -> Mapping[str, NDArray[Any]] | None:
    try:
        state = unpacked(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(
            f"{path}, the running e-value, is damaged: remove it to begin anew"
        ) from error
    if "seen" not in state:
        raise InputError(f"{path} is no running e-value: remove it to begin anew")
    return state
