"""Rerank the best pictures by their patches, which show small things that vectors miss."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.late_interaction import late_interaction
from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS, box_of
from tamis.encoders.base import FeatureMapEncoder
from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import PictureError, UsageError
from tamis.machine import usable_processors
from tamis.runtime.decoded_rows import decoded_rows
from tamis.runtime.queries import picture_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.samples import Samples
    from tamis.encoders.base import Encoder
    from tamis.images.box import Box
    from tamis.services.search.contract import Hit

__all__ = ["rerank"]

_BATCH = 8


@dataclass(frozen=True)
class _Place:
    path: str
    uri: str
    content_hash: str
    box: Box | None


def rerank(
    samples: Samples,
    encoder: Encoder,
    hits: Sequence[Hit],
    example: str,
    region: Box | None,
) -> tuple[list[Hit], list[str]]:
    """Return hits by how well the patches of an example are found in each, best first.

    The pictures are read and run through the encoder again, some 10 to 200 ms each. A picture
    that cannot be read any more comes last, as it was.

    Args:
        samples: the dataset's.
        encoder: gives the patches.
        hits: what a search found.
        example: the picture file that was looked for.
        region: the part of it.

    Returns:
        The hits with their `local_score`, and notes on pictures that could not be read.

    Raises:
        UsageError: the encoder has no patches or feature maps.
        InputError: there is no such file.
        PictureError: the example cannot be decoded.
    """
    if not isinstance(encoder, FeatureMapEncoder):
        raise UsageError(f"{encoder.spec} has no patches to compare; search without reranking")
    tokens = picture_tokens(encoder, example, region)
    places = _places(samples, [hit.sample_id for hit in hits])
    side = decode_side(encoder.preprocessing)
    finder: FeatureMapEncoder = encoder

    def scored(part: Sequence[_Place]) -> list[float | PictureError]:
        scores: list[float | PictureError] = []
        good: list[NDArray[np.uint8]] = []
        for _, found in decoded_rows(part, side):
            scores.append(found if isinstance(found, PictureError) else 0.0)
            if not isinstance(found, PictureError):
                pixels = prepare(
                    found.image, finder.preprocessing, size=found.size, extent=found.extent
                )
                good.append(pixels)
        if good:
            maps = finder.feature_maps(np.stack(good))
            best = iter(late_interaction(tokens, maps.reshape(len(good), -1, maps.shape[-1])))
            scores = [s if isinstance(s, PictureError) else float(next(best)) for s in scores]
        return scores

    batches = [places[start : start + _BATCH] for start in range(0, len(places), _BATCH)]
    with ThreadPoolExecutor(usable_processors()) as pool:
        scores = [score for part in pool.map(scored, batches) for score in part]
    seen = [
        replace(hit, local_score=None if isinstance(score, PictureError) else score)
        for hit, score in zip(hits, scores, strict=True)
    ]
    notes = [f"not compared by patches: {s}" for s in scores if isinstance(s, PictureError)]
    seen.sort(key=lambda hit: -np.inf if hit.local_score is None else hit.local_score, reverse=True)
    return seen, notes


def _places(samples: Samples, ids: Sequence[str]) -> list[_Place]:
    names = (Column.PATH, Column.URI, Column.CONTENT_HASH)
    rows = samples.rows([*names, *BOX_COLUMNS], ids).to_pylist()
    return [_Place(row["path"], row["uri"], row["content_hash"], box_of(row)) for row in rows]
