"""From files to stored vectors with a vision transformer: tamis against the loops people write.

    python benchmarks/vit_throughput.py PICTURES [--limit 2000] [--large 200] [--rounds 1]
        [--contenders NAME ...] [--cores 2]

The network has the shape of DINOv2-S/14 at 224 pixels, with random weights. Contenders, each in a
process of its own, taking turns, loading not timed:

    loop         transformers' own processor in a DataLoader (a worker a core), batches of 32
    one by one   the same, a picture at a time, as FiftyOne embeds by default
    torch        tamis, hf:FOLDER
    onnx         tamis, the same network after  tamis encoders export
    openvino     the same, run by OpenVINO in float32

Large pictures are made here: photos enlarged to 4000 x 3000 with grain, JPEG quality 90. What
counts is pictures per second of processor time. The overlap is the share of each picture's ten
nearest neighbours that agree with the loop's. `tamis` adds and embeds; the loops store nothing but
a NumPy file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

CONTENDERS = ("loop", "one by one", "torch", "onnx", "openvino")
WORKER = Path(__file__).with_name("vit_contender.py")
NEIGHBOURS = 10
FLOPS = 12.3e9  # of one picture: 22 M weights on 257 tokens, and attention, twice each


def save_model(folder):
    """Write the network and its processor as transformers does."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        image_size=224,
        patch_size=14,
        initializer_range=0.06,  # weights as small as .02 would leave all vectors alike
    )
    transformers.Dinov2Model(config).eval().save_pretrained(folder)
    processor = transformers.BitImageProcessor(
        size={"shortest_edge": 256},
        crop_size={"height": 224, "width": 224},
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    processor.save_pretrained(folder)


def save_large(paths, folder, count):
    """Write twelve-megapixel pictures made of ordinary ones."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 6, (3000, 4000, 1)).astype(np.float32)
    folder.mkdir()
    for number, path in enumerate(paths[:count]):
        with Image.open(path) as picture:
            large = picture.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC)
        rolled = np.roll(grain, number * 97, axis=(0, 1))
        pixels = np.clip(np.asarray(large, np.float32) + rolled, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05}.jpg", quality=90)


def export(model, folder, pictures):
    command = ["tamis", "encoders", "export", f"hf:{model}", "--out", str(folder / "net.onnx")]
    subprocess.run(
        [Path(sys.executable).with_name("tamis"), *command[1:], "--pictures", str(pictures)],
        check=True,
        capture_output=True,
    )


def run(contender, model, pictures, out, cores):
    command = [sys.executable, WORKER, contender, model, pictures, out, "--cores", str(cores)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def neighbours(vectors):
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    return np.argpartition(-similar, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def overlap(left, right):
    pairs = zip(neighbours(left), neighbours(right), strict=True)
    return np.mean([len(set(a) & set(b)) / NEIGHBOURS for a, b in pairs])


def matrix_peak():
    """Gigaflops a second of processor time that a plain product of this machine reaches."""
    import time

    square = np.random.default_rng(0).random((2048, 2048), dtype=np.float32)
    square @ square
    begin = time.process_time()
    for _ in range(8):
        square @ square
    return 8 * 2 * 2048**3 / 1e9 / (time.process_time() - begin)


def compare(title, pictures, options, place, model):
    costs = {name: [] for name in options.contenders}
    for _ in range(options.rounds):
        for name in options.contenders:
            spec = model if name in ("loop", "one by one", "torch") else place / "net.onnx"
            out = place / f"{name.replace(' ', '-')}.npy"
            costs[name].append(run(name, spec, pictures, out, options.cores))
    print(f"\n{title}")
    print(f"{'':12} {'/s':>7} {'/processor s':>13} {'against loop':>13} {'overlap':>8}  stages, ms")
    base = None
    for name, runs in costs.items():
        work = statistics.median(r["processor"] for r in runs)
        elapsed = statistics.median(r["elapsed"] for r in runs)
        base = base or work
        vectors = [
            np.load(place / f"{n.replace(' ', '-')}.npy") for n in (options.contenders[0], name)
        ]
        stages = "  ".join(f"{k} {v * 1e3:.1f}" for k, v in runs[-1]["stages"].items())
        print(
            f"{name:12} {1 / elapsed:7.2f} {1 / work:13.2f} {base / work:12.2f}x "
            f"{overlap(*vectors):8.3f}  {stages}"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path, help="a folder of JPEG files")
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--large", type=int, default=200, help="twelve-megapixel pictures")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--contenders", nargs="+", default=CONTENDERS, choices=CONTENDERS)
    options = parser.parse_args()
    paths = sorted(options.pictures.rglob("*.jpg"))[: options.limit]
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        ordinary = place / "ordinary"
        ordinary.mkdir()
        for number, path in enumerate(paths):
            (ordinary / f"{number:05}.jpg").symlink_to(path.resolve())
        save_large(paths, place / "large", options.large)
        save_model(place / "model")
        if {"onnx", "openvino"} & set(options.contenders):
            export(place / "model", place, ordinary)
        peak = matrix_peak()
        print(f"float32 products: {peak:.0f} GFLOP/s a core, so at most {peak * 1e9 / FLOPS:.2f} ")
        print("pictures per second of processor time, whatever runs them")
        compare(f"{len(paths)} photos", ordinary, options, place, place / "model")
        if options.large:
            compare(
                f"{options.large} of 12 megapixels",
                place / "large",
                options,
                place,
                place / "model",
            )


if __name__ == "__main__":
    main()
