"""The part of the Python face that finds pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.interfaces.stored import Stored
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.runtime.indexing import IndexAudit
    from tamis.services.align import AlignReport
    from tamis.services.keyword_filter import FilterReport
    from tamis.types import Progress

__all__ = ["Finding"]

PathLike = str | os.PathLike[str]


class Finding(Stored):
    """Verbs that find pictures; `tamis.Dataset` has them."""

    def filter(
        self,
        texts: str | Sequence[str],
        negatives: str | Sequence[str] = (),
        *,
        threshold: float | None = None,
        classes: bool = False,
        where: str | None = None,
        tag: str | None = None,
        encoder: str | None = None,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> FilterReport:
        """Find all pictures that texts describe, and tag them if `tag` is given.

        Args:
            texts: what they should show; needs vectors of an encoder that reads texts.
            negatives: what they should be less near to than to the nearest of `texts`.
            threshold: least cosine, or with `classes` least probability; without `classes` it is
                found in the scores if not given.
            classes: take texts and negatives as classes of which each picture is one.
            where: an SQL condition that they have to meet.
            tag: added to the tags of those that pass; nothing is written without.
            encoder: whose vectors; the only ones if not given.
            seed: draws the resamples that a threshold found is checked on.
            progress: told after each batch.

        Raises:
            UsageError: a text is empty or given twice, the threshold is out of range, or the
                encoder reads no texts.
        """
        from tamis.services.keyword_filter import keyword_filter

        return keyword_filter(
            self.store,
            _several(texts),
            column=self.vector_column(encoder, reads_text=True),
            negatives=_several(negatives),
            threshold=threshold,
            classes=classes,
            where=where,
            tag=tag,
            seed=seed,
            progress=progress,
            encoders=self.encoders,
        )

    def align(
        self,
        *,
        from_: str,
        to: str,
        out: PathLike | None = None,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> AlignReport:
        """Learn a map from vectors of one encoder to those of another that reads texts.

        The result is an encoder `aligned:FILE`, with vectors of all that `from_` has embedded.

        Args:
            from_: whose vectors are mapped.
            to: whose texts are wanted; both must have embedded 200 pictures, better 20,000.
            out: the map's file; inside the dataset if not given, so that it moves with it.
            seed: draws which pictures the map is measured on.
            progress: told how many vectors are written.

        Raises:
            UsageError: too few pictures have both vectors, or `to` reads no texts.
            EncoderError: an encoder cannot be loaded, or has changed.
        """
        from tamis.services.align import align

        return align(
            self.store,
            source=self.vector_column(from_),
            target=self.vector_column(to),
            out=None if out is None else Path(out),
            seed=seed,
            progress=progress,
            encoders=self.encoders,
        )

    def index(self, encoder: str | None = None) -> tuple[int, int]:
        """Index the vectors for search among millions, and return rows covered and rows there.

        `embed` does it by itself once a dataset has 100,000 pictures, and takes in new rows.
        """
        from tamis.runtime.indexing import index_vectors

        return index_vectors(self.store, self.vector_column(encoder))

    def audit_index(self, encoder: str | None = None, *, seed: int = 0) -> IndexAudit | None:
        """Measure what the index loses and gains against exact search; None without an index."""
        from tamis.runtime.indexing import audit_index

        return audit_index(self.store, self.vector_column(encoder), seed=seed)


def _several(values: PathLike | Sequence[PathLike]) -> list[str]:
    if isinstance(values, str | os.PathLike):
        return [os.fspath(values)]
    return [os.fspath(value) for value in values]
