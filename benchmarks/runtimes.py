"""A vision transformer of DINOv2-S's shape by PyTorch, ONNX Runtime and OpenVINO, float32 and int8.

    python benchmarks/runtimes.py PICTURES [--limit 300] [--batches 8]

Makes the network with random weights, exports it as `tamis encoders export` does, and prints the
fidelity on the pictures. Then each runtime embeds the same prepared pixels in batches of 8, in a
process of its own, with one thread in each of two workers and with two threads in one: pictures a
second, and a second of processor time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

BATCH = 8
SIDE = 224
FORMS = {
    "onnx": ("onnx", "float32"),
    "openvino": ("openvino", "float32"),
    "int8": ("openvino", "int8"),
}
WAYS = {"1 thread x 2 workers": (1, 2), "2 threads": (2, 1)}


def save_network(folder):
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        hidden_size=384, num_hidden_layers=12, num_attention_heads=6, image_size=518, patch_size=14
    )
    transformers.Dinov2Model(config).save_pretrained(folder)
    processor = {
        "image_processor_type": "BitImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": 256},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": SIDE, "width": SIDE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))


def measure(spec, threads, workers, batches):
    import tamis

    encoder = tamis.encoder(spec, threads=threads)
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(encoder.embed, [pixels] * workers))
        begin, used = time.perf_counter(), time.process_time()
        list(pool.map(encoder.embed, [pixels] * batches))
        elapsed, processor = time.perf_counter() - begin, time.process_time() - used
    print(json.dumps([BATCH * batches / elapsed, BATCH * batches / processor]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path, nargs="?")
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--measure", nargs=3, metavar=("SPEC", "THREADS", "WORKERS"))
    options = parser.parse_args()
    if options.measure:
        spec, threads, workers = options.measure
        measure(spec, int(threads), int(workers), options.batches)
        return
    import tamis

    paths = sorted(options.pictures.rglob("*.jpg"))
    chosen = [paths[i * len(paths) // options.limit] for i in range(options.limit)]
    with tempfile.TemporaryDirectory() as place:
        save_network(Path(place) / "network")
        source = f"hf:{place}/network"
        specs = {"torch": source}
        for form, (runtime, precision) in FORMS.items():
            made = tamis.export_encoder(
                source,
                place,
                chosen,
                runtime=runtime,
                precision=precision,
                min_overlap=0,
                min_cosine=0,
            )
            specs[form] = made.spec
            print(form, made.fidelity, made.pictures, "pictures", flush=True)
        for way, (threads, workers) in WAYS.items():
            for form, spec in specs.items():
                command = [sys.executable, __file__, "--batches", str(options.batches)]
                rounds = [
                    json.loads(
                        subprocess.run(
                            [*command, "--measure", spec, str(threads), str(workers)],
                            check=True,
                            capture_output=True,
                            text=True,
                        ).stdout
                    )
                    for _ in range(3)
                ]
                best = np.max(rounds, axis=0)
                print(f"{way:22}{form:10}{best[0]:6.2f}/s  {best[1]:6.2f}/CPU s", flush=True)


if __name__ == "__main__":
    main()
