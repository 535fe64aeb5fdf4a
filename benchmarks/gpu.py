"""What a GPU brings, in under four minutes: embedding, running out of memory, neighbors.

    python benchmarks/gpu.py [--pictures 2000] [--rows 200000] [--device cuda]

Runs on a bare machine with tamis and PyTorch: pictures are drawn on the spot (a folder given by
--folder takes their place), the network is a small vision transformer with random weights, and
nothing is fetched. Prints one table:

- decoding for the network, in threads and in processes;
- `tamis embed` on the device, beside a plain loop with a DataLoader of as many processes;
- the same with the device's memory limited, so that batches halve, and what is still allocated;
- the exact graph of neighbors of clustered and of crowded vectors on the device and on the
  processor: seconds, rows done again in float32, and recall on sampled rows.

--device cpu tries the script itself on a machine without a GPU.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import tamis
from tamis.algo.exact_neighbors import exact_graph, exact_search
from tamis.encoders.torch_encoder import TorchModel, TorchRun, as_encoder
from tamis.images.decode import decode
from tamis.runtime.device_neighbors import TorchKernel
from tamis.runtime.ordered_map import ordered_map
from tamis.services.embed.embedded_batch import EmbedRow
from tamis.services.embed.on_device import DecodePicture
from tamis.types import Preprocessing

SIDE, WIDTH, DEPTH, HEADS, PATCH = 224, 384, 12, 6, 14


class Network(torch.nn.Module):
    """A network of DINOv2-S's shape."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches = torch.nn.Conv2d(3, WIDTH, PATCH, PATCH)
        layer = torch.nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, batch_first=True, norm_first=True, activation="gelu"
        )
        self.blocks = torch.nn.TransformerEncoder(layer, DEPTH, enable_nested_tensor=False)

    def forward(self, values):  # noqa: D102 - as PyTorch calls it
        return self.blocks(self.patches(values).flatten(2).transpose(1, 2)).mean(dim=1)


class Pictures(torch.utils.data.Dataset):
    """What a plain loop decodes."""

    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, number):
        image = Image.open(self.paths[number]).convert("RGB")
        image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)


