"""A model of nominal pictures, fitted to rows of a dataset."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.defects import (
    Scale,
    conformal_threshold,
    fit_patch_model,
    lowest_share,
    suspects,
)
from tamis.machine import one_blas_thread
from tamis.runtime.defect_model import DefectModel, Expert, ModelFacts, PlaceFeatures
from tamis.services.defects.choice import Choice, Chooser, distances_unseen, options_of
from tamis.services.defects.nominal import native_side, nominal_set
from tamis.services.defects.result import Candidate, DefectsExpert, DefectsFitReport, Suspect
from tamis.services.defects.rows import looked_at
from tamis.services.defects.sampling import sampled_patches, typical_brightness
from tamis.types import Failure
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.defects import ConformalThreshold, PatchModel
    from tamis.encoders.base import Encoder
    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.workspace import Workspace
    from tamis.services.defects.choice import Option
    from tamis.services.defects.contract import DefectsFit
    from tamis.services.defects.nominal import NominalSet
    from tamis.services.defects.rows import PictureRow
    from tamis.types import Progress
    from tamis.verbs.feedback import Feedback

__all__ = ["FOLDER", "fit"]

FOLDER: Final = "defects"
"""Of the dataset, where its models lie."""

_ALWAYS_LEFT_OUT: Final = 0.005
_FLAW_AREA: Final = 0.1
"""Share of a flawed picture that its flaw covers at most, as patches are left out."""

_SHOWN: Final = 10


@one_blas_thread()
def fit(workspace: Workspace, request: DefectsFit, feedback: Feedback = SILENT) -> DefectsFitReport:
    """Fit a model and store it; in the dataset that is one operation.

    Pictures are read three times: for their brightness (48 of them), for the patches that models
    are made of, and to be scored by a model that has not seen them, from which the threshold comes.
    Memory is that of 30,000 patches, of the models, and of the pictures under way.

    Raises:
        UsageError: no picture meets the condition, or the encoder has no features by place.
        InputError: no picture can be read.
        StorageError: the disk refuses.
    """
    begin = time.process_time()
    encoder = workspace.encoders.load(request.encoder or _default_encoder(workspace))
    features = PlaceFeatures(encoder, request.levels or None, side=None, brightness=None)
    nominal, notes = nominal_set(workspace, request)
    least = max(features.maps.tile)
    options = options_of(request, _levels(encoder), native_side(nominal), least)
    left_out = max(_ALWAYS_LEFT_OUT, request.contamination * _FLAW_AREA)
    brightness = typical_brightness(nominal, features, feedback.stage("look"))
    choice = Choice(tuple(options[:1]))
    if len(options) > 1:
        choice = Chooser(nominal, encoder, brightness, request).best(options, left_out, feedback)
    experts = _experts(choice.options, options)
    side = choice.options[0].side
    names = tuple(dict.fromkeys(name for expert in experts for name in expert.levels))
    chosen = PlaceFeatures(encoder, names, side=side, brightness=brightness)
    sample = sampled_patches(
        nominal,
        chosen,
        [expert.levels for expert in experts],
        rotations=request.rotations,
        progress=feedback.stage("learn"),
    )
    nominal = sample.nominal
    kept = sample.trusted(left_out)
    fitted = [
        fit_patch_model(
            expert.model,
            sample.folds(expert.levels, kept),
            size=request.bank,
            rng=np.random.default_rng([request.seed, 3]),
        )
        for expert in experts
    ]
    rows, figures, failed = _held_out(
        nominal, chosen, experts, [without for _, without in fitted], feedback.stage("hold out")
    )
    calibration = _Calibration(nominal, rows, figures, request)
    facts = ModelFacts(
        encoder=encoder.spec,
        fingerprint=encoder.fingerprint,
        side=side,
        brightness=brightness,
        experts=tuple(
            replace(expert, center=scale.center, spread=scale.spread)
            for expert, scale in zip(experts, calibration.scales, strict=True)
        ),
        threshold=calibration.threshold.value,
        rate=request.rate,
        promised=calibration.threshold.promised,
        groups=calibration.threshold.groups,
        contamination=request.contamination,
        pictures=len(rows),
        flaws=tuple(choice.by_flaw),
        auroc=choice.auroc,
        seed=request.seed,
    )
    model = DefectModel(
        facts,
        tuple(patches for patches, _ in fitted),
        calibration.scores[calibration.trusted],
        nominal.groups[rows][calibration.trusted],
        tuple(nominal.rows[row].sample_id for row in rows),
    )
    path = request.out or workspace.path / FOLDER / model.name
    if request.out is not None:
        size = model.write(path)
    else:
        store = workspace.store
        params = {"name": request.name, "where": request.where}
        with store.operation("defects fit", params, request.seed, request=request) as operation:
            size = model.write(path)
            operation.counts |= {"file": f"{FOLDER}/{model.name}", "pictures": len(rows)}
    flawed = calibration.suspects()
    return DefectsFitReport(
        model=str(path),
        bytes=size,
        encoder=encoder.spec,
        experts=[_told(one) for one in experts],
        side=side,
        pictures=len(rows),
        groups=calibration.threshold.groups,
        threshold=calibration.threshold.value,
        false_alarm_rate=request.rate,
        promised_rate=calibration.threshold.promised,
        fewest_groups=calibration.threshold.fewest,
        planted_auroc=choice.auroc,
        planted=dict(choice.by_flaw),
        candidates=[
            Candidate(compared[0].side, [_told(_peak(one)) for one in compared], auroc)
            for compared, auroc in choice.compared
        ],
        suspects=flawed,
        failed=list(dict.fromkeys([*sample.failed, *failed])),
        seconds=time.process_time() - begin,
        notes=[*notes, *_notes(request, nominal, calibration.threshold, flawed)],
    )


def _default_encoder(workspace: Workspace) -> str:
    column = workspace.samples.default_vector_column()
    return "default" if column is None else column.spec


def _levels(encoder: Encoder) -> tuple[str, ...]:
    return PlaceFeatures(encoder, None, side=None, brightness=None).maps.levels


def _peak(option: Option) -> Expert:
    return Expert(option.model, option.levels, option.sigma, "peak")


def _experts(chosen: Sequence[Option], options: Sequence[Option]) -> list[Expert]:
    """Return what was chosen as experts, and one for pictures that are odd as a whole.

    That is the mean residual of the coarsest level that could be chosen, which fine levels do not
    replace.
    """
    coarsest = max((one.levels[-1] for one in options), key=_pixels)
    return [*map(_peak, chosen), Expert("residual", (coarsest,), 0.0, "mean")]


def _pixels(level: str) -> int:
    return int("".join(letter for letter in level if letter.isdecimal()) or 1 << 30)


def _told(expert: Expert) -> DefectsExpert:
    return DefectsExpert(expert.model, expert.levels, expert.sigma, expert.reads)


def _held_out(
    nominal: NominalSet,
    features: PlaceFeatures,
    experts: Sequence[Expert],
    without: Sequence[Sequence[PatchModel]],
    progress: Progress,
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[Failure]]:
    """Return the figures `[N, E]` of the rows that can be read, by models without their fold."""
    folds = {
        row.sample_id: int(fold) for row, fold in zip(nominal.rows, nominal.folds, strict=True)
    }

    def figures(row: PictureRow, picture: Pixels) -> list[float]:
        place = features.of(features.prepared(picture))
        found = []
        for expert, models in zip(experts, without, strict=True):
            distances = distances_unseen(place, expert.levels, models, folds[row.sample_id])
            found.append(expert.figure(expert.places(distances)))
        return found

    rows, found, failed = [], [], []
    outcomes = looked_at(nominal.rows, features.decode_side, figures, progress)
    for number, (_, outcome) in enumerate(outcomes):
        if isinstance(outcome, Failure):
            failed.append(outcome)
        else:
            rows.append(number)
            found.append(outcome)
    figures_found = np.array(found, np.float64).reshape(-1, len(experts))
    return np.array(rows, np.int64), figures_found, failed


class _Calibration:
    """What the scores of held-out pictures say: their scales, the threshold, and the suspects."""

    def __init__(
        self,
        nominal: NominalSet,
        rows: NDArray[np.int64],
        figures: NDArray[np.float64],
        request: DefectsFit,
    ) -> None:
        self._nominal, self._rows = nominal, rows
        self.scales = [Scale.of(column) for column in figures.T]
        scaled = [
            scale.scaled(column) for scale, column in zip(self.scales, figures.T, strict=True)
        ]
        self.scores: NDArray[np.float64] = np.max(scaled, axis=0)
        # of pictures that may be flawed, those that look most so are set aside
        self.trusted = lowest_share(self.scores.astype(np.float32), 1 - request.contamination)
        groups = nominal.groups[rows][self.trusted]
        self.threshold: ConformalThreshold = conformal_threshold(
            self.scores[self.trusted], groups, request.rate
        )

    def suspects(self) -> list[Suspect]:
        """Return the pictures that look flawed, worst first."""
        found = np.flatnonzero(suspects(self.scores) | ~self.trusted)
        order = found[np.argsort(-self.scores[found], kind="stable")]
        rows = [(self._nominal.rows[self._rows[place]], self.scores[place]) for place in order]
        return [Suspect(row.path, row.sample_id, float(score)) for row, score in rows]


def _notes(
    request: DefectsFit,
    nominal: NominalSet,
    threshold: ConformalThreshold,
    flawed: Sequence[Suspect],
) -> list[str]:
    notes = []
    if nominal.parts == 1:
        notes.append(
            "there is one part only: the threshold compares its strips with each other, and no "
            f"false-alarm rate is promised; a rate of {request.rate:g} needs {threshold.fewest} "
            "parts"
        )
    elif not threshold.holds:
        notes.append(
            f"{threshold.groups} parts promise a false-alarm rate of {threshold.promised:.2g}; "
            f"{request.rate:g} needs {threshold.fewest}"
        )
    if request.contamination:
        notes.append(
            f"{len(flawed)} pictures that look most flawed were set aside; if fewer are, the "
            "false-alarm rate is higher than promised"
        )
    elif flawed:
        names = ", ".join(one.path for one in flawed[:3])
        notes.append(
            f"{len(flawed)} of the nominal pictures look flawed themselves, e.g. {names}, and "
            "raise the threshold: look at them, and leave them out (where) or say how many may be "
            "flawed (contamination)"
        )
    return notes
