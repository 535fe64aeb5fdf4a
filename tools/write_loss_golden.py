"""Write what `lightly` computes for the losses of `tamis.training`, for a golden test.

    python -m pip install --no-deps --target PEER lightly==1.6.0 lightly-utils
    PYTHONPATH=PEER python tools/write_loss_golden.py

Only torch is needed beside it. The inputs are drawn by the seeds that the test draws by.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from lightly.loss import DINOLoss, NegativeCosineSimilarity, NTXentLoss, VICRegLoss

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "tests" / "data" / "lightly_losses.json"


def rows(seed: int, count: int, width: int) -> torch.Tensor:
    """Return rows of normal numbers."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, width)))


def main() -> None:
    """Write the file."""
    found: dict[str, list[float]] = {"simclr": [], "vicreg": [], "byol": [], "dino": []}
    for seed in range(3):
        left, right = rows(seed, 7, 5), rows(seed + 100, 7, 5)
        centre = rows(seed + 200, 1, 5)
        found["simclr"].append(float(NTXentLoss(temperature=0.2)(left, right)))
        found["vicreg"].append(float(VICRegLoss()(left, right)))
        # theirs is minus the cosine, BYOL's paper has two less twice the cosine
        found["byol"].append(2 + 2 * float(NegativeCosineSimilarity()(left, right)))
        dino = DINOLoss(output_dim=5, warmup_teacher_temp_epochs=0).double()
        dino.center.copy_(centre[None])
        found["dino"].append(float(dino([left, right], [right, left])))
    FILE.write_text(json.dumps({"lightly": "1.6.0", **found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
