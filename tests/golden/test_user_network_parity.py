"""A user's classifier gives, before its last layer, what PyTorch computes there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

CODE = """
import torch, torchvision

def build():
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None)
"""
SPEC = "size=224&crop_fraction=.875&interpolation=bilinear&mean=.485,.456,.406&std=.229,.224,.225"


def test_a_torchvision_classifier_before_its_last_layer(tmp_path):
    (tmp_path / "mine.py").write_text(CODE)
    encoder = load_encoder(f"py:{tmp_path / 'mine.py'}:build?layer=penultimate&{SPEC}")
    rng = np.random.default_rng(0)
    pictures = [
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(size, 3)
        for size in ((640, 480), (300, 400), (256, 256))
    ]
    preset = torchvision.transforms._presets.ImageClassification(crop_size=224, resize_size=256)
    torch.manual_seed(0)
    network = torchvision.models.resnet18(weights=None).eval()
    network.fc = torch.nn.Identity()
    with torch.no_grad():
        expected = network(torch.stack([preset(picture) for picture in pictures])).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    pixels = np.stack([prepare(picture, encoder.preprocessing) for picture in pictures])
    assert ((encoder.embed(pixels) * expected).sum(1) >= 0.9999).all()
    assert encoder.dim == 512