def draw(folder, count):
    """Write JPEGs of about 30 KB with texture and grain."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        pixels = np.asarray(coarse.resize((533, 400), Image.Resampling.BICUBIC), np.float32)
        grain = 6 * rng.standard_normal((400, 533, 1), np.float32)
        picture = Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))
        picture.save(folder / f"{number:06}.jpg", quality=75)


def show(name, value, unit=""):
    print(f"{name:58}{value:>12}{unit}", flush=True)


def timed(work):
    begin = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begin


def decoding(paths, workers, preprocessing, *, processes):
    from tamis.images.picture_record import content_hash

    rows = [
        [EmbedRow(str(n), str(path), str(path), str(path), content_hash(path.read_bytes()))]
        for n, path in enumerate(paths)
    ]
    stage = DecodePicture(preprocessing)
    decode(paths[0].read_bytes(), "warm")
    begin = time.perf_counter()
    with closing(ordered_map(stage, rows, workers=workers, ahead=8, processes=processes)) as found:
        count = sum(not isinstance(one[0][1], str) for one in found)
    return count / (time.perf_counter() - begin)


def plain_loop(paths, network, device, workers):
    loader = torch.utils.data.DataLoader(
        Pictures(paths), batch_size=64, num_workers=workers, pin_memory=device != "cpu"
    )
    with torch.inference_mode():
        for batch in loader:
            values = batch.to(device, non_blocking=True).float() / 255
            network(values).cpu()


def embedding(folder, paths, device, workers):
    network = Network()
    preprocessing = Preprocessing(SIDE, SIDE)
    model = TorchModel(module=network, pooled=network, pooling="mean")
    encoder = as_encoder("test:vit", model, preprocessing, TorchRun(device=device))
    pixels = np.random.default_rng(2).integers(0, 256, (8, SIDE, SIDE, 3), np.uint8)
    other = Network()
    on_processor = as_encoder(
        "test:vit",
        TorchModel(module=other, pooled=other, pooling="mean"),
        preprocessing,
        TorchRun(device="cpu"),
    )
    cosines = (encoder.embed(pixels) * on_processor.embed(pixels)).sum(axis=1)
    show("least cosine to the processor's vectors", f"{cosines.min():.6f}")
    for processes in (False, True):
        speed = decoding(paths, workers, preprocessing, processes=processes)
        kind = "processes" if processes else "threads"
        show(f"decode and prepare, {workers} {kind}", f"{speed:,.0f}", " /s")
    ds = tamis.open(folder.parent / "d.tamis")
    ds.add(str(folder))
    report, seconds = timed(lambda: ds.embed(encoder))
    show(f"embed, batches of {report.batch_size}", f"{report.embedded / seconds:,.0f}", " /s")
    _, seconds = timed(lambda: plain_loop(paths, network, device, workers))
    show("plain loop with a DataLoader", f"{len(paths) / seconds:,.0f}", " /s")
    if device == "cpu":
        return
    held = torch.cuda.memory_allocated()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (held + 1.5e9) / total))
    limited = tamis.open(folder.parent / "limited.tamis")
    limited.add(str(folder))
    report, seconds = timed(lambda: limited.embed(encoder, batch_size=2048))
    torch.cuda.set_per_process_memory_fraction(1.0)
    speed = report.embedded / seconds
    show(f"embed in 1.5 GB from 2,048, ends at {report.batch_size}", f"{speed:,.0f}", " /s")
    show("allocated afterwards", f"{(torch.cuda.memory_allocated() - held) / 1e6:,.0f}", " MB")


def clustered(rows, dim, *, crowd):
    """Rows around centers; `crowd` makes crowds of 200 above a cosine of .999."""
    rng = np.random.default_rng(0)
    size = 200 if crowd else 100
    centers = rng.standard_normal((rows // size, dim), np.float32)
    noise = rng.standard_normal((rows, dim), np.float32)
    vectors = np.repeat(centers, size, axis=0)
    vectors = vectors + (0.02 if crowd else 1.0) * noise[: len(vectors)]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def neighbors(rows, device):
    kernel = TorchKernel(device, worthwhile=0)
    kernel.graph(clustered(4000, 384, crowd=False), 10)
    for crowd in (False, True):
        X = clustered(rows, 384, crowd=crowd)
        (found, _), seconds = timed(lambda X=X: kernel.graph(X, 10))
        name = "crowds of 200" if crowd else "clusters"
        show(f"graph of {len(X):,} x 384, {name}, {device}", f"{seconds:.2f}", " s")
        show("  rows done again in float32", f"{kernel.repeated:,}")
        sampled = np.random.default_rng(1).choice(len(X), 200, replace=False)
        _, best = exact_search(X[sampled], X, 11)
        cosines = np.einsum("nd,nkd->nk", X[sampled], X[found[sampled]])
        recall = np.mean(cosines >= best[:, 10:] - 2e-6)
        show("  recall", f"{recall:.4f}")
    few = clustered(min(rows, 20_000), 384, crowd=False)
    _, seconds = timed(lambda: kernel.graph(few, 10))
    show(f"graph of {len(few):,} x 384, {device}", f"{seconds:.2f}", " s")
    _, seconds = timed(lambda: exact_graph(few, 10))
    show("the same on the processor", f"{seconds:.2f}", " s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    workers = os.cpu_count() or 1
    if options.device != "cpu":
        show("device", torch.cuda.get_device_name(0))
    show("processors", str(workers))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        if options.folder is None:
            draw(folder, options.pictures)
        else:
            found = sorted(options.folder.rglob("*.jpg"))[: options.pictures]
            for number, path in enumerate(found):
                with contextlib.suppress(FileExistsError):
                    (folder / f"{number:06}.jpg").symlink_to(path.resolve())
        embedding(folder, sorted(folder.iterdir()), options.device, workers)
    neighbors(options.rows, options.device)


if __name__ == "__main__":
    main()
