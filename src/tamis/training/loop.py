"""The training loop: seeded, with checkpoints, stopped by a signal that needs no labels."""

from __future__ import annotations

import io
import math
import os
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from tamis.errors import StorageError
from tamis.training.adam import AdamW
from tamis.training.backbone import require_finite
from tamis.training.objectives.base import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Objective
    from tamis.training.views import ViewRecipe
    from tamis.types import Indices, PixelBatch, Progress

__all__ = ["Check", "Course", "Lesson", "Plan", "Training", "train"]

_WARM_UP: Final = 0.1
"""Share of the steps over which the rate rises."""

_CLIP: Final = 1.0
_HEADS_RATE: Final = 10.0
_COLLAPSED: Final = 0.5
"""Share of the effective rank at the beginning under which vectors are given up as collapsed."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train.

    Attributes:
        epochs: the most passes over the pictures.
        batch: pictures for one step.
        side: height and width of the views in pixels.
        rate: the learning rate at its highest.
        patience: checks without a better signal after which training stops.
        seed: of all that is drawn.
        precision: `float32`, or `bfloat16` for mixed precision.
    """

    epochs: int
    batch: int
    side: int
    rate: float
    patience: int
    seed: int
    precision: str = "float32"


@dataclass(frozen=True)
class Course:
    """What is trained, to do what, on what.

    Attributes:
        backbone: the network.
        weights: those of it that learn.
        objective: what it is trained to do.
        lesson: the pictures.
        recipe: their views.
    """

    backbone: Backbone
    weights: Sequence[torch.nn.Parameter]
    objective: Objective
    lesson: Lesson
    recipe: ViewRecipe


@dataclass(frozen=True)
class Lesson:
    """The pictures that are trained on.

    Attributes:
        pixels: `[N, S, S, 3]` uint8.
        seeds: `[N]` number that chance is drawn by for each picture: its content.
        groups: `[N]` group of each picture.
    """

    pixels: PixelBatch
    seeds: Sequence[int]
    groups: Indices


@dataclass(frozen=True)
class Check:
    """What was found after an epoch.

    Attributes:
        epoch: how many are done.
        loss: mean of the epoch; not a number before the first.
        signal: higher is better.
        rank: effective rank of the vectors.
    """

    epoch: int
    loss: float
    signal: float
    rank: float


@dataclass
class Training:
    """What came of a training.

    Attributes:
        checks: one before the first epoch and one after each.
        best: epoch whose weights the network has now.
        stopped: why it ended before its last epoch; empty if it did not.
        resumed: epoch at which it went on after an interruption; 0 if there was none.
    """

    checks: list[Check] = field(default_factory=list)
    best: int = 0
    stopped: str = ""
    resumed: int = 0


def train(
    course: Course,
    plan: Plan,
    signal: Callable[[], tuple[float, float]],
    *,
    checkpoint: Path | None = None,
    progress: Progress,
) -> Training:
    """Train a network, and leave it with the weights of the epoch with the best signal.

    After each epoch the signal is taken and a checkpoint is written. A call with the checkpoint of
    one that was interrupted goes on where that one was, and ends with the same weights: each view
    is drawn by seed, epoch and the picture's content, whatever was drawn before. On one processor
    type with the same number of threads, results repeat bit for bit.

    Training stops when the signal has not risen for `plan.patience` epochs, or when the effective
    rank of the vectors has fallen to half, unless the objective lets them gather.

    Args:
        course: the network, its objective and its pictures.
        plan: how long and how fast.
        signal: returns how good the vectors are now, and their effective rank.
        checkpoint: file for the state after each epoch; the caller removes it once all is safe.
        progress: told the steps that are done.

    Raises:
        EncoderError: the loss is no finite number any more.
        StorageError: the disk refuses the checkpoint, or the one that is there is damaged.
    """
    run = _Run(course, plan)
    if checkpoint is not None and checkpoint.is_file():
        run.restore(checkpoint)
    else:
        run.check(signal, math.nan)
    steps = run.steps_in_epoch
    progress(run.epoch * steps, plan.epochs * steps)
    while run.epoch < plan.epochs and not run.training.stopped:
        losses = []
        for number, rows in enumerate(run.batches(), start=1):
            losses.append(run.step(rows, run.epoch * steps + number))
            progress(run.epoch * steps + number, plan.epochs * steps)
        run.epoch += 1
        run.check(signal, float(np.mean(losses)))
        if checkpoint is not None:
            run.save(checkpoint)
    run.take_best()
    return run.training


