"""Zero-shot classes are those of transformers' own logits."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.zero_shot import zero_shot_posteriors
from tamis.encoders.registry import load_encoder
from tiny_models import require_hugging_face, save_clip, save_siglip

torch, transformers = require_hugging_face()

TEXTS = ["a cat", "two dogs on a mat", "rusty valve"]


def both(folder, padding):
    """Our cosines and scale, and transformers' own logits, of the same pictures and texts."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        model.logit_scale.fill_(1.7)
    model.save_pretrained(folder)
    encoder = load_encoder(f"hf:{folder}")
    side = encoder.preprocessing.height
    pixels = np.random.default_rng(0).integers(0, 256, (5, side, side, 3), dtype=np.uint8)
    mean, std = (np.float32(x) for x in (encoder.preprocessing.mean, encoder.preprocessing.std))
    values = torch.from_numpy(((pixels / np.float32(255) - mean) / std).transpose(0, 3, 1, 2))
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(
        TEXTS, return_tensors="pt", truncation=True, **padding
    )
    tokens.pop("token_type_ids", None)
    tokens.pop("attention_mask" if "max_length" in padding else "", None)
    with torch.no_grad():
        logits = model(pixel_values=values.contiguous(), **tokens).logits_per_image.double()
    cosines = encoder.embed(pixels) @ encoder.embed_text(TEXTS).T
    return cosines, encoder.logit_scale, logits


def test_clip_posteriors_are_the_softmax_of_its_logits(tmp_path):
    cosines, scale, logits = both(save_clip(tmp_path / "clip"), {"padding": True})
    assert scale == pytest.approx(np.exp(1.7))
    np.testing.assert_allclose(scale * cosines, logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(
        zero_shot_posteriors(cosines, scale), logits.softmax(1).numpy(), atol=1e-5
    )


def test_siglip_logits_differ_by_its_bias_which_the_softmax_cancels(tmp_path):
    padding = {"padding": "max_length", "max_length": 12}
    folder = save_siglip(tmp_path / "siglip")
    model = transformers.AutoModel.from_pretrained(folder)
    with torch.no_grad():
        model.logit_bias.fill_(-2.5)
    model.save_pretrained(folder)
    cosines, scale, logits = both(folder, padding)
    np.testing.assert_allclose(scale * cosines - 2.5, logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(
        zero_shot_posteriors(cosines, scale), logits.softmax(1).numpy(), atol=1e-5
    )
    # what SigLIP itself calls probabilities are sigmoids: each text by itself
    alone = torch.sigmoid(torch.from_numpy(scale * cosines.astype(float) - 2.5))
    np.testing.assert_allclose(alone.numpy(), logits.sigmoid().numpy(), atol=1e-5)
    assert not np.allclose(zero_shot_posteriors(cosines, scale), alone.numpy(), atol=1e-2)
