"""What the page shows of rows: pages of an answer, one picture in full, what selections hold."""

from __future__ import annotations

import math
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.run_lengths import read_counts, sampled
from tamis.dataset.columns import Column, known, one_of
from tamis.dataset.conditions import all_of
from tamis.interfaces.server.pictures import checked_id
from tamis.verbs.result import document_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from tamis.dataset.samples import Samples
    from tamis.interfaces.server.questions import Answer
    from tamis.interfaces.server.session import Session

__all__ = ["MOST_ROWS", "answer_document", "held_by", "picture_document", "rows_document"]

MOST_ROWS: Final = 500
"""Rows in one page."""

_SHOWN: Final = (
    Column.PATH,
    Column.WIDTH,
    Column.HEIGHT,
    Column.LABEL,
    Column.SPLIT,
    Column.TAGS,
    Column.SELECTED,
    Column.DUPLICATE_KIND,
    Column.VIDEO,
)
_PLACE: Final = (
    "annotation_id",
    "sample_id",
    "layer",
    "kind",
    "label",
    "x",
    "y",
    "width",
    "height",
    "polygon",
    "mask",
)
_DIGITS: Final = 5
_CORNERS: Final = 48
"""Of an outline on a tile."""

_CELLS: Final = 32
"""Along each side of a mask on a tile."""


def answer_document(answer: Answer, session: Session, previous: str | None) -> dict[str, Any]:
    """Return an answer without its rows.

    Args:
        answer: the answer.
        session: where it was asked.
        previous: the key of the answer that the page shows now; `grows` tells whether that one's
            rows come first here, so that nothing on the screen has to move.
    """
    grows = False
    if previous is not None and previous in session.answers:
        grows = answer.begins_with(session.answers.of(previous))
    return {
        "answer": answer.key,
        "count": len(answer),
        "total": int(session.table.whole.sum()),
        "snapshot": answer.snapshot,
        "notes": list(answer.notes),
        "grows": grows,
    }


def rows_document(
    session: Session, answer: Answer, offset: int, limit: int, *, boxes: bool
) -> dict[str, Any]:
    """Return a page of an answer's rows as columns; of fewer rows at the end.

    Raises:
        UsageError: rows of it are gone.
    """
    here = slice(max(offset, 0), max(offset, 0) + min(max(limit, 0), MOST_ROWS))
    ids = answer.ids[here].to_pylist()
    samples = session.workspace.samples
    rows = samples.rows(_SHOWN, ids)
    found: dict[str, Any] = {"offset": here.start, "id": ids}
    found |= {name: rows.column(name).to_pylist() for name in _SHOWN}
    if answer.scores is not None:
        found["score"] = [_rounded(score) for score in answer.scores[here].tolist()]
    if boxes:
        found["objects"] = _objects(samples, ids)
    return found


def picture_document(session: Session, name: str) -> dict[str, Any]:
    """Return all that the dataset says of a picture.

    Raises:
        UsageError: there is no such sample.
    """
    samples = session.workspace.samples
    row = samples.rows(samples.narrow_columns(), [checked_id(name)]).to_pylist()[0]
    said = samples.store.annotations(where=one_of("sample_id", [name]))
    return {
        "sample": {key: document_of(value) for key, value in row.items() if value is not None},
        "annotations": [document_of(one) for one in said.to_pylist()],
        "embedded": [column.spec for column in samples.vector_columns],
    }


def held_by(session: Session, ids: pa.Array) -> dict[str, Any]:
    """Return how many of some pictures have each label and tag. O(N)."""
    at = session.table.positions(ids)
    mask = np.zeros(len(session.table), bool)
    mask[at] = True
    found: dict[str, Any] = {}
    for name in (Column.LABEL, Column.TAGS):
        column = session.table.words(name)
        counts = column.counts(mask)
        found[name] = {
            str(value): int(number)
            for value, number in zip(column.values, counts, strict=True)
            if number
        }
        found[f"no_{name}"] = int((mask & ~column.known()).sum())
    return found


def _objects(samples: Samples, ids: Sequence[str]) -> list[list[list[Any]]]:
    """Return for each sample its objects: `[layer, class, x, y, width, height, shape]`.

    A shape is rings of x, y, x, y, …, of few corners each, or the bits of a coarse view of a mask
    in its box, 32 rows of 32, as base64; None of what is a box.
    """
    heights = dict(zip(ids, samples.rows([Column.HEIGHT], ids).column(0).to_pylist(), strict=True))
    place: dict[str, list[list[Any]]] = {name: [] for name in ids}
    where = all_of(one_of("sample_id", ids), known("x"))
    for one in samples.store.annotations(_PLACE, where).to_pylist():
        box = [_rounded(one[side]) for side in ("x", "y", "width", "height")]
        shape: Any = [_coarse(ring) for ring in one["polygon"] or ()] or None
        if one["mask"] and shape is None:
            shape = _bits(one, heights[one["sample_id"]])
        place[one["sample_id"]].append([one["layer"], one["label"], *box, shape])
    return [place[name] for name in ids]


def _coarse(ring: Sequence[float]) -> list[float | None]:
    corners = len(ring) // 2
    step = -(-corners // _CORNERS)
    kept = range(0, corners, max(step, 1))
    return [_rounded(ring[2 * at + axis]) for at in kept for axis in (0, 1)]


def _bits(one: Mapping[str, Any], height: int | None) -> str | None:
    if not height:
        return None
    box = one["x"], one["y"], one["width"], one["height"]
    try:
        seen = sampled(read_counts(one["mask"]), height, box, _CELLS)
    except ValueError:
        return None  # no code that we wrote: its box is drawn
    return b64encode(np.packbits(seen).tobytes()).decode()


def _rounded(number: float) -> float | None:
    return None if not math.isfinite(number) else float(f"{number:.{_DIGITS}g}")
