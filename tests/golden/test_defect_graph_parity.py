"""A model of defects as an ONNX graph says what tamis says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from cell_encoder import Cells
from part_pictures import part, with_hole
from tamis.algo.defects import MemoryBank, Residual
from tamis.encoders.registry import load_encoder
from tamis.errors import UsageError
from tamis.runtime.defect_graph import defect_graph
from tamis.runtime.defect_model import DefectModel, Expert, ModelFacts
from tamis.runtime.defect_places import PlaceFeatures
from tamis.runtime.defect_scores import PictureScorer

EXPERTS = (
    Expert("bank", ("stride4", "stride8"), 0.0, "peak", 0.1, 0.02),
    Expert("residual", ("stride16",), 1.0, "highest", 0.2, 0.05),
    Expert("residual", ("stride8",), 0.0, "mean", 0.3, 0.05),
)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("bundled:efficientnet-lite0", threads=1)


@pytest.fixture(scope="module")
def model(encoder):
    levels = ("stride4", "stride8", "stride16")
    features = PlaceFeatures(encoder, levels, side=224, brightness=115.0)
    place = features.of(part(0, 224))
    patches = []
    for expert in EXPERTS:
        joined = place.joined(expert.levels)
        rows = joined.reshape(-1, joined.shape[2])
        if expert.model == "bank":
            patches.append(MemoryBank(rows[::5]))
        else:
            basis = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:6].T
            patches.append(Residual(rows.mean(axis=0), np.ascontiguousarray(basis)))
    facts = ModelFacts(
        encoder=encoder.spec,
        fingerprint=encoder.fingerprint,
        side=224,
        brightness=115.0,
        experts=EXPERTS,
        threshold=0.0,
        rate=0.05,
        promised=0.05,
        groups=20,
        contamination=0.0,
        pictures=1,
        flaws=(),
        auroc=None,
        seed=0,
    )
    return DefectModel(facts, tuple(patches), np.zeros(1), np.zeros(1, np.int64))


@pytest.mark.parametrize(
    "size", [(224, 224), (230, 300), (224, 700)], ids=["one tile", "padded", "tiles"]
)
def test_scores_verdicts_and_maps_agree(model, encoder, size):
    session = onnxruntime.InferenceSession(
        defect_graph(model, encoder, size), providers=["CPUExecutionProvider"]
    )
    scorer = PictureScorer(model, encoder)
    for seed, gain in ((1, 1.0), (2, 0.8)):
        pixels = np.clip(part(seed, 700)[: size[0], : size[1]] * gain, 0, 255).astype(np.uint8)
        for shown in (pixels, with_hole(pixels, (90, 130))):
            found = scorer.score_prepared(shown)
            score, anomalous, heat = session.run(None, {"pixels": shown})
            assert score == pytest.approx(found.score, rel=1e-4, abs=1e-4)
            assert bool(anomalous) == (found.score > model.facts.threshold)
            expected = found.heat_map(size)
            np.testing.assert_allclose(heat, expected, atol=1e-4 * np.abs(expected).max() + 1e-4)


@pytest.mark.parametrize("number", [0, 1], ids=[EXPERTS[0].reads, EXPERTS[1].reads])
def test_each_expert_agrees(model, encoder, number):
    facts = replace(model.facts, experts=EXPERTS[number : number + 1])
    alone = replace(model, facts=facts, patches=model.patches[number : number + 1])
    session = onnxruntime.InferenceSession(
        defect_graph(alone, encoder, (224, 224)), providers=["CPUExecutionProvider"]
    )
    shown = part(3, 224)
    (score,) = session.run(["score"], {"pixels": shown})
    assert score == pytest.approx(PictureScorer(alone, encoder).score_prepared(shown).score, 1e-4)


def test_what_cannot_be_exported_is_refused(model, encoder):
    with pytest.raises(UsageError, match="smaller than the encoder's tile"):
        defect_graph(model, encoder, (100, 300))
    with pytest.raises(UsageError, match="only bundled"):
        defect_graph(model, Cells(), (300, 300))
