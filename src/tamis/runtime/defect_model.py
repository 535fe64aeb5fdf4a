"""A model of nominal pictures: one file, and what it says of a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
from PIL import Image

from tamis.algo.defects import (
    MemoryBank,
    ModelName,
    Moments,
    PatchModel,
    Residual,
    Scale,
    at_brightness,
    group_scores,
    joined_levels,
    pooled_level,
    resize_matrix,
    smoothed,
)
from tamis.dataset.array_file import (
    described,
    name_by_content,
    packed,
    read_described,
    write_content,
)
from tamis.encoders.tiled_maps import TiledMaps, scaled_picture
from tamis.errors import EncoderError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.encoders.tiled_maps import LevelShape
    from tamis.runtime.decoded_rows import Pixels
    from tamis.types import Indices

__all__ = [
    "DefectModel",
    "Expert",
    "Extent",
    "Lattice",
    "ModelFacts",
    "PictureScore",
    "PictureScorer",
    "Place",
    "PlaceFeatures",
    "ScoreMap",
    "pixel_lines",
]

_FORMAT: Final = 2
_WHAT: Final = "model of defects"
_AGAIN: Final = "fit it again with  tamis defects fit"
_FINEST: Final = 8
"""Pixels that a place is wide at least; finer levels are averaged over it."""


@dataclass(frozen=True)
class Expert:
    """One of the models that a picture is scored by.

    Attributes:
        model: `bank` or `residual`.
        levels: of the encoder, which are joined.
        sigma: of the smoothing, in places of its levels.
        reads: `peak`, the highest place, for small flaws, or `mean`, for odd pictures.
        center: of that figure in a typical nominal picture.
        spread: one deviation of it among higher ones.
    """

    model: ModelName
    levels: tuple[str, ...]
    sigma: float
    reads: Literal["peak", "mean"]
    center: float = 0.0
    spread: float = 1.0

    @property
    def scale(self) -> Scale:
        """Brings its figure to deviations."""
        return Scale(self.center, self.spread)

    def places(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return its map `[h, w]` of distances, smoothed."""
        return smoothed(distances, self.sigma)

    def figure(self, places: NDArray[np.float32]) -> float:
        """Return what it reads from its map."""
        return float(places.max() if self.reads == "peak" else places.mean(dtype=np.float64))


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a model says beside its arrays.

    Attributes:
        encoder: spec of the encoder.
        fingerprint: of the encoder.
        side: pixels of the shorter side at which pictures are looked at.
        brightness: mean that pictures are brought to, 0 to 255.
        experts: a picture's score is the highest of theirs.
        threshold: a picture with a higher score is anomalous, and so is a place.
        rate: false-alarm rate that was asked for.
        promised: rate that holds.
        groups: groups of nominal pictures that the threshold was taken from.
        contamination: share of the nominal pictures that was taken for flawed.
        pictures: nominal pictures that it was fitted to.
        flaws: kinds of flaws that were planted to choose; empty if nothing was chosen.
        auroc: of planted flaws that did not choose; None if there were none.
        seed: of all that is random about it.
    """

    encoder: str
    fingerprint: str
    side: int
    brightness: float
    experts: tuple[Expert, ...]
    threshold: float
    rate: float
    promised: float
    groups: int
    contamination: float
    pictures: int
    flaws: tuple[str, ...]
    auroc: float | None
    seed: int

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of the encoder that the experts need."""
        return tuple(dict.fromkeys(name for expert in self.experts for name in expert.levels))


