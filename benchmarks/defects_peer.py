"""anomalib's PatchCore on a folder that `defects.py prepare` wrote, with Lite0's weights.

Runs in an environment of its own: `pip install anomalib timm torch torchvision`. It imports nothing
of tamis.

    python benchmarks/defects_peer.py OUT --weights efficientnet-lite0-57934424.pth [--size 224]
    python benchmarks/defects_peer.py OUT --weights ... --size 448 --speed [--rows 1000] [--onnx]

`--speed` fills the bank with random patches, as many as the coreset would have (or `--rows`), since
that choice takes minutes and a picture's time depends on their number alone: it prints pictures a
processor second and no AUROC. `--onnx` also runs the exported model by ONNX Runtime, one thread.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
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
    """Read the command line and load the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--layers", nargs="+", default=["blocks.2", "blocks.4"])
    parser.add_argument("--coreset", type=float, default=0.1)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--most", type=int, default=12, help="pictures to time")
    parser.add_argument("--onnx", action="store_true")
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
    if given.speed:
        speed(model, files, given)
        return
    quality(model, files, given)


def speed(model, files, given):
    """Print how many pictures a processor second are scored, by PyTorch and by ONNX Runtime."""
    with torch.no_grad():
        model.train()
        model(tensor(files[:1], given.size))
        patches = model.embedding_store[0]
        rows = given.rows or round(given.coreset * len(files) * len(patches))
        chosen = torch.randint(len(patches), (rows,))
        noise = 1e-3 * torch.randn(rows, patches.shape[1])
        model.embedding_store.clear()
        model.memory_bank = patches[chosen] + noise
        model.eval()
        model(tensor(files[:1], given.size))
        begin = time.process_time()
        for file in files[: given.most]:
            model(tensor([file], given.size))
    report("PyTorch", begin, len(files[: given.most]), rows, given)
    if given.onnx:
        import onnxruntime

        path = Path(tempfile.mkdtemp()) / "peer.onnx"
        torch.onnx.export(model, (tensor(files[:1], given.size),), path, dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        session.run(None, {name: tensor(files[:1], given.size).numpy()})
        begin = time.process_time()
        for file in files[: given.most]:
            session.run(None, {name: tensor([file], given.size).numpy()})
        report("ONNX Runtime", begin, len(files[: given.most]), rows, given)


def report(runtime, begin, count, rows, given):
    """Print a line of `speed`."""
    each = (time.process_time() - begin) / count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"anomalib PatchCore by {runtime}, {given.size} px, {rows} rows: {1000 * each:.1f} ms a "
        f"picture, {1 / each:.1f} a CPU second, peak {peak:.0f} MB",
        flush=True,
    )


def quality(model, files, given):
    """Fit, score, and print as `defects.py run` does."""
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
