"""A model of nominal pictures, fitted to rows of a dataset."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.defects import (
    MemoryBank,
    fit_patch_model,
    with_more,
)
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.runtime.defect_model import DefectModel, Expert, ModelFacts
from tamis.runtime.defect_models import find_model
from tamis.runtime.defect_places import PlaceFeatures
from tamis.runtime.defect_scores import PictureScorer
from tamis.services.defects.calibration import Calibration
from tamis.services.defects.choice import Choice, Chooser, distances_unseen, options_of
from tamis.services.defects.nominal import native_side, nominal_set
from tamis.services.defects.result import Candidate, DefectsExpert, DefectsFitReport, Suspect
from tamis.services.defects.rows import looked_at
from tamis.services.defects.sampling import MOST_PATCHES, sampled_patches, typical_brightness
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

_GROWTH: Final = 4
"""Times the size of a bank to which it grows with the pictures."""


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
    if request.onto is not None:
        return _fit_onto(workspace, request, request.onto, feedback, begin)
    encoder = _encoder(workspace, request)
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
    calibration = Calibration(nominal, rows, figures, request)
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
        calibration.held,
        calibration.groups,
        tuple(nominal.rows[row].sample_id for row in rows),
    )
    return _reported(
        workspace,
        request,
        model,
        calibration,
        choice=choice,
        failed=[*sample.failed, *failed],
        notes=[*notes, *_notes(request, nominal, calibration.threshold, calibration.suspects())],
        begin=begin,
    )


def _fit_onto(
    workspace: Workspace, request: DefectsFit, onto: str, feedback: Feedback, begin: float
) -> DefectsFitReport:
    """Let a model learn pictures that it has not seen.

    Each is scored by a model that has learned all others, and its score joins those that the
    threshold comes from. A bank grows with the pictures, up to four times `bank`.
    """
    before, path = find_model(workspace, onto)
    encoder = workspace.encoders.load_named_in(path, before.facts.encoder)
    features = PictureScorer(before, encoder).features
    every, notes = nominal_set(workspace, request)
    known = set(before.ids)
    new = [at for at, row in enumerate(every.rows) if row.sample_id not in known]
    if not new:
        raise UsageError(f"the model {onto!r} has learned all {len(every.rows)} pictures already")
    nominal, facts = every.only(new), before.facts
    sample = sampled_patches(
        nominal,
        features,
        [expert.levels for expert in facts.experts],
        rotations=request.rotations,
        most=MOST_PATCHES * len(new) // facts.pictures,
        progress=feedback.stage("learn"),
    )
    nominal = sample.nominal
    kept = sample.trusted(max(_ALWAYS_LEFT_OUT, request.contamination * _FLAW_AREA))
    without, learned = [], []
    for expert, patches in zip(facts.experts, before.patches, strict=True):
        size = 0
        if isinstance(patches, MemoryBank):
            grown = round(len(patches.patches) * (1 + len(new) / facts.pictures))
            size = min(grown, _GROWTH * request.bank)
        more = sample.joined(expert.levels)
        learned.append(with_more(patches, more[kept], size))
        without.append(
            [
                with_more(patches, more[kept & (sample.fold != fold)], size)
                for fold in range(nominal.fold_count)
            ]
        )
    rows, figures, failed = _held_out(
        nominal, features, facts.experts, without, feedback.stage("hold out")
    )
    calibration = Calibration(nominal, rows, figures, request, before)
    model = DefectModel(
        replace(
            facts,
            threshold=calibration.threshold.value,
            rate=request.rate,
            promised=calibration.threshold.promised,
            groups=calibration.threshold.groups,
            pictures=facts.pictures + len(rows),
        ),
        tuple(learned),
        calibration.held,
        calibration.groups,
        (*before.ids, *(nominal.rows[row].sample_id for row in rows)),
    )
    notes = [
        f"{len(rows)} of {len(every.rows)} pictures were new to the model, which keeps its levels",
        *notes,
    ]
    return _reported(
        workspace,
        request,
        model,
        calibration,
        choice=None,
        failed=[*sample.failed, *failed],
        notes=notes,
        begin=begin,
    )


def _reported(
    workspace: Workspace,
    request: DefectsFit,
    model: DefectModel,
    calibration: Calibration,
    *,
    choice: Choice | None,
    failed: Sequence[Failure],
    notes: Sequence[str],
    begin: float,
) -> DefectsFitReport:
    """Write a model, in the dataset as one operation, and say what it is."""
    path = request.out or workspace.path / FOLDER / model.name
    if request.out is not None:
        size = model.write(path)
    else:
        store = workspace.store
        params = {"name": request.name, "where": request.where}
        with store.operation("defects fit", params, request.seed, request=request) as operation:
            size = model.write(path)
            operation.counts |= {"file": f"{FOLDER}/{model.name}", "pictures": len(model.ids)}
    facts, threshold = model.facts, calibration.threshold
    return DefectsFitReport(
        model=str(path),
        bytes=size,
        encoder=facts.encoder,
        experts=[_told(one) for one in facts.experts],
        side=facts.side,
        pictures=facts.pictures,
        groups=threshold.groups,
        threshold=threshold.value,
        false_alarm_rate=request.rate,
        promised_rate=threshold.promised,
        fewest_groups=threshold.fewest,
        planted_auroc=None if choice is None else choice.auroc,
        planted={} if choice is None else dict(choice.by_flaw),
        candidates=[
            Candidate(compared[0].side, [_told(_peak(one)) for one in compared], auroc)
            for compared, auroc in (() if choice is None else choice.compared)
        ],
        suspects=calibration.suspects(),
        failed=list(dict.fromkeys(failed)),
        seconds=time.process_time() - begin,
        notes=list(notes),
    )


def _encoder(workspace: Workspace, request: DefectsFit) -> Encoder:
    column = workspace.samples.default_vector_column()
    if request.encoder or column is None:
        return workspace.encoders.load(request.encoder or "default")
    return workspace.encoders.load_named_in(workspace.path, column.spec)


def _levels(encoder: Encoder) -> tuple[str, ...]:
    return PlaceFeatures(encoder, None, side=None, brightness=None).maps.levels


def _peak(option: Option) -> Expert:
    return Expert(option.model, option.levels, option.sigma, "highest")


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
