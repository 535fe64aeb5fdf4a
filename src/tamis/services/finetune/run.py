"""Train an encoder on the dataset's pictures, and keep it only if it does better."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.dataset.log_reading import last
from tamis.dataset.operations import DefectsFitted
from tamis.encoders.base import fingerprint_of
from tamis.encoders.bundled import EfficientNetLite
from tamis.encoders.registry import full_spec, load_encoder
from tamis.errors import MissingExtraError, StorageError, UsageError
from tamis.services.finetune.contract import Epoch, FineTuning
from tamis.services.finetune.exams import (
    evenly_spread,
    exam_of,
    signal_exam,
    signal_of,
    teacher_vectors,
)
from tamis.services.finetune.facts import picture_facts, recipe_for, write_sheet
from tamis.services.finetune.licence import licence_of
from tamis.services.finetune.pictures import FEWEST, pixels_of, read_pictures
from tamis.services.finetune.tuned_file import FOLDER, keep_tuned, require_writable
from tamis.services.finetune.verdict import deciding, verdict_of
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tamis.encoders.base import Encoder
    from tamis.runtime.workspace import Workspace
    from tamis.services.finetune.contract import Finetune
    from tamis.services.finetune.exam import Encode
    from tamis.services.finetune.pictures import Pictures
    from tamis.training.backbone import Backbone
    from tamis.training.loop import Course, Training
    from tamis.training.objectives import Objective
    from tamis.training.views import ViewRecipe
    from tamis.types import Failure, PixelBatch, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["finetune"]

_BUNDLED_SIDE: Final = 128
_RATE, _LORA_RATE = 3e-4, 1e-3
_EXAMPLES: Final = 8
_VIEWS_SHOWN: Final = 3


def finetune(workspace: Workspace, request: Finetune, feedback: Feedback = SILENT) -> FineTuning:
    """Train a network without labels on pictures that are neither val nor test.

    Pictures are read once, as the encoder takes them: 3 H W bytes each. A step costs three passes
    of the network for each view; the measurement some eight passes for each measured picture,
    before and after. An interrupted run leaves a checkpoint in the dataset; the same request goes
    on from there and ends with the same result. The encoder is written only if it does better.

    Raises:
        MissingExtraError: PyTorch is not installed, or onnxscript for a network that needs it.
        UsageError: the encoder cannot be trained, or too few pictures are left to train on.
        EncoderError: the training diverged, or the result cannot be written as a graph.
        StorageError: the disk refuses.
    """
    if find_spec("torch") is None:
        raise MissingExtraError("finetune", "ssl")
    return _FineTuner(workspace, request, feedback).run()


class _FineTuner:
    """One fine-tuning, from the pictures to the encoder's file."""

    def __init__(self, workspace: Workspace, request: Finetune, feedback: Feedback) -> None:
        self._workspace, self._request, self._feedback = workspace, request, feedback
        self._begin = time.process_time()
        self._method = _method(workspace, request)
        self._encoder = _load(request.encoder or _default_encoder(workspace), request.device)
        self._licence = licence_of(self._encoder.spec)
        self._failed: list[Failure] = []
        self._notes: list[str] = []

    def run(self) -> FineTuning:
        from tamis.encoders.torch_encoder import TorchRun
        from tamis.training.backbone import backbone_of

        request = self._request
        backbone = backbone_of(self._encoder)
        if backbone.graph_depth is None and find_spec("onnxscript") is None:
            raise MissingExtraError("writing what finetune makes", "ssl")
        if request.input is not None:
            side = request.input
            prepared = replace(backbone.preprocessing, height=side, width=side)
            backbone = replace(backbone, preprocessing=prepared)
        if isinstance(self._encoder, EfficientNetLite):
            # others are where they were loaded
            backbone.model.module.to(TorchRun(device=request.device).place)
        pictures, notes = read_pictures(self._workspace, request)
        self._notes += notes
        pixels, places, self._failed = pixels_of(
            pictures.rows, backbone.preprocessing, self._feedback.stage("read")
        )
        pictures = pictures.only(places)
        if len(pictures.trained_on) < FEWEST or len(pictures.measured_on) < 4:  # noqa: PLR2004
            raise UsageError(
                f"{counted(len(pictures.rows), 'picture')} can be read, which are too few to train "
                "on and to measure on; see which cannot with  tamis check"
            )
        facts = picture_facts(pixels[pictures.trained_on])
        recipe = recipe_for(facts)
        with backbone.borrowed():
            if request.preview is not None:
                return self._preview(backbone, pictures, pixels, recipe, facts)
            return self._train(backbone, pictures, pixels, recipe, facts)

    # Training

    def _train(
        self,
        backbone: Backbone,
        pictures: Pictures,
        pixels: PixelBatch,
        recipe: ViewRecipe,
        facts: dict[str, float],
    ) -> FineTuning:
        from tamis.training.loop import Course, train

        request = self._request
        self._feedback.note(
            f"terms of the weights of {self._encoder.spec}: {self._licence}; they bind what is "
            "made of them"
        )
        teacher = None
        if request.teacher is not None:
            teacher = teacher_vectors(request.teacher, pictures, self._feedback)
        exam = exam_of(pictures, pixels, teacher)
        watch = signal_exam(pictures, pixels, self._method, teacher)
        progress = self._feedback.stage("measure")
        progress(0, 2)
        encode = _while_training(backbone)
        before = exam.answers(encode)
        progress(1, 2)
        require_writable(backbone)
        weights = backbone.learn(request.train, request.lora)
        objective = self._objective(backbone, pictures, teacher)
        course = Course(backbone, weights, objective, _lesson(pictures, pixels), recipe)
        checkpoint = self._checkpoint(course, pictures)
        training = train(
            course,
            self._plan(backbone),
            lambda: signal_of(watch, encode, self._method),
            checkpoint=checkpoint,
            progress=self._feedback.stage("train"),
        )
        backbone.settle()
        after = exam.answers(encode)
        progress(2, 2)
        decide = deciding(self._method, labels=exam.has_labels)
        verdict = verdict_of(exam, before, after, decide, request.seed)
        encoder, file = self._encoder.spec, None
        if verdict.kept == "tuned":
            facts_kept = {
                "source": self._encoder.spec,
                "method": self._method,
                "licence": self._licence,
                "why": verdict.why,
            }
            sample = exam.pixels[:_EXAMPLES]
            encoder, file = keep_tuned(self._workspace, self._request, backbone, facts_kept, sample)
        checkpoint.unlink(missing_ok=True)
        return self._report(
            kept=verdict.kept,
            encoder=encoder,
            why=verdict.why,
            figures=verdict.figures,
            rank_before=before.rank,
            rank_after=after.rank,
            pictures=pictures,
            training=training,
            facts=facts,
            file=file,
        )

    def _plan(self, backbone: Backbone) -> Any:
        from tamis.training.loop import Plan

        request = self._request
        own = backbone.preprocessing.height
        usual = min(own, _BUNDLED_SIDE) if isinstance(self._encoder, EfficientNetLite) else own
        side = request.side or usual
        if side > own:
            raise UsageError(
                f"side is {side}, but {self._encoder.spec} takes pictures of {own} pixels; give at "
                "most that"
            )
        return Plan(
            epochs=request.epochs,
            batch=request.batch,
            side=side,
            rate=request.rate or (_RATE if request.lora is None else _LORA_RATE),
            patience=request.patience,
            seed=request.seed,
            precision=request.precision,
        )

    def _objective(
        self, backbone: Backbone, pictures: Pictures, teacher: Vectors | None
    ) -> Objective:
        from tamis.training.objectives import OBJECTIVES, Distillation

        seed = self._request.seed
        if teacher is not None:
            return Distillation(backbone, seed=seed, teacher=teacher[pictures.trained_on])
        made = OBJECTIVES[self._method](backbone, seed=seed)  # type: ignore[index]
        groups = pictures.groups[pictures.trained_on]
        if made.has_negatives and len(np.unique(groups)) < self._request.batch:
            self._notes.append(
                f"pictures are told from those of other groups, of which there are only "
                f"{len(np.unique(groups))}; vicreg and byol need none"
            )
        return made

    def _checkpoint(self, course: Course, pictures: Pictures) -> Path:
        """Return the file of this very run: the same request for the same pictures."""
        asked = self._request.values()
        key = fingerprint_of(
            {
                "request": {k: v for k, v in asked.items() if k not in ("preview", "out")},
                "method": self._method,
                "encoder": self._encoder.fingerprint,
                "pictures": [row.content_hash for row in pictures.rows],
                "groups": pictures.groups.tolist(),
                "parts": pictures.parts.tolist(),
                "recipe": repr(course.recipe),
            }
        )
        return self._workspace.path / FOLDER / f"unfinished-{key[:16]}.pt"

    # Results

    def _preview(
        self,
        backbone: Backbone,
        pictures: Pictures,
        pixels: PixelBatch,
        recipe: ViewRecipe,
        facts: dict[str, float],
    ) -> FineTuning:
        path = self._request.preview
        assert path is not None
        side = self._plan(backbone).side
        teacher = None
        if self._method == "distill":
            teacher = np.zeros((len(pictures.rows), 2), np.float32)  # views need none
        objective = self._objective(backbone, pictures, teacher)
        examples = []
        for place in evenly_spread(pictures.trained_on, _EXAMPLES):
            draw = np.random.default_rng([self._request.seed, 12, 0, pictures.rows[place].seed])
            row = [pixels[place]]
            while len(row) <= _VIEWS_SHOWN:
                row += objective.views(pixels[place], side, recipe, draw)
            examples.append(row)
        try:
            write_sheet(examples, path)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error}") from error
        return self._report(
            kept=None,
            encoder=self._encoder.spec,
            why="a sheet of what would be trained on was written; nothing was trained",
            figures=[],
            rank_before=None,
            rank_after=None,
            pictures=pictures,
            training=None,
            facts=facts,
            file=None,
        )

    def _report(
        self, *, pictures: Pictures, training: Training | None, figures: Sequence[Any], **rest: Any
    ) -> FineTuning:
        preview = self._request.preview
        return FineTuning(
            method=self._method,
            before={one.name: one.before.value for one in figures},
            after={one.name: one.after.value for one in figures},
            figures=figures,
            trained_on=len(pictures.trained_on),
            signal_on=len(pictures.watched),
            measured_on=len(pictures.measured_on),
            measured_in=pictures.measured_in,
            epochs=[
                Epoch(one.epoch, one.loss if one.epoch else None, one.signal, one.rank)
                for one in (training.checks if training else [])
            ],
            best=training.best if training else 0,
            stopped=training.stopped if training else "",
            resumed=training.resumed if training else 0,
            licence=self._licence,
            preview=None if preview is None else str(preview),
            failed=self._failed,
            seconds=time.process_time() - self._begin,
            notes=self._notes,
            **rest,
        )


def _load(spec: str, device: str | None) -> Encoder:
    # not from the pool: its weights are about to change
    if device is None or full_spec(spec).kind == "bundled":
        return load_encoder(spec)
    return load_encoder(spec, device=device)


def _method(workspace: Workspace, request: Finetune) -> str:
    if request.method != "auto":
        return request.method
    if request.teacher is not None:
        return "distill"
    return "simclr" if last(workspace.store.log(), DefectsFitted) is None else "cutpaste"


def _default_encoder(workspace: Workspace) -> str:
    column = workspace.samples.default_vector_column()
    return "default" if column is None else column.spec


def _lesson(pictures: Pictures, pixels: PixelBatch) -> Any:
    from tamis.training.loop import Lesson

    places = pictures.trained_on
    seeds = [pictures.rows[place].seed for place in places]
    return Lesson(pixels[places], seeds, pictures.groups[places])


def _while_training(backbone: Backbone) -> Encode:
    return backbone.vectors
