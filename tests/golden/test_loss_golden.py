"""Losses equal those of lightly 1.6; `tools/write_loss_golden.py` writes what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs tamis[ssl]")

STORED = json.loads(
    (Path(__file__).parents[1] / "data" / "lightly_losses.json").read_text(encoding="utf-8")
)


def rows(seed, count, width):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, width)))


@pytest.mark.parametrize("seed", range(3))
def test_losses_are_those_of_lightly(seed):
    from tamis.training.losses import (
        contrastive_loss,
        prediction_loss,
        self_distillation_loss,
        variance_covariance_loss,
    )

    left, right = rows(seed, 7, 5), rows(seed + 100, 7, 5)
    centre = rows(seed + 200, 1, 5)[0]
    found = {
        "simclr": contrastive_loss(left, right, torch.arange(7), 0.2),
        "vicreg": variance_covariance_loss(left, right),
        "byol": prediction_loss(left, right),
        # of two views by the student, each is compared with the other one of the teacher's
        "dino": (
            self_distillation_loss(left, left, centre)
            + self_distillation_loss(right, right, centre)
        )
        / 2,
    }
    for name, value in found.items():
        assert float(value) == pytest.approx(STORED[name][seed], rel=1e-6), name
