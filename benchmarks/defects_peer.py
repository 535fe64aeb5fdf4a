"""anomalib's PatchCore on a folder that `defects.py prepare` wrote, with Lite0's weights.

Runs in an environment of its own: `pip install anomalib timm torch torchvision`. It imports nothing
of tamis.

    python benchmarks/defects_peer.py OUT --weights efficientnet-lite0-57934424.pth [--size 224]
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import timm
import torch
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from PIL import Image


def lite0(weights):
    """Return timm's EfficientNet-Lite0 with the weights that tamis uses, names mapped by order."""
    network = timm.create_model("efficientnet_lite0", pretrained=False)
    theirs = [
        value
        for name, value in torch.load(weights, map_location="cpu", weights_only=True).items()
        if not name.endswith("num_batches_tracked")
    ]
    own = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    assert len(own) == len(theirs)
    state = dict(zip(own, theirs, strict=True))
    for name, value in network.state_dict().items():
        if name in state:
            assert state[name].shape == value.shape, name
    network.load_state_dict(state, strict=False)
    return network


def tensor(files, size):
    """Return pictures as the network takes them, `[B, 3, size, size]`."""
    arrays = [
        np.asarray(Image.open(file).convert("RGB").resize((size, size), Image.Resampling.BICUBIC))
        for file in files
    ]
    values = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float()
    return (values / 255 - 0.5) / 0.5


def auroc(positive, negative):
    """Return the AUROC."""
    wins = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    return float(wins)


def main():
    """Fit, score, and print as `defects.py run` does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--layers", nargs="+", default=["blocks.2", "blocks.4"])
    parser.add_argument("--coreset", type=float, default=0.1)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = PatchcoreModel(
        backbone="efficientnet_lite0", layers=given.layers, pre_trained=False, num_neighbors=9
    )
    source = lite0(given.weights).state_dict()
    inner = model.feature_extractor.feature_extractor
    wanted = inner.state_dict()
    # the extractor names its layers with underscores
    renamed = {name.replace("blocks.", "blocks_", 1): value for name, value in source.items()}
    state = {name: renamed.get(name, source.get(name)) for name in wanted}
    missing = [name for name, value in state.items() if value is None]
    assert not missing, missing[:3]
    inner.load_state_dict(state)
    files = sorted((given.out / "good").iterdir())
    begin = time.process_time()
    model.train()
    with torch.no_grad():
        for start in range(0, len(files), 8):
            model(tensor(files[start : start + 8], given.size))
        model.subsample_embedding(given.coreset)
    fit = time.process_time() - begin
    model.eval()
    begin = time.process_time()
    scores, count = {}, 0
    with torch.no_grad():
        for folder in sorted((given.out / "test").iterdir()):
            found = []
            for file in sorted(folder.iterdir()):
                result = model(tensor([file], given.size))
                found.append(float(result.pred_score))
                count += 1
            scores[folder.name] = np.array(found)
    score = time.process_time() - begin
    nominal = scores.pop("good")
    print(f"anomalib PatchCore, {given.layers}, {given.size} px, coreset {given.coreset}")
    print("AUROC:", ", ".join(f"{k} {auroc(v, nominal):.3f}" for k, v in scores.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"fit {fit:.1f} CPU s for {len(files)} pictures, score {score:.1f} CPU s for {count} "
        f"({count / score:.1f} a CPU second), peak {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
