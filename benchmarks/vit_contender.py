"""One contender of `vit_throughput.py`: embed a folder and print what a picture cost, as JSON."""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

BATCH = 32


def processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Meter:
    """Elapsed and processor seconds since it was made, a picture."""

    def __init__(self):
        self.begin, self.used = time.perf_counter(), processor_seconds()

    def read(self, count):  # noqa: D102 - the class says it
        return {
            "elapsed": (time.perf_counter() - self.begin) / count,
            "processor": (processor_seconds() - self.used) / count,
        }


def loop(model, paths, cores, batch):
    """The loop of transformers' documentation."""
    import torch
    import transformers
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    processor = transformers.AutoImageProcessor.from_pretrained(model)
    network = transformers.AutoModel.from_pretrained(model).eval()
    torch.set_num_threads(cores)

    class Pictures(Dataset):
        def __len__(self):
            return len(paths)

        def __getitem__(self, number):
            with Image.open(paths[number]) as picture:
                inputs = processor(picture.convert("RGB"), return_tensors="pt")
            return inputs["pixel_values"][0]

    workers = cores if batch > 1 else 0
    with torch.inference_mode():
        network(torch.zeros(batch, 3, 224, 224))
        meter = Meter()
        loader = DataLoader(Pictures(), batch_size=batch, num_workers=workers)
        vectors = torch.cat([network(pixel_values=values).pooler_output for values in loader])
        vectors = torch.nn.functional.normalize(vectors, dim=1).numpy()
        del loader
    return vectors, meter.read(len(paths)), {}


def tamis(spec, folder, paths, cores):
    from tamis.dataset.store import Store
    from tamis.encoders.preprocess import decode_side, prepare
    from tamis.encoders.registry import load_encoder
    from tamis.images.decode import decode
    from tamis.interfaces.dataset import Dataset

    encoder = load_encoder(spec, threads=1)
    encoder.embed(np.zeros((8, 224, 224, 3), np.uint8))
    with tempfile.TemporaryDirectory() as place:
        store = Store.create(Path(place) / "benchmark.tamis")
        adding = Meter()
        Dataset(store).add([str(folder)], threads=cores)
        added = adding.read(len(paths))
        meter = Meter()
        report = Dataset(store).embed(encoder, threads=cores)
        cost = meter.read(len(paths))
        ids, vectors = store.vectors(report.column)
        order = np.argsort(store.read(["path"], ids=ids)["path"].to_pylist())
        vectors = vectors[order]
    some, side = paths[:64], decode_side(encoder.preprocessing)
    decoding = Meter()
    ready = [
        prepare(decode(p.read_bytes(), str(p), min_side=side).image, encoder.preprocessing)
        for p in some
    ]
    decoded = decoding.read(len(some))["processor"]
    batches = np.stack(ready)
    inference = Meter()
    for start in range(0, len(batches), 8):
        encoder.embed(batches[start : start + 8])
    stages = {
        "decode": decoded,
        "inference": inference.read(len(some))["processor"],
        "all of embed": cost["processor"],
        "add": added["processor"],
    }
    return vectors, cost, stages


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("contender")
    parser.add_argument("model")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    paths = sorted(options.pictures.glob("*.jpg"))
    match options.contender:
        case "loop":
            result = loop(options.model, paths, options.cores, BATCH)
        case "one by one":
            result = loop(options.model, paths, options.cores, 1)
        case "torch":
            result = tamis(f"hf:{options.model}", options.pictures, paths, options.cores)
        case runtime:
            spec = f"{runtime}:{options.model}"
            result = tamis(spec, options.pictures, paths, options.cores)
    vectors, cost, stages = result
    np.save(options.out, vectors)
    print(json.dumps({**cost, "stages": stages}))


if __name__ == "__main__":
    main()