@dataclass(frozen=True)
class DefectModel:
    """A model of nominal pictures.

    Attributes:
        facts: what it is.
        patches: of each expert, how far a place is from nominal ones.
        scores: `[N]` float64 scores of nominal pictures that were held out.
        groups: `[N]` int64 which of them show the same part.
        ids: sample ids of the nominal pictures.
    """

    facts: ModelFacts
    patches: tuple[PatchModel, ...]
    scores: NDArray[np.float64]
    groups: Indices
    ids: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name by its content."""
        return name_by_content(self.to_bytes())

    @property
    def group_scores(self) -> NDArray[np.float64]:
        """`[G]` the highest score of each nominal part, from which the threshold comes."""
        return group_scores(self.scores, self.groups)

    def to_bytes(self) -> bytes:
        """Return the content of its file: arrays that NumPy reads, and nothing executable."""
        arrays: dict[str, NDArray[Any]] = {
            "about": described({"format": _FORMAT, **asdict(self.facts)}),
            "scores": self.scores,
            "groups": self.groups,
            "ids": np.frombuffer(bytes.fromhex("".join(self.ids)), np.uint8),
        }
        for number, patches in enumerate(self.patches):
            if isinstance(patches, MemoryBank):
                arrays[f"bank{number}"] = patches.patches
            else:
                arrays |= {f"mean{number}": patches.mean, f"basis{number}": patches.basis}
                if patches.moments is not None:
                    arrays |= {
                        f"count{number}": np.array(patches.moments.count),
                        f"total{number}": patches.moments.total,
                        f"product{number}": patches.moments.product,
                    }
        return packed(arrays)

    def write(self, path: Path) -> int:
        """Write it to a file, whole or not at all, and return the bytes.

        Raises:
            StorageError: the disk refuses.
        """
        return write_content(path, self.to_bytes())

    @staticmethod
    def read(path: Path) -> DefectModel:
        """Read a model.

        Raises:
            InputError: there is none, or the file is damaged or of a later tamis.
        """
        arrays, about = read_described(path, _WHAT, _FORMAT, again=_AGAIN)
        try:
            experts = tuple(
                Expert(**{**one, "levels": tuple(one["levels"])}) for one in about.pop("experts")
            )
            facts = ModelFacts(experts=experts, **{**about, "flaws": tuple(about["flaws"])})
            patches: list[PatchModel] = []
            for number, expert in enumerate(experts):
                if expert.model == "bank":
                    patches.append(MemoryBank(arrays[f"bank{number}"]))
                else:
                    moments = None
                    if f"count{number}" in arrays:
                        moments = Moments(
                            float(arrays[f"count{number}"]),
                            arrays[f"total{number}"],
                            arrays[f"product{number}"],
                        )
                    mean, basis = arrays[f"mean{number}"], arrays[f"basis{number}"]
                    patches.append(Residual(mean, basis, moments))
            ids = arrays["ids"].tobytes().hex()
            names = tuple(ids[at : at + 32] for at in range(0, len(ids), 32))
            return DefectModel(facts, tuple(patches), arrays["scores"], arrays["groups"], names)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise InputError(f"{path} is a damaged {_WHAT}: {_AGAIN}") from error


class Lattice(NamedTuple):
    """Where the places of some levels lie: cells of the finest level, 8 pixels wide at least.

    Attributes:
        rows: that cover the padded picture.
        columns: that cover the padded picture.
        inside: rows and columns that lie in the picture; the rest is its mirrored edge.
    """

    rows: int
    columns: int
    inside: tuple[int, int]


@dataclass(frozen=True)
class Extent:
    """A picture as it was looked at.

    Attributes:
        size: height and width in pixels.
        padded: the same with the mirrored edge.
    """

    size: tuple[int, int]
    padded: tuple[int, int]


@dataclass(frozen=True)
class Place:
    """The places of a picture. Not thread-safe.

    Attributes:
        features: computed them.
        maps: of each level, `[h, w, D]` float32, which cover the padded picture.
        extent: the picture.
    """

    features: PlaceFeatures
    maps: Mapping[str, NDArray[np.float32]]
    extent: Extent
    _pooled: dict[tuple[str, int], NDArray[np.float32]] = field(default_factory=dict)

    def lattice(self, levels: Sequence[str]) -> Lattice:
        """Return where the places of some joined levels lie."""
        return self.features.lattice(self.extent, levels)

    def level(self, name: str, lattice: Lattice) -> NDArray[np.float32]:
        """Return `[rows, columns, D]` unit vectors of one level within the picture."""
        key = (name, lattice.rows)
        if key not in self._pooled:
            pooled = pooled_level(self.maps[name], (lattice.rows, lattice.columns))
            self._pooled[key] = pooled[: lattice.inside[0], : lattice.inside[1]]
        return self._pooled[key]

    def joined(self, levels: Sequence[str]) -> NDArray[np.float32]:
        """Return `[rows, columns, D]` unit vectors of some levels within the picture."""
        lattice = self.lattice(levels)
        return joined_levels([self.level(name, lattice) for name in levels])


class PlaceFeatures:
    """Computes what places of pictures are described by, the same for fitting and scoring.

    Args:
        encoder: has feature maps.
        levels: which are joined; all by default.
        side: pixels of the shorter side.
        brightness: mean that pictures are brought to.

    Raises:
        UsageError: the encoder has no features by place, or no such level.
    """

    def __init__(
        self,
        encoder: Encoder,
        levels: Sequence[str] | None = None,
        *,
        side: int | None,
        brightness: float | None,
    ) -> None:
        self.maps = TiledMaps(encoder, levels)
        self.side = side
        self.brightness = brightness
        everything = TiledMaps(encoder) if levels else self.maps
        height, width = everything.tile
        wide = [
            shape
            for shape in everything.shapes.values()
            if height >= _FINEST * shape.rows and width >= _FINEST * shape.columns
        ]
        self._finest = max(wide, key=_rows, default=min(everything.shapes.values(), key=_rows))

    @property
    def decode_side(self) -> int:
        """Pixels that the shorter side must keep where pictures are decoded at reduced size."""
        return (self.side or 1 << 30) * 2

    def prepared(self, picture: Pixels) -> NDArray[np.uint8]:
        """Return a decoded picture as it is looked at, before its brightness is changed."""
        return scaled_picture(
            picture.image, self.side, max(self.maps.tile), size=picture.size, extent=picture.extent
        )

    def scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture that was decoded, `[H, W, 3]` uint8, as it is looked at."""
        return scaled_picture(Image.fromarray(pixels), self.side, max(self.maps.tile))

    def of(self, pixels: NDArray[np.uint8]) -> Place:
        """Return the places of a prepared picture, `[H, W, 3]` uint8."""
        height, width = pixels.shape[:2]
        if self.brightness is not None:
            pixels = at_brightness(pixels, self.brightness)
        maps = dict(zip(self.maps.levels, self.maps.of(pixels), strict=True))
        return Place(self, maps, self.extent(height, width))

    def extent(self, height: int, width: int) -> Extent:
        """Return how far a picture of a size reaches."""
        plan = self.maps.plan(height, width)
        return Extent((height, width), (plan.height, plan.width))

    def lattice(self, extent: Extent, levels: Sequence[str]) -> Lattice:
        """Return where the places of some joined levels of a picture lie."""
        chosen = self._finest_of(levels)
        tall, wide = self.maps.tile
        return Lattice(
            extent.padded[0] * chosen.rows // tall,
            extent.padded[1] * chosen.columns // wide,
            (-(-extent.size[0] * chosen.rows // tall), -(-extent.size[1] * chosen.columns // wide)),
        )

    def rows(self, levels: Sequence[str]) -> int:
        """Return how many rows of places a tile has by some joined levels."""
        return self._finest_of(levels).rows

    def _finest_of(self, levels: Sequence[str]) -> LevelShape:
        own = (min(self.maps.shapes[name], self._finest, key=_rows) for name in levels)
        return max(own, key=_rows)


def _rows(shape: LevelShape) -> int:
    return shape.rows


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
            if expert.reads == "peak":
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
