"""Pictures that score each other, where none is known to be nominal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.defects import Scale, highest_mean, mutual_distances
from tamis.errors import UsageError
from tamis.runtime.defect_places import PlaceFeatures
from tamis.runtime.defect_scores import PictureScore, ScoreMap
from tamis.services.defects.nominal import NominalSet, native_side
from tamis.services.defects.rows import looked_at
from tamis.services.defects.sampling import sampled_patches, typical_brightness
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.defect_places import Place
    from tamis.services.defects.rows import PictureRow
    from tamis.services.defects.sampling import PatchSample
    from tamis.verbs.feedback import Feedback

__all__ = ["FAR", "BatchScorer", "batch_scorer"]

FAR: Final = 5.0
"""Deviations above the batch's typical picture from which one is called anomalous."""

_PATCHES: Final = 8000
_LARGEST: Final = 512
_FOR_SCALE: Final = 64
_FEWEST: Final = 3


@dataclass(frozen=True)
class BatchScorer:
    """Scores a picture by the others: once by fine, once by coarser features.

    Attributes:
        features: of the levels that are used.
        sample: patches of all pictures.
        numbers: which picture each sample id is.
        scales: of the mean of the highest places, by level.
    """

    features: PlaceFeatures
    sample: PatchSample
    numbers: Mapping[str, int]
    scales: Sequence[Scale] = ()

    def score(self, row: PictureRow, picture: Pixels) -> PictureScore:
        """Return what the other pictures say of a picture."""
        place, maps = self.maps(row, picture)
        scaled = [
            ScoreMap(scale.scaled(one).astype(np.float32), place.lattice([level]))
            for scale, level, one in zip(self.scales, self.features.maps.levels, maps, strict=True)
        ]
        return PictureScore(max(highest_mean(one.values) for one in scaled), scaled, place.extent)

    def maps(self, row: PictureRow, picture: Pixels) -> tuple[Place, list[NDArray[np.float32]]]:
        """Return a picture's places and, for each level, their mutual distances `[h, w]`."""
        place = self.features.of(self.features.prepared(picture))
        own = self.numbers.get(row.sample_id, -1)
        found = []
        for level in self.features.maps.levels:
            joined, patches = place.joined([level]), self.sample.joined((level,))
            flat = mutual_distances(
                joined.reshape(-1, joined.shape[2]), patches, self.sample.picture, own
            )
            found.append(flat.reshape(joined.shape[:2]))
        return place, found


def batch_scorer(
    rows: Sequence[PictureRow], encoder: Encoder, seed: int, feedback: Feedback
) -> BatchScorer:
    """Return what scores the pictures of a batch by each other.

    Pictures are looked at with their shorter side as it is, at most at 512 pixels, by the encoder's
    finest level and the one in the middle. The scale is that of up to 64 of them, by the median, so
    that up to nearly half may be flawed.

    Raises:
        UsageError: the encoder has no features by place, or there are fewer than 3 pictures.
        InputError: no picture can be read.
    """
    if len(rows) < _FEWEST:
        raise UsageError(
            f"{len(rows)} pictures cannot score each other; a batch needs at least {_FEWEST}"
        )
    levels = PlaceFeatures(encoder, None, side=None, brightness=None).maps.levels
    chosen = list(dict.fromkeys([levels[0], levels[len(levels) // 2]]))
    batch = NominalSet.of(rows, np.arange(len(rows)), seed)
    features = PlaceFeatures(encoder, chosen, side=None, brightness=None)
    features.side = max(min(native_side(batch), _LARGEST), *features.maps.tile)
    features.brightness = typical_brightness(batch, features, feedback.stage("look"))
    sample = sampled_patches(
        batch,
        features,
        [(level,) for level in chosen],
        rotations=False,
        most=_PATCHES,
        progress=feedback.stage("learn"),
    )
    numbers = {row.sample_id: number for number, row in enumerate(sample.nominal.rows)}
    scorer = BatchScorer(features, sample, numbers)
    step = max(1, len(sample.nominal.rows) // _FOR_SCALE)
    peaks = [
        found
        for _, found in looked_at(
            sample.nominal.rows[::step],
            features.decode_side,
            lambda row, picture: [highest_mean(one) for one in scorer.maps(row, picture)[1]],
            feedback.stage("compare"),
        )
        if not isinstance(found, Failure)
    ]
    scales = [Scale.of(column) for column in np.array(peaks, np.float64).T]
    return BatchScorer(features, sample, numbers, scales)
