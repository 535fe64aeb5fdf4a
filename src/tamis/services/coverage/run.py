"""Counts of pictures by scenario and split, the gaps among them, and what fills the gaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from tamis.dataset.columns import Column, equal, unknown
from tamis.errors import UsageError
from tamis.runtime.prompts import prompt_vectors
from tamis.runtime.queries import caveat_of
from tamis.services.coverage.contract import DERIVED, CoverageReport, Gap, Scenario
from tamis.sources.split_names import split_order
from tamis.verbs.command_line import dataset_words, quoted
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tamis.dataset.samples import SampleSet
    from tamis.runtime.workspace import Workspace
    from tamis.services.coverage.contract import Coverage
    from tamis.verbs.feedback import Feedback

__all__ = ["coverage"]

USUAL: Final = ("hour", "place", Column.CAMERA, Column.VIDEO, Column.LABEL, "cluster")
"""What is looked at unless something is named, as far as the dataset knows it."""

_MOST_VALUES: Final = 100
_TO_FILL: Final = 20
_WORD: Final = "word"
_AXES: Final = (Column.LATITUDE, Column.LONGITUDE)


@dataclass(frozen=True)
class _Kind:
    """One way to tell scenarios apart.

    Attributes:
        by: its name.
        values: the value of each picture; None where it has none.
        finds: the command that finds more pictures with a value.
    """

    by: str
    values: Sequence[str | None]
    finds: Callable[[str], str]


def coverage(
    workspace: Workspace, request: Coverage, _feedback: Feedback = SILENT
) -> CoverageReport:
    """Count the pictures of each scenario in each split; changes nothing.

    Cost: one pass over the columns asked for, and over the vectors if there are words.

    Raises:
        UsageError: a column is unknown or holds no names, no picture meets the condition, or words
            are given and no vectors are of an encoder that reads texts.
    """
    pictures = workspace.samples.of(request.where)
    splits = _splits(pictures, request.split)
    if not splits:
        raise UsageError("there is no picture to count" + _meeting(request.where))
    kinds = [_columns(pictures, by, request) for by in _asked(pictures, request)]
    notes: list[str] = []
    encoder = None
    if request.words:
        words, encoder, notes = _words(workspace, pictures, request)
        kinds.append(words)
    names = split_order({name for name in splits if name is not None})
    if not names:
        notes.append("no picture has a split, so no split lacks anything: run  tamis split")
    scenarios: list[Scenario] = []
    gaps: list[Gap] = []
    for kind in kinds:
        found, left_out = _scenarios(kind, splits, names, request.least)
        scenarios += found
        if left_out:
            rare = counted(left_out, "rarer value is")
            notes.append(f"of {kind.by} {rare} not shown; --where narrows the pictures")
        gaps += [
            Gap(one.by, one.value, one.lacking, one.free, kind.finds(one.value))
            for one in found
            if one.lacking
        ]
    return CoverageReport(
        scenarios=scenarios,
        splits={name: splits.count(name) for name in names},
        free=splits.count(None),
        gaps=sorted(gaps, key=lambda gap: -_size(gap, scenarios)),
        encoder=encoder,
        notes=notes,
    )


def _meeting(where: str | None) -> str:
    return "" if where is None else f" that meets {where!r}"


def _size(gap: Gap, scenarios: Sequence[Scenario]) -> int:
    return next(s.pictures for s in scenarios if (s.by, s.value) == (gap.by, gap.value))


def _splits(pictures: SampleSet, column: str) -> list[str | None]:
    if not pictures.samples.has(column):
        return [None] * pictures.count()
    return _texts(pictures.column(column), column)


def _asked(pictures: SampleSet, request: Coverage) -> list[str]:
    if request.by is not None:
        return list(dict.fromkeys(request.by))
    if request.words:
        return []
    needed = {"hour": Column.CAPTURED_AT, "place": Column.LATITUDE}
    found = [
        by
        for by in USUAL
        if pictures.samples.has(needed.get(by, by)) and pictures.having(needed.get(by, by)).count()
    ]
    if not found:
        raise UsageError(
            "the pictures have no time, place, camera or label: name a column, or words that "
            "pictures show (--word night --word rain)"
        )
    return found


def _at(path: Path) -> str:
    return "".join(f" {quoted(word)}" for word in dataset_words(path))


def _columns(pictures: SampleSet, by: str, request: Coverage) -> _Kind:
    """Return the values of a column, or of what is derived from others."""
    at = _at(pictures.samples.store.path)
    free = unknown(request.split) if pictures.samples.has(request.split) else None

    def finding(condition: str) -> str:
        where = " AND ".join(part for part in (condition, free) if part).replace("`", "")
        return f"tamis select {_TO_FILL} --where {quoted(where)}{at}"

    if by in DERIVED and not pictures.samples.has(by):
        values, condition = _derived(pictures, by)
        return _Kind(by, values, lambda value: finding(condition(value)))
    values = _texts(pictures.column(by), by)
    if by == Column.LABEL:
        examples = dict(zip(reversed(values), reversed(pictures.ids), strict=True))
        behind = f"-k {_TO_FILL} --where {quoted('label IS NULL')}{at}"
        return _Kind(
            by,
            values,
            lambda value: f"tamis search --like {examples[value]} {behind}",
        )
    number = not pa.types.is_string(pictures.column(by).type)
    return _Kind(
        by,
        values,
        lambda value: finding(f"{by} = {value}" if number else equal(by, value)),
    )


def _derived(pictures: SampleSet, by: str) -> tuple[list[str | None], Callable[[str], str]]:
    if by == "place":
        degrees = [pictures.column(axis).to_pylist() for axis in _AXES]
        places = [
            None if None in place else ",".join(f"{value:.2f}" for value in place)
            for place in zip(*degrees, strict=True)
        ]
        return places, _near
    times = pictures.column(Column.CAPTURED_AT).to_pylist()
    values = [None if time is None else f"{getattr(time, by):02d}" for time in times]
    return values, lambda value: f"date_part('{by}', captured_at) = {int(value)}"


def _near(place: str) -> str:
    half = 0.005
    ranges = zip(_AXES, map(float, place.split(",")), strict=True)
    return " AND ".join(
        f"{column} >= {middle - half:.3f} AND {column} < {middle + half:.3f}"
        for column, middle in ranges
    )


def _texts(values: pa.ChunkedArray, column: str) -> list[str | None]:
    kind = values.type
    if not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise UsageError(
            f"{column!r} holds {kind}, which makes no scenarios: name a column of text or whole "
            f"numbers, or one of {', '.join(DERIVED)}"
        )
    return [None if value is None else str(value) for value in values.to_pylist()]


def _words(
    workspace: Workspace, pictures: SampleSet, request: Coverage
) -> tuple[_Kind, str, list[str]]:
    """Return the word that each picture's vector is nearest to."""
    known = workspace.vector_column(request.encoder, reads_text=True)
    encoder = workspace.encoders.for_text(known)
    words = [" ".join(word.split()) for word in dict.fromkeys(request.words)]
    queries = prompt_vectors(encoder, words)
    nearest: dict[str, str] = {}
    for ids, vectors in pictures.vector_batches(known.name):
        best = np.argmax(vectors @ queries.T, axis=1)
        nearest |= {name: words[at] for name, at in zip(ids, best.tolist(), strict=True)}
    notes = [caveat] if (caveat := caveat_of(encoder)) else []
    if len(words) == 1:
        notes.append(f"{words[0]!r} is the only word, so every picture counts for it; give others")
    free = quoted(f"{request.split} IS NULL") + _at(workspace.path)

    def finds(word: str) -> str:
        return f"tamis search {quoted(word)} -k {_TO_FILL} --where {free}"

    return _Kind(_WORD, [nearest.get(name) for name in pictures.ids], finds), known.spec, notes


def _scenarios(
    kind: _Kind, splits: Sequence[str | None], names: Sequence[str], least: int
) -> tuple[list[Scenario], int]:
    """Return the scenarios of one kind by value, and how many rare ones are left out."""
    cells = Counter(zip(kind.values, splits, strict=True))
    sizes = Counter(value for value in kind.values if value is not None)
    shown = sorted(sorted(sizes), key=lambda value: -sizes[value])[:_MOST_VALUES]
    return [
        Scenario(
            by=kind.by,
            value=value,
            pictures=sizes[value],
            splits={name: cells[value, name] for name in names},
            free=cells[value, None],
            lacking=[name for name in names if cells[value, name] < least],
        )
        for value in sorted(shown, key=_place)
    ], len(sizes) - len(shown)


def _place(value: str) -> tuple[bool, int, str]:
    """Return what a value is sorted by: whole numbers as numbers and first, the rest as text."""
    is_number = value.removeprefix("-").isdecimal()
    return not is_number, int(value) if is_number else 0, value
