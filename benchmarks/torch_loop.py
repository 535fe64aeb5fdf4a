"""The embedding loop one would write by hand: a DataLoader, Pillow, and the network in PyTorch.

    python benchmarks/torch_loop.py PICTURES [--limit 480] [--cores 2]

Same network, same weights, same resize and same batches of 8 as tamis; larger ones are slower in
PyTorch too. Prints elapsed and processor seconds a picture as JSON; loading the network is not
timed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from tamis.encoders.preprocess import prepare
from tamis.types import Preprocessing

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from torch_efficientnet import TorchEfficientNetLite0

BATCH = 8
PREPROCESSING = Preprocessing(height=224, width=224)


class Pictures(Dataset):
    """Pictures of a folder, resized."""

    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, number):
        with Image.open(self.paths[number]) as picture:
            return np.array(prepare(picture.convert("RGB"), PREPROCESSING))


def processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--limit", type=int, default=480)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    paths = sorted(options.pictures.rglob("*.jpg"))[: options.limit]
    torch.set_num_threads(options.cores)
    network = TorchEfficientNetLite0(torch.float32)
    with torch.inference_mode():
        network(torch.zeros((1, 224, 224, 3), dtype=torch.uint8))
        begin, used = time.perf_counter(), processor_seconds()
        loader = DataLoader(Pictures(paths), batch_size=BATCH, num_workers=options.cores)
        vectors = torch.cat([network(batch)["embedding"] for batch in loader])
    elapsed, processor = time.perf_counter() - begin, processor_seconds() - used
    assert len(vectors) == len(paths)
    print(json.dumps({"elapsed": elapsed / len(paths), "processor": processor / len(paths)}))


if __name__ == "__main__":
    main()
