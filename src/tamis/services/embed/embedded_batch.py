"""What comes of a batch of rows, and how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

from tamis.dataset.parts import Box
from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import PictureError
from tamis.runtime.decoded_rows import decoded_rows
from tamis.runtime.row_sink import Rows
from tamis.sources.locations import require_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.runtime.batch_size import BatchSize
    from tamis.types import Preprocessing, Vectors

__all__ = ["EmbedRow", "EmbeddedBatch", "Prepared", "prepared"]

_LENGTH_TOLERANCE: Final = 1e-3


class EmbedRow(NamedTuple):
    """A picture or part that is to be embedded; the fields are columns of the dataset."""

    sample_id: str
    path: str
    uri: str
    source: str
    content_hash: str
    x: int | None = None
    y: int | None = None
    width: int | None = None
    height: int | None = None

    @property
    def box(self) -> Box | None:
        """The part of the picture; None if it is all of it."""
        if self.x is None or self.y is None or self.width is None or self.height is None:
            return None
        return Box(self.x, self.y, self.width, self.height)


Prepared: TypeAlias = "tuple[EmbedRow, NDArray[np.uint8] | str]"
"""A row with its pixels as an encoder takes them, `[H, W, 3]`, or why there are none."""


def prepared(rows: Sequence[EmbedRow], preprocessing: Preprocessing) -> Iterator[Prepared]:
    """Read and decode rows, parts of a picture next to each other, and prepare their pixels.

    Raises:
        InputError: a row's whole source vanished.
    """
    for row, found in decoded_rows(rows, decode_side(preprocessing)):
        if isinstance(found, PictureError):
            require_source(row.source)
            yield row, found.reason
        else:
            yield row, prepare(found.image, preprocessing, size=found.size, extent=found.extent)


class EmbeddedBatch(NamedTuple):
    """What came of a batch of rows."""

    ids: list[str]
    vectors: Vectors
    failed: list[tuple[EmbedRow, str]]

    @classmethod
    def of(
        cls, encoder: Encoder, batch_size: BatchSize, ready: Sequence[Prepared]
    ) -> EmbeddedBatch:
        """Embed what could be prepared; the others come along with their reasons.

        Args:
            encoder: makes the vectors.
            batch_size: pictures for one call of it.
            ready: from `prepared`.
        """
        good = [row for row, found in ready if not isinstance(found, str)]
        pixels = [found for _, found in ready if not isinstance(found, str)]
        failed = [(row, found) for row, found in ready if isinstance(found, str)]
        if not good:
            return cls([], np.empty((0, encoder.dim), np.float32), failed)
        vectors = batch_size.embed(encoder, np.stack(pixels))
        # asked this way round, a length that is not a number is not usable either
        usable = np.abs(np.linalg.norm(vectors, axis=1) - 1) <= _LENGTH_TOLERANCE
        reason = "the encoder gave no finite vector of length 1"
        unusable = [(row, reason) for row, fits in zip(good, usable, strict=True) if not fits]
        ids = [row.sample_id for row, fits in zip(good, usable, strict=True) if fits]
        return cls(ids, vectors[usable], [*failed, *unusable])

    def rows(self, *, retry: bool) -> Rows:
        """Return it as rows; with `retry` samples may have an error from before."""
        errors: dict[str, str | None] = dict.fromkeys(self.ids) if retry else {}
        errors.update({row.sample_id: reason for row, reason in self.failed})
        return Rows(
            ids=self.ids,
            vectors=self.vectors,
            errors=errors,
            counts={"embedded": len(self.ids), "failed": len(self.failed)},
        )
