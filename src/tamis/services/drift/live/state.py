"""What is told of a reference that is watched: alarms, what was counted, how things stand."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LiveAlarm", "LiveState", "Taken"]


@dataclass(frozen=True)
class LiveAlarm:
    """A moment at which the evidence was enough.

    Attributes:
        reference: whose.
        number: of the alarms of this reference, from 1.
        picture: the one that made it, or the first of its block.
        since: the picture from which the drift is estimated to begin; None if that is long ago.
        e_value: what the running e-value had reached.
        figures: what shows it, the clearest first: `vectors` or names of figures.
        pictures: that had been counted until then.
        time: when, in seconds since 1970.
    """

    reference: str
    number: int
    picture: str
    since: str | None
    e_value: float
    figures: tuple[str, ...]
    pictures: int
    time: float


@dataclass(frozen=True)
class Taken:
    """What became of pictures that were sent.

    Attributes:
        counted: that were new.
        repeated: that had been counted before.
        alarms: that they raised.
    """

    counted: int
    repeated: int
    alarms: tuple[LiveAlarm, ...]


@dataclass(frozen=True)
class LiveState:
    """How things stand with one reference.

    Attributes:
        reference: its name.
        drift: whether it is in alarm; an alarm lasts until it is acknowledged.
        e_value: running evidence of drift; in alarm, the highest that there was.
        e_value_for_alarm: what it takes.
        pictures: counted so far.
        units: of them that are independent: pictures, or blocks of frames.
        repeated: pictures that were sent again and not counted.
        waiting: frames of unfinished blocks.
        window: pictures in the window.
        alarms: how many there were.
        alarm: the one that it is in; None if it is in none.
        lasting: further alarms since, because the drift lasts.
        history: `[time, pictures, e_value]` of the latest 500 requests; a verdict leaves it out.
        encoder: whose vectors it takes.
        dimensions: of these.
        block_length: pictures in a row of one series that count as one draw.
        reference_pictures: that it holds.
    """

    reference: str
    drift: bool
    e_value: float
    e_value_for_alarm: float
    pictures: int
    units: int
    repeated: int
    waiting: int
    window: int
    alarms: int
    alarm: LiveAlarm | None
    lasting: int
    history: tuple[tuple[float, int, float], ...]
    encoder: str
    dimensions: int
    block_length: int
    reference_pictures: int
