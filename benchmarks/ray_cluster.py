"""The same pictures on this machine and on a Ray cluster of two nodes, with a worker killed.

python benchmarks/ray_cluster.py [--pictures 2000]

Both datasets must hold the same rows, none twice, and bit-identical vectors; a damaged file is
listed by both. Needs `pip install 'tamis[ray]'`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tamis


def make(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:06}.jpg", quality=85)
    (folder / "bad.jpg").write_bytes(b"\xff\xd8 and no more")


def cpu() -> float:
    return sum(
        resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def kill_a_worker(told: dict[str, Any]) -> None:
    """End one worker process of the cluster once it works."""
    for _ in range(600):
        time.sleep(0.5)
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:  # no process, or one that is gone
                continue
            if words.startswith(b"ray::_Worker.work"):
                os.kill(int(entry.name), signal.SIGKILL)
                told["killed"] = int(entry.name)
                return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=2000)
    given = parser.parse_args()
    import ray
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "photos", given.pictures)
        result: dict[str, Any] = {"pictures": given.pictures}
        began, spent = time.monotonic(), cpu()
        local = tamis.open(folder / "local.tamis")
        local.add(folder / "photos")
        local.embed()
        result["local_s"], result["local_cpu_s"] = time.monotonic() - began, cpu() - spent

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        began = time.monotonic()
        far = tamis.open(folder / "ray.tamis")
        far.add(folder / "photos", runner="ray", address=cluster.address)
        result["ray_add_s"] = time.monotonic() - began
        threading.Thread(target=kill_a_worker, args=(result,), daemon=True).start()
        far.embed(runner="ray", address=cluster.address)
        result["ray_s"] = time.monotonic() - began
        rows = [sorted(one.table(["sample_id"])["sample_id"].to_pylist()) for one in (local, far)]
        result |= {
            "rows": len(far),
            "none_twice": len(set(rows[1])) == len(rows[1]) == given.pictures,
            "same_rows": rows[0] == rows[1],
            "same_vectors": bool(np.array_equal(local.vectors(), far.vectors())),
            "ratio": result["ray_s"] / result["local_s"],
        }
        sys.stdout.write(f"{json.dumps(result, indent=1)}\n")
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