class _Run:
    """Everything that changes from step to step."""

    def __init__(self, course: Course, plan: Plan) -> None:
        self._backbone, self._objective = course.backbone, course.objective
        self._weights, self._lesson = list(course.weights), course.lesson
        self._recipe, self._plan = course.recipe, plan
        objective, lesson = course.objective, course.lesson
        self._groups = torch.from_numpy(lesson.groups).to(course.backbone.device)
        heads = list(objective.heads.parameters())
        # heads begin at random and have far to go
        factors = [1.0] * len(self._weights) + [_HEADS_RATE] * len(heads)
        self._learned = [*self._weights, *heads]
        self._optimizer = AdamW(self._learned, factors)
        self._batch = min(plan.batch, len(lesson.pixels))
        self.steps_in_epoch = max(len(lesson.pixels) // self._batch, 1)
        self.epoch = 0
        self.training = Training()
        self._best: list[torch.Tensor] = []

    def batches(self) -> list[NDArray[np.int64]]:
        """Return the rows of each batch of this epoch; what is left over waits for the next."""
        draw = np.random.default_rng([self._plan.seed, 11, self.epoch])
        order = draw.permutation(len(self._lesson.pixels))
        return [
            order[start : start + self._batch]
            for start in range(0, self.steps_in_epoch * self._batch, self._batch)
        ]

    def step(self, rows: NDArray[np.int64], number: int) -> float:
        """Change the weights by one batch, and return its loss."""
        self._objective.heads.train()
        device, views = self._backbone.device, self._views(rows)
        batch = Batch(
            views,
            self._groups[torch.from_numpy(rows).to(device)],
            torch.from_numpy(rows).to(device),
        )
        mixed: Any = nullcontext()
        if self._plan.precision != "float32":
            mixed = torch.autocast(device.type, getattr(torch, self._plan.precision))
        with mixed:
            loss = self._objective.loss(batch)
        require_finite(loss, number)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._learned, _CLIP, foreach=False)
        self._optimizer.step(self._rate(number))
        self._objective.after_step(number / (self._plan.epochs * self.steps_in_epoch))
        return float(loss.detach())

    def _rate(self, number: int) -> float:
        total = self._plan.epochs * self.steps_in_epoch
        rising = max(total * _WARM_UP, 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * number / total))
        return self._plan.rate * min(number / rising, 1.0) * cosine

    def _views(self, rows: NDArray[np.int64]) -> list[torch.Tensor]:
        made = []
        for row in rows:
            draw = np.random.default_rng(
                [self._plan.seed, 12, self.epoch, self._lesson.seeds[int(row)]]
            )
            pixels = self._lesson.pixels[int(row)]
            made.append(self._objective.views(pixels, self._plan.side, self._recipe, draw))
        return [self._backbone.normalized(np.stack(each)) for each in zip(*made, strict=True)]

    def check(self, signal: Callable[[], tuple[float, float]], loss: float) -> None:
        """Take the signal, keep the weights if they are the best, and decide whether to stop."""
        value, rank = signal()
        done, training = self.epoch, self.training
        training.checks.append(Check(done, loss, value, rank))
        trained = training.checks[1:]
        if done == 0:
            return
        best = max(trained, key=lambda one: one.signal)
        if best.epoch == done:
            training.best = done
            self._best = [weights.detach().clone() for weights in self._weights]
        collapsed = rank < _COLLAPSED * training.checks[0].rank
        if collapsed and not self._objective.may_gather:
            training.stopped = "the vectors collapse: their effective rank fell to half"
        elif done - best.epoch >= self._plan.patience and done < self._plan.epochs:
            training.stopped = f"the signal has not risen for {self._plan.patience} epochs"

    def take_best(self) -> None:
        """Give the network the weights of its best epoch."""
        with torch.no_grad():
            for weights, best in zip(self._weights, self._best, strict=bool(self._best)):
                weights.copy_(best)

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        content = io.BytesIO()
        training = self.training
        state = {
            "epoch": self.epoch,
            "weights": [weights.detach() for weights in self._weights],
            "best": self._best,
            "optimizer": self._optimizer.state(),
            "objective": self._objective.state(),
            "checks": [(one.epoch, one.loss, one.signal, one.rank) for one in training.checks],
            "best_epoch": training.best,
            "stopped": training.stopped,
        }
        torch.save(state, content)
        draft = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content.getvalue())
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise StorageError(f"the checkpoint {path} cannot be written: {error}") from error

    def restore(self, path: Path) -> None:
        """Take up what an interrupted call left."""
        try:
            state = torch.load(path, map_location=self._backbone.device, weights_only=True)
            self.epoch = state["epoch"]
            with torch.no_grad():
                for weights, saved in zip(self._weights, state["weights"], strict=True):
                    weights.copy_(saved)
            self._best = state["best"]
            self._optimizer.restore(state["optimizer"])
            self._objective.restore(state["objective"])
        except (OSError, EOFError, RuntimeError, ValueError, KeyError, UnpicklingError) as error:
            reason = str(error).partition("\n")[0]
            raise StorageError(
                f"the checkpoint {path} is damaged ({reason}); remove it to begin anew"
            ) from error
        self.training = Training(
            [Check(*one) for one in state["checks"]],
            state["best_epoch"],
            state["stopped"],
            resumed=self.epoch,
        )
