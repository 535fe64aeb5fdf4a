"""A model of nominal pictures: one file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tamis.algo.defects import (
    MemoryBank,
    ModelName,
    Moments,
    PatchModel,
    Residual,
    Scale,
    group_scores,
    highest_mean,
    smoothed,
)
from tamis.dataset.array_file import (
    described,
    name_by_content,
    packed,
    read_described,
    write_content,
)
from tamis.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["DefectModel", "Expert", "ModelFacts"]

_FORMAT: Final = 2
_WHAT: Final = "model of defects"
_AGAIN: Final = "fit it again with  tamis defects fit"


@dataclass(frozen=True)
class Expert:
    """One of the models that a picture is scored by.

    Attributes:
        model: `bank` or `residual`.
        levels: of the encoder, which are joined.
        sigma: of the smoothing, in places of its levels.
        reads: `highest`, the mean of the highest places, for small flaws; `mean`, of all, for odd
            pictures; `peak`, the highest place, in models of earlier versions.
        center: of that figure in a typical nominal picture.
        spread: one deviation of it among higher ones.
    """

    model: ModelName
    levels: tuple[str, ...]
    sigma: float
    reads: Literal["highest", "mean", "peak"]
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
        if self.reads == "highest":
            return highest_mean(places)
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
