"""Run imagededup or fastdup on a folder; started by `duplicates.py` with a Python that has them.

Writes a JSON object: for each setting the pairs of file names that it calls duplicates.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path


def imagededup(folder):
    from imagededup.methods import PHash

    found = PHash(verbose=False).find_duplicates(image_dir=folder, max_distance_threshold=10)
    return {"imagededup PHash <= 10": [(a, b) for a, near in found.items() for b in near]}


def fastdup(folder):
    import fastdup as peer

    with tempfile.TemporaryDirectory() as work:
        run = peer.create(work_dir=work, input_dir=folder)
        run.run(overwrite=True, verbose=False, nearest_neighbors_k=10, threshold=0.8)
        near = run.similarity()
    pairs = [
        (a, b, d)
        for a, b, d in zip(near.filename_from, near.filename_to, near.distance, strict=True)
        if a != b
    ]
    return {
        f"fastdup >= {least}": [(a, b) for a, b, score in pairs if score >= least]
        for least in (0.824, 0.9, 0.96)
    }


def main():
    peer, folder, out = sys.argv[1:]
    start, cpu = time.perf_counter(), time.process_time()
    pairs = {"imagededup": imagededup, "fastdup": fastdup}[peer](folder)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    pairs = {f"{name} ({wall:.0f} s wall, {cpu:.0f} CPU s)": found for name, found in pairs.items()}
    Path(out).write_text(json.dumps(pairs), encoding="utf-8")


if __name__ == "__main__":
    main()
