"""What a model of nominal pictures says of a picture: a score, and a map of scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.defects import resize_matrix
from tamis.errors import EncoderError
from tamis.runtime.defect_places import PlaceFeatures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.defect_model import DefectModel
    from tamis.runtime.defect_places import Extent, Lattice

__all__ = ["PictureScore", "PictureScorer", "ScoreMap", "pixel_lines"]


@dataclass(frozen=True)
class ScoreMap:
    """Scores by place.

    Attributes:
        values: `[h, w]` float32 within the picture.
        lattice: where they lie.
    """

    values: NDArray[np.float32]
    lattice: Lattice

    def at_pixels(self, extent: Extent, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return them at a size of the picture, `[height, width]` float32."""
        down, across = (
            pixel_lines(cells, inside, padded, length, wanted)
            for cells, inside, padded, length, wanted in zip(
                self.lattice[:2],
                self.lattice.inside,
                extent.padded,
                extent.size,
                size,
                strict=True,
            )
        )
        found: NDArray[np.float32] = np.linalg.multi_dot([down, self.values, across.T])
        return found


@dataclass(frozen=True)
class PictureScore:
    """What a model says of a picture.

    Attributes:
        score: deviations above nominal pictures, by the expert that says most.
        maps: the same by place, of each expert that reads places.
        extent: the picture.
    """

    score: float
    maps: Sequence[ScoreMap]
    extent: Extent

    @property
    def peak(self) -> float:
        """The highest place."""
        return max(float(one.values.max()) for one in self.maps)

    def heat_map(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the highest score of each pixel at a size, `[height, width]` float32."""
        found: NDArray[np.float32] = np.maximum.reduce(
            [one.at_pixels(self.extent, size) for one in self.maps]
        )
        return found


class PictureScorer:
    """A model with its encoder. Thread-safe.

    Raises:
        EncoderError: the encoder is not the model's any more.
    """

    def __init__(self, model: DefectModel, encoder: Encoder) -> None:
        facts = model.facts
        if encoder.fingerprint != facts.fingerprint:
            raise EncoderError(
                f"{facts.encoder} is not the encoder any more that made the model (fingerprint "
                f"{encoder.fingerprint[:8]}, not {facts.fingerprint[:8]}): fit it again"
            )
        self.model = model
        self.features = PlaceFeatures(
            encoder, facts.levels, side=facts.side, brightness=facts.brightness
        )

    def score(self, picture: Pixels) -> PictureScore:
        """Return what the model says of a decoded picture."""
        return self.score_prepared(self.features.prepared(picture))

    def score_prepared(self, pixels: NDArray[np.uint8]) -> PictureScore:
        """Return what the model says of a picture at its side, `[H, W, 3]` uint8."""
        place = self.features.of(pixels)
        scores, maps = [], []
        for expert, patches in zip(self.model.facts.experts, self.model.patches, strict=True):
            joined = place.joined(expert.levels)
            distances = patches.distances(joined.reshape(-1, joined.shape[-1]))
            places = expert.places(distances.reshape(joined.shape[:2]))
            scores.append((expert.figure(places) - expert.center) / expert.spread)
            if expert.reads != "mean":
                scaled = expert.scale.scaled(places).astype(np.float32)
                maps.append(ScoreMap(scaled, place.lattice(expert.levels)))
        return PictureScore(max(scores), maps, place.extent)


@lru_cache(maxsize=64)
def pixel_lines(
    cells: int, inside: int, padded: int, length: int, wanted: int
) -> NDArray[np.float32]:
    """Return `[wanted, inside]`, which brings a line of cells to pixels.

    Args:
        cells: that cover the padded line.
        inside: cells within the picture; those of the mirrored edge are as the last of them.
        padded: pixels of the padded line.
        length: pixels of the line without its mirrored edge.
        wanted: pixels of the result.
    """
    whole = resize_matrix(cells, padded)[:length]
    if wanted != length:
        whole = resize_matrix(length, wanted) @ whole
    folded: NDArray[np.float32] = whole[:, :inside].copy()
    folded[:, -1] += whole[:, inside:].sum(axis=1)
    folded.flags.writeable = False  # it is shared
    return folded
