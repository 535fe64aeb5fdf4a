"""Which model, levels and smoothing: what finds flaws that are planted on nominal pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tamis.algo.defects import (
    FLAWS,
    MODELS,
    area_under_curve,
    fit_patch_model,
    gained,
    plant_flaw,
    smoothed,
)
from tamis.services.defects.rows import looked_at
from tamis.services.defects.sampling import strip_of
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.algo.defects import FlawName, ModelName, PatchModel
    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.defect_model import Place, PlaceFeatures
    from tamis.services.defects.contract import DefectsFit
    from tamis.services.defects.nominal import NominalSet
    from tamis.services.defects.rows import PictureRow
    from tamis.services.defects.sampling import PatchSample
    from tamis.types import Progress

__all__ = ["Choice", "Option", "chosen_option", "distances_unseen", "options_of"]

SIGMAS: Final = (0.0, 1.0, 2.0)
_PICTURES: Final = 16
_BANK: Final = 1500
_DIMMED: Final = (0.8, 1.2)
_DEFAULT: Final = 1.0


class Option(NamedTuple):
    """One way to model nominal pictures.

    Attributes:
        model: `bank` or `residual`.
        levels: numbers of the encoder's levels.
        sigma: of the smoothing, in places.
    """

    model: ModelName
    levels: tuple[int, ...]
    sigma: float


@dataclass(frozen=True)
class Choice:
    """An option and how it was chosen.

    Attributes:
        option: the best.
        compared: each option with its AUROC on the flaws that choose, best first.
        auroc: of the best, on flaws planted on other pictures; None where there were too few.
        by_flaw: the same for each kind.
    """

    option: Option
    compared: Sequence[tuple[Option, float]] = ()
    auroc: float | None = None
    by_flaw: Mapping[str, float] | None = None


def options_of(request: DefectsFit, levels: Sequence[str]) -> list[Option]:
    """Return the options that are compared.

    Levels are joined in pairs and threes of neighbors; where an encoder has one, it stands alone.
    """
    count = len(levels)
    if request.levels:
        sets = [tuple(sorted({levels.index(name) for name in request.levels}))]
    elif count == 1:
        sets = [(0,)]
    else:
        sets = [
            tuple(range(first, first + width))
            for width in (2, 3)
            for first in range(count - width + 1)
        ]
    models = MODELS if request.model == "auto" else (request.model,)
    return [Option(model, one, sigma) for model in models for one in sets for sigma in SIGMAS]


def chosen_option(
    options: Sequence[Option],
    nominal: NominalSet,
    sample: PatchSample,
    kept: NDArray[np.bool_],
    features: PlaceFeatures,
    *,
    request: DefectsFit,
    progress: Progress,
) -> Choice:
    """Return the option that best tells pictures with a planted flaw from those without.

    Up to 16 pictures are taken, each scored by models of the other folds: as it is, darker and
    brighter by a fifth (all nominal), and with one flaw of each kind. Half of the pictures choose;
    the AUROC of the best is measured on the other half.

    Args:
        options: what is compared.
        nominal: the pictures.
        sample: their patches.
        kept: `[P]` patches that are trusted.
        features: of all levels.
        request: kinds of flaws, and the seed.
        progress: told how far it has come.
    """
    flaws: Sequence[FlawName] = request.flaws or FLAWS
    rng = np.random.default_rng([request.seed, 1])
    size = min(_BANK, request.bank)
    models = {
        key: fit_patch_model(key[0], sample.folds(key[1], nominal.count, kept), size=size, rng=rng)[
            1
        ]
        for key in dict.fromkeys((option.model, option.levels) for option in options)
    }
    # a suspect picture would count its own flaw as nominal
    order = rng.permutation(_least_odd(nominal, sample, kept))[:_PICTURES]
    numbers = {nominal.rows[place].sample_id: int(place) for place in order}

    def peaks(row: PictureRow, picture: Pixels) -> NDArray[np.float64]:
        chance = np.random.default_rng([request.seed, 2, int(row.sample_id[:15], 16)])
        pixels = features.prepared(picture)
        shown = [pixels, *(gained(pixels, gain) for gain in _DIMMED)]
        shown += [plant_flaw(pixels, kind, chance).pixels for kind in flaws]
        found = np.empty((len(shown), len(options)))
        for at, one in enumerate(shown):
            place = features.of(one)
            fold = int(nominal.folds[numbers[row.sample_id]])
            maps = {
                key: distances_unseen(place, key[1], without, fold)
                for key, without in models.items()
            }
            for column, option in enumerate(options):
                places = smoothed(maps[option.model, option.levels], option.sigma)
                found[at, column] = places.max()
        return found

    rows = [nominal.rows[place] for place in order]
    outcomes = looked_at(rows, features.decode_side, peaks, progress)
    tables = [found for _, found in outcomes if not isinstance(found, Failure)]
    if not tables:
        return Choice(_fallback(options))
    clean = 1 + len(_DIMMED)
    chosen_by, measured = (tables[::2], tables[1::2]) if len(tables) > 1 else (tables, [])
    scores = [_auroc(chosen_by, column, clean) for column in range(len(options))]
    # of equals the first: plain banks of fine levels come first
    best = int(np.argmax(np.round(scores, 6)))
    ranked = sorted(range(len(options)), key=lambda column: (-scores[column], column))
    compared = [(options[column], scores[column]) for column in ranked]
    if not measured:
        return Choice(options[best], compared)
    by_flaw: dict[str, float] = {
        kind: _auroc(measured, best, clean, [clean + at]) for at, kind in enumerate(flaws)
    }
    return Choice(options[best], compared, _auroc(measured, best, clean), by_flaw)


def _fallback(options: Sequence[Option]) -> Option:
    """Return what is taken where nothing can be compared."""
    return options[0]._replace(sigma=_DEFAULT)


def distances_unseen(
    place: Place, levels: Sequence[int], without: Sequence[PatchModel], fold: int
) -> NDArray[np.float32]:
    """Return `[rows, columns]` distances of a picture's places by models that have not seen them.

    Args:
        place: its places.
        levels: which levels are joined.
        without: a model without each fold.
        fold: the picture's; -1 if its strips are the folds.
    """
    joined = place.joined(levels)
    shape = joined.shape[:2]
    if fold >= 0:
        return without[fold].distances(joined.reshape(-1, joined.shape[2])).reshape(shape)
    strips = strip_of(shape[0])
    found = np.empty(shape, np.float32)
    for strip in np.unique(strips):
        part = joined[strips == strip]
        flat = without[strip].distances(part.reshape(-1, joined.shape[2]))
        found[strips == strip] = flat.reshape(part.shape[:2])
    return found


def _least_odd(
    nominal: NominalSet, sample: PatchSample, kept: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the rows of which most patches are trusted: at most as many odd ones as the median."""
    dropped = np.bincount(sample.picture[~kept], minlength=len(nominal.rows))
    drawn = np.bincount(sample.picture, minlength=len(nominal.rows))
    share = dropped / np.maximum(drawn, 1)
    return np.flatnonzero((drawn > 0) & (share <= np.median(share[drawn > 0])))


def _auroc(
    tables: Sequence[NDArray[np.float64]],
    column: int,
    clean: int,
    flawed: Sequence[int] | None = None,
) -> float:
    negative = np.concatenate([table[:clean, column] for table in tables])
    shown = [table[list(flawed)] if flawed is not None else table[clean:] for table in tables]
    positive = np.concatenate([one[:, column] for one in shown])
    return area_under_curve(positive, negative)
