"""How near `tamis embed` comes to what decoding and inference cost, and to a plain PyTorch loop.

    python benchmarks/embed_throughput.py PICTURES [--limit 480] [--rounds 5] [--cores 2] [--torch]

Contenders take turns, and each figure is the median of the rounds, so that other work on the
machine touches all alike. `embed` goes from files to committed vectors; adding the pictures to
the dataset is not timed. Decoding and inference alone give processor seconds a picture. As both
run on the same cores, the most that any arrangement can reach is

    bound = cores / (decoding + inference)

The looser max(decoding, inference) would need cores of its own for each. `--torch` adds the loop
one would write by hand: a DataLoader with a worker a core, Pillow, and the same network in
PyTorch.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tamis.dataset.store import Store
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.images.decode import decode
from tamis.interfaces.dataset import Dataset

BATCH = 8


class Cost(NamedTuple):
    """What a run cost a picture: elapsed seconds and processor seconds, children's too."""

    elapsed: float
    processor: float


def processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measure(run, count):
    begin, used = time.perf_counter(), processor_seconds()
    run()
    return Cost((time.perf_counter() - begin) / count, (processor_seconds() - used) / count)


def prepared(path, encoder):
    side = decode_side(encoder.preprocessing)
    return prepare(decode(path.read_bytes(), str(path), min_side=side).image, encoder.preprocessing)


def in_workers(task, items, workers):
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(task, items):
            pass


def added(paths, folder):
    """A new dataset of the pictures, without vectors."""
    store = Store.create(folder)
    Dataset(store).add([str(path) for path in paths])
    return store


def tamis_contenders(paths, cores, folder):
    """Runs by name; each `embed` takes a dataset of its own, made before the clock starts."""
    single, shared = load_encoder(threads=1), load_encoder(threads=cores)
    ready = np.stack([prepared(path, single) for path in paths[: 8 * BATCH]])
    batches = [ready[start : start + BATCH] for start in range(0, len(ready), BATCH)]
    batches = [batches[number % len(batches)] for number in range(len(paths) // BATCH)]
    rounds = iter(range(sys.maxsize))

    def fresh_embed():
        store = added(paths, folder / f"round{next(rounds)}.tamis")
        return lambda: Dataset(store).embed(single, threads=cores)

    return {
        "decoding": lambda: lambda: in_workers(lambda p: prepared(p, single), paths, cores),
        "inference, a batch a core": lambda: lambda: in_workers(single.embed, batches, cores),
        "inference, all cores a batch": lambda: lambda: in_workers(shared.embed, batches, 1),
        "tamis embed": fresh_embed,
    }


def torch_loop(pictures, limit, cores):
    """Cost of the loop in `torch_loop.py`, in a process of its own."""
    script = Path(__file__).with_name("torch_loop.py")
    command = [sys.executable, script, pictures, "--limit", str(limit), "--cores", str(cores)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path, help="a folder of JPEG files")
    parser.add_argument("--limit", type=int, default=480, help="use so many of them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--torch", action="store_true")
    options = parser.parse_args()
    paths = sorted(options.pictures.rglob("*.jpg"))[: options.limit // BATCH * BATCH]
    with tempfile.TemporaryDirectory() as place:
        contenders = tamis_contenders(paths, options.cores, Path(place))
        costs = {name: [] for name in contenders} | ({"PyTorch loop": []} if options.torch else {})
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                costs[name].append(measure(contender(), len(paths)))
            if options.torch:
                cost = torch_loop(options.pictures, len(paths), options.cores)
                costs["PyTorch loop"].append(cost)
    report(costs, options.cores)


def report(costs, cores):
    rate = {name: 1 / statistics.median(c.elapsed for c in runs) for name, runs in costs.items()}
    work = {name: statistics.median(c.processor for c in runs) for name, runs in costs.items()}
    print(f"{'':30} {'pictures/s':>11} {'processor time a picture':>25}")
    for name in costs:
        print(f"{name:30} {rate[name]:11.1f} {work[name] * 1e3:22.2f} ms")
    needed = work["decoding"] + work["inference, a batch a core"]
    slower = max(work["decoding"], work["inference, a batch a core"])
    reached = rate["tamis embed"]
    print(f"bound by decoding + inference    {cores / needed:9.1f}")
    print(f"bound by the slower of the two   {cores / slower:9.1f}")
    print(f"tamis embed / first bound        {reached * needed / cores:9.2f}")
    print(f"tamis embed / second bound       {reached * slower / cores:9.2f}")
    alone = max(rate["inference, a batch a core"], rate["inference, all cores a batch"])
    print(f"tamis embed / inference alone    {reached / alone:9.2f}")
    print(f"decoding + inference / embed, in processor time {needed / work['tamis embed']:.2f}")
    if "PyTorch loop" in rate:
        print(f"tamis embed / PyTorch loop       {reached / rate['PyTorch loop']:9.2f}")


if __name__ == "__main__":
    main()
