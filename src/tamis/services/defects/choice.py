"""Which model, levels, side and smoothing: what finds flaws planted on nominal pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tamis.algo.defects import (
    FLAWS,
    MODELS,
    Scale,
    area_under_curve,
    fit_patch_model,
    gained,
    highest_mean,
    plant_flaw,
    smoothed,
)
from tamis.runtime.defect_places import PlaceFeatures
from tamis.services.defects.contract import LARGEST_SIDE
from tamis.services.defects.rows import looked_at
from tamis.services.defects.sampling import sampled_patches, strip_of
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.algo.defects import FlawName, ModelName, PatchModel
    from tamis.encoders.base import Encoder
    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.defect_places import Place
    from tamis.services.defects.contract import DefectsFit
    from tamis.services.defects.nominal import NominalSet
    from tamis.services.defects.rows import PictureRow
    from tamis.services.defects.sampling import PatchSample
    from tamis.verbs.feedback import Feedback

__all__ = ["Choice", "Chooser", "Option", "distances_unseen", "options_of"]

SIGMAS: Final = (0.0, 1.0)
_LEARNED_FROM: Final = 48
_CHOOSING: Final = 16
_FLAWED: Final = 8
_BANK: Final = 500
_PATCHES: Final = 12_000
"""Patches that banks to compare are chosen from; they are kept by every set of levels."""
_EXPOSURES: Final = (1.0, 0.8, 1.2)
_MOST_LEVELS: Final = 3
_EQUAL: Final = 1e-9
_TOLD: Final = 20


class Option(NamedTuple):
    """One way to model nominal pictures.

    Attributes:
        side: pixels of the shorter side at which pictures are looked at.
        model: `bank` or `residual`.
        levels: of the encoder, which are joined.
        sigma: of the smoothing, in places.
    """

    side: int
    model: ModelName
    levels: tuple[str, ...]
    sigma: float


@dataclass(frozen=True)
class Choice:
    """One or two options that together find most, and how they were chosen.

    Attributes:
        options: of one side; a picture's score is the higher of theirs.
        compared: the best that were compared, with their AUROC on the flaws that choose.
        auroc: of the chosen ones, on flaws planted on other pictures; None where there were too
            few.
        by_flaw: the same for each kind.
    """

    options: tuple[Option, ...]
    compared: Sequence[tuple[tuple[Option, ...], float]] = ()
    auroc: float | None = None
    by_flaw: Mapping[str, float] = field(default_factory=dict)


def options_of(request: DefectsFit, levels: Sequence[str], native: int, least: int) -> list[Option]:
    """Return the options that are compared.

    Levels stand alone or are joined with their neighbors, up to three; of four or more the
    coarsest, which sees no small things, is left out. Pictures are looked at as they are and at
    twice their size, if that is at most 1,024 pixels, since what is a pixel or two wide is lost in
    an encoder's first layers.

    Args:
        request: what is fixed already.
        levels: the encoder's, from fine to coarse.
        native: the pictures' shorter side in pixels.
        least: the shortest side that the encoder takes.
    """
    fine = levels[:-1] if len(levels) > _MOST_LEVELS else levels
    if request.levels:
        sets = [tuple(name for name in levels if name in request.levels)]
    else:
        sets = [
            tuple(fine[first : first + width])
            for width in range(1, min(len(fine), _MOST_LEVELS) + 1)
            for first in range(len(fine) - width + 1)
        ]
    sides = [request.side] if request.side is not None else [native, 2 * native]
    used = sorted({max(side, least) for side in sides if side == sides[0] or side <= LARGEST_SIDE})
    models = MODELS if request.model == "auto" else (request.model,)
    return [
        Option(side, model, one, sigma)
        for side in used
        for model in models
        for one in sets
        for sigma in SIGMAS
    ]


class Chooser:
    """Compares options on flaws that are planted on nominal pictures.

    Models of up to 48 pictures are compared; a picture is scored by those of the other folds.
    Chosen is by up to 16 nominal pictures, a third of them darker and a third brighter by a fifth,
    and by 8 of them with one flaw of each kind. The AUROC of the best is measured on others.

    Args:
        nominal: the pictures.
        encoder: whose features are compared.
        brightness: mean that pictures are brought to.
        request: kinds of flaws and the seed.
    """

    def __init__(
        self, nominal: NominalSet, encoder: Encoder, brightness: float, request: DefectsFit
    ) -> None:
        self._encoder, self._brightness, self._request = encoder, brightness, request
        self._flaws: Sequence[FlawName] = request.flaws or FLAWS
        rng = np.random.default_rng([request.seed, 1])
        order = rng.permutation(len(nominal.rows))[:_LEARNED_FROM]
        self._nominal = nominal.only(np.sort(order).tolist())

    def best(self, options: Sequence[Option], left_out: float, feedback: Feedback) -> Choice:
        """Return the option, or the two, that find most.

        Each is tried alone and in pairs, since what sees a grain of noise does not see a piece in
        the wrong place. So few flaws leave many equally good, within one standard error of the
        best (Breiman et al. 1984); of those two banks of different levels are taken first.

        Args:
            options: two or more.
            left_out: share of the patches that is not learned from.
            feedback: told how far it has come.

        Raises:
            InputError: no picture can be read.
        """
        learned = {
            side: self._learned(
                side, [one for one in options if one.side == side], left_out, feedback
            )
            for side in dict.fromkeys(option.side for option in options)
        }
        first = next(iter(learned.values()))
        rng = np.random.default_rng([self._request.seed, 2])
        order = rng.permutation(_least_odd(first.sample, first.kept))
        rows = [first.sample.nominal.rows[place] for place in order[: 2 * _CHOOSING]]
        choosing, others = rows[::2], rows[1::2]
        table = self._table(choosing, options, learned, feedback)
        scales = [Scale.above(column) for column in table.nominal.T]
        alone = [(column,) for column in range(len(options))]
        pairs = [
            pair
            for pair in combinations(range(len(options)), 2)
            if options[pair[0]].side == options[pair[1]].side
        ]
        scores = {columns: table.by_picture(scales, columns) for columns in (*alone, *pairs)}
        ranked = sorted(scores, key=lambda columns: (-scores[columns].mean(), columns))
        best = min(
            (columns for columns in ranked if _is_as_good(scores[columns], scores[ranked[0]])),
            key=lambda columns: (
                options[columns[0]].side != options[ranked[0][0]].side,
                *_trust(options, columns),
                -scores[columns].mean(),
                columns,
            ),
        )
        chosen = tuple(options[column] for column in best)
        compared = [
            (tuple(options[column] for column in columns), float(scores[columns].mean()))
            for columns in (best, *ranked[:_TOLD])
        ]
        measured = self._table(others, chosen, learned, feedback)
        if not len(measured.flawed):
            return Choice(chosen, compared)
        # the columns of what is measured are those that were chosen
        scales = [scales[column] for column in best]
        every = tuple(range(len(chosen)))
        by_flaw: dict[str, float] = {
            kind: measured.auroc(scales, every, [at]) for at, kind in enumerate(self._flaws)
        }
        return Choice(chosen, compared, measured.auroc(scales, every), by_flaw)

    def _learned(
        self, side: int, options: Sequence[Option], left_out: float, feedback: Feedback
    ) -> _Learned:
        names = {name for option in options for name in option.levels}
        every = PlaceFeatures(self._encoder, None, side=None, brightness=None).maps.levels
        levels = [name for name in every if name in names]
        features = PlaceFeatures(self._encoder, levels, side=side, brightness=self._brightness)
        sample = sampled_patches(
            self._nominal,
            features,
            list(dict.fromkeys(option.levels for option in options)),
            rotations=self._request.rotations,
            most=_PATCHES,
            progress=feedback.stage(f"learn at {side} pixels"),
        )
        kept = sample.trusted(left_out)
        rng = np.random.default_rng([self._request.seed, 3])
        models = {}
        for model, chosen in dict.fromkeys((option.model, option.levels) for option in options):
            folds = sample.folds(chosen, kept)
            size = min(_BANK, self._request.bank)
            models[model, chosen] = fit_patch_model(model, folds, size=size, rng=rng)[1]
        return _Learned(features, sample, kept, models)

    def _table(
        self,
        rows: Sequence[PictureRow],
        options: Sequence[Option],
        learned: Mapping[int, _Learned],
        feedback: Feedback,
    ) -> _Table:
        """Return what is read of pictures, and of the first 8 with a flaw of each kind."""
        folds = {
            row.sample_id: int(fold)
            for row, fold in zip(self._nominal.rows, self._nominal.folds, strict=True)
        }
        turns = {row.sample_id: turn for turn, row in enumerate(rows)}

        def peaks(row: PictureRow, picture: Pixels) -> NDArray[np.float64]:
            chance = np.random.default_rng([self._request.seed, row.seed])
            left, top, right, bottom = map(round, picture.extent)
            pixels = np.asarray(picture.image.crop((left, top, right, bottom)))
            turn = turns[row.sample_id]
            shown = [gained(pixels, _EXPOSURES[turn % len(_EXPOSURES)])]
            if turn < _FLAWED:
                shown += [plant_flaw(pixels, kind, chance).pixels for kind in self._flaws]
            found = np.empty((len(shown), len(options)))
            for at, one in enumerate(shown):
                for side in dict.fromkeys(option.side for option in options):
                    columns = [(n, o) for n, o in enumerate(options) if o.side == side]
                    maps = learned[side].maps(one, [o for _, o in columns], folds[row.sample_id])
                    for column, option in columns:
                        places = smoothed(maps[option.model, option.levels], option.sigma)
                        found[at, column] = highest_mean(places)
            return found

        decoded = max(entry.features.decode_side for entry in learned.values())
        outcomes = looked_at(rows, decoded, peaks, feedback.stage("choose"))
        tables = [found for _, found in outcomes if not isinstance(found, Failure)]
        flawed = [table[1:] for table in tables if len(table) > 1]
        width = (len(self._flaws), len(options))
        return _Table(
            np.array([table[0] for table in tables]).reshape(-1, len(options)),
            np.array(flawed).reshape(-1, *width),
        )


class _Table(NamedTuple):
    """What is read from maps, by option.

    Attributes:
        nominal: `[N, O]` of nominal pictures.
        flawed: `[M, K, O]` of pictures with a flaw of each of K kinds.
    """

    nominal: NDArray[np.float64]
    flawed: NDArray[np.float64]

    def auroc(
        self,
        scales: Sequence[Scale],
        columns: Sequence[int],
        flaws: Sequence[int] | None = None,
    ) -> float:
        """Return the AUROC of the highest of some options' scores, for all or some flaws."""
        above, below = self._highest(scales, columns)
        chosen = above if flaws is None else above[:, list(flaws)]
        return area_under_curve(chosen.ravel(), below)

    def by_picture(self, scales: Sequence[Scale], columns: Sequence[int]) -> NDArray[np.float64]:
        """Return `[M]` the AUROC of each picture's flaws; 0.5 for all if none is flawed."""
        above, below = self._highest(scales, columns)
        if not len(above):
            return np.full(1, 0.5)
        wins = (above[..., None] > below) + 0.5 * (above[..., None] == below)
        found: NDArray[np.float64] = wins.mean(axis=(1, 2))
        return found

    def _highest(
        self, scales: Sequence[Scale], columns: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        above, below = (
            np.max([scales[column].scaled(table[..., column]) for column in columns], axis=0)
            for table in (self.flawed, self.nominal)
        )
        return above, below


def _is_as_good(scores: NDArray[np.float64], best: NDArray[np.float64]) -> bool:
    """Whether `[M]` scores are at most one standard error of the difference below the best."""
    worse = best - scores
    spread = float(worse.std(ddof=1)) if len(worse) > 1 else 0.0
    return bool(worse.mean() <= spread / np.sqrt(len(worse)) + _EQUAL)


def _trust(options: Sequence[Option], columns: Sequence[int]) -> tuple[int, int]:
    """Return what is less where flaws of unknown kinds are likelier to be found.

    A bank of a convolutional network's patches has been the better model in most that was
    published, and two sets of levels see flaws of more sizes than one does.
    """
    chosen = [options[column] for column in columns]
    banks = sum(one.model == "bank" for one in chosen)
    levels = [name for one in chosen for name in one.levels]
    return -banks, len(levels) - len(set(levels))


@dataclass(frozen=True)
class _Learned:
    """Models of pictures looked at at one side: without each fold, by model and levels."""

    features: PlaceFeatures
    sample: PatchSample
    kept: NDArray[np.bool_]
    models: Mapping[tuple[ModelName, tuple[str, ...]], Sequence[PatchModel]]

    def maps(
        self, pixels: NDArray[np.uint8], options: Sequence[Option], fold: int
    ) -> dict[tuple[ModelName, tuple[str, ...]], NDArray[np.float32]]:
        """Return the distances by place of a picture that was decoded."""
        place = self.features.of(self.features.scaled(pixels))
        return {
            key: distances_unseen(place, key[1], self.models[key], fold)
            for key in dict.fromkeys((option.model, option.levels) for option in options)
        }


def distances_unseen(
    place: Place, levels: Sequence[str], without: Sequence[PatchModel], fold: int
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


def _least_odd(sample: PatchSample, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the half of the pictures whose patches are trusted most.

    A picture with a flaw of its own, which counts as nominal here, would choose a model that does
    not see it.
    """
    count = len(sample.nominal.rows)
    dropped = np.bincount(sample.picture[~kept], minlength=count)
    return np.flatnonzero(dropped <= np.median(dropped))
