"""A model of nominal pictures: one file, and what it says of a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
from PIL import Image

from tamis.algo.defects import (
    MemoryBank,
    ModelName,
    PatchModel,
    Residual,
    Scale,
    at_brightness,
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
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.encoders.tiled_maps import TilePlan
    from tamis.runtime.decoded_rows import Pixels
    from tamis.types import Indices

__all__ = [
    "DefectModel",
    "Expert",
    "ModelFacts",
    "PictureScore",
    "PictureScorer",
    "Place",
    "PlaceFeatures",
    "pixel_lines",
]

_FORMAT: Final = 1
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
        sigma: of the smoothing, in places.
        reads: `peak`, the highest place, for small flaws, or `mean`, for odd pictures.
        center: of that figure in a typical nominal picture.
        spread: one robust deviation of it.
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
                    patches.append(Residual(arrays[f"mean{number}"], arrays[f"basis{number}"]))
            ids = arrays["ids"].tobytes().hex()
            names = tuple(ids[at : at + 32] for at in range(0, len(ids), 32))
            return DefectModel(facts, tuple(patches), arrays["scores"], arrays["groups"], names)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise InputError(f"{path} is a damaged {_WHAT}: {_AGAIN}") from error


class Place(NamedTuple):
    """The places of a picture.

    Attributes:
        levels: features of each level, `[rows, columns, D]` float32 unit vectors.
        shape: rows and columns that lie in the picture; the rest is its mirrored edge.
        padded: height and width in pixels that all rows and columns cover.
        size: height and width in pixels of the picture as it was looked at.
    """

    levels: list[NDArray[np.float32]]
    shape: tuple[int, int]
    padded: tuple[int, int]
    size: tuple[int, int]

    def joined(self, numbers: Sequence[int] | None = None) -> NDArray[np.float32]:
        """Return `[rows, columns, D]` unit vectors of some levels within the picture."""
        chosen = self.levels if numbers is None else [self.levels[number] for number in numbers]
        rows, columns = self.shape
        return joined_levels([level[:rows, :columns] for level in chosen])


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
        grid = max(wide, key=lambda shape: shape.rows, default=None)
        grid = grid or min(everything.shapes.values(), key=lambda shape: shape.rows)
        self._grid = (grid.rows, grid.columns)

    @property
    def decode_side(self) -> int:
        """Pixels that the shorter side must keep where pictures are decoded at reduced size."""
        return (self.side or 1 << 30) * 2

    def prepared(self, picture: Pixels) -> NDArray[np.uint8]:
        """Return a decoded picture as it is looked at, before its brightness is changed."""
        return scaled_picture(
            picture.image, self.side, max(self.maps.tile), size=picture.size, extent=picture.extent
        )

    def number(self, level: str) -> int:
        """Return which of the computed levels has a name."""
        return self.maps.levels.index(level)

    def scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture that was decoded, `[H, W, 3]` uint8, as it is looked at."""
        return scaled_picture(Image.fromarray(pixels), self.side, max(self.maps.tile))

    def of(self, pixels: NDArray[np.uint8]) -> Place:
        """Return the places of a prepared picture, `[H, W, 3]` uint8."""
        height, width = pixels.shape[:2]
        if self.brightness is not None:
            pixels = at_brightness(pixels, self.brightness)
        plan = self.maps.plan(height, width)
        levels = [pooled_level(level, self.grid(plan)) for level in self.maps.of(pixels)]
        inside = self.inside(height, width)
        return Place(levels, inside, (plan.height, plan.width), (height, width))

    def grid(self, plan: TilePlan) -> tuple[int, int]:
        """Return the rows and columns of places of a padded picture."""
        return (
            plan.height * self._grid[0] // self.maps.tile[0],
            plan.width * self._grid[1] // self.maps.tile[1],
        )

    def inside(self, height: int, width: int) -> tuple[int, int]:
        """Return how many rows and columns of places a picture has, without its mirrored edge."""
        return (
            -(-height * self._grid[0] // self.maps.tile[0]),
            -(-width * self._grid[1] // self.maps.tile[1]),
        )


@dataclass(frozen=True)
class PictureScore:
    """What a model says of a picture.

    Attributes:
        score: robust deviations above nominal pictures, by the expert that says most.
        places: `[h, w]` float32, the same by place, by the experts that read places.
        place: the places.
    """

    score: float
    places: NDArray[np.float32]
    place: Place

    def heat_map(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the scores by place at the size of the picture, `[height, width]` float32."""
        down = _to_pixels(self.place, 0, size[0])
        across = _to_pixels(self.place, 1, size[1])
        # the last cells reach into the mirrored edge, where nothing was scored
        rows, columns = self.place.levels[0].shape[:2]
        missing = ((0, rows - self.places.shape[0]), (0, columns - self.places.shape[1]))
        whole = np.pad(self.places, missing, "edge")
        found: NDArray[np.float32] = np.linalg.multi_dot([down, whole, across.T])
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
            joined = place.joined([self.features.number(name) for name in expert.levels])
            distances = patches.distances(joined.reshape(-1, joined.shape[-1]))
            places = expert.places(distances.reshape(joined.shape[:2]))
            scores.append((expert.figure(places) - expert.center) / expert.spread)
            if expert.reads == "peak":
                maps.append(expert.scale.scaled(places))
        return PictureScore(max(scores), np.maximum.reduce(maps).astype(np.float32), place)


@lru_cache(maxsize=32)
def pixel_lines(cells: int, covered: int, length: int, wanted: int) -> NDArray[np.float32]:
    """Return `[wanted, cells]`: cells that cover a line, cut to its length, at another length."""
    whole = resize_matrix(cells, covered)[:length]
    scaled: NDArray[np.float32] = (
        whole if wanted == length else resize_matrix(length, wanted) @ whole
    )
    return scaled


def _to_pixels(place: Place, axis: int, wanted: int) -> NDArray[np.float32]:
    cells = place.levels[0].shape[axis]
    return pixel_lines(cells, place.padded[axis], place.size[axis], wanted)
