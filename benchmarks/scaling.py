"""Pictures a second by 1, 2, 4 ... workers, in threads and in processes.

    python benchmarks/scaling.py PICTURES [--limit 400] [--workers 1 2 4] [--encoder default]

`add` reads, hashes, decodes, measures and writes rows; `embed` reads, decodes, infers and writes
vectors. Each run is a process of its own with a dataset in a temporary folder. Processor seconds
include those of worker processes. The rows of all runs are compared: they must be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def processor_seconds():
    """User and system time of this process and the children that have ended."""
    own, of_children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in (own, of_children))


def measured(work):
    wall, cpu = time.perf_counter(), processor_seconds()
    done = work()
    return done, time.perf_counter() - wall, processor_seconds() - cpu


def digest(store, columns):
    rows = store.read(columns).sort_by("sample_id")
    return hashlib.sha256(json.dumps(rows.to_pylist(), default=str).encode()).hexdigest()[:12]


def one_run(pictures, workers, processes, encoder):
    """Add and embed here, and print the figures as JSON."""
    import tamis
    from tamis.machine import keep_heaps_few

    keep_heaps_few()
    with tempfile.TemporaryDirectory() as folder:
        ds = tamis.open(Path(folder) / "d.tamis")
        warm = tamis.open(Path(folder) / "warm.tamis")
        first = min(Path(pictures).iterdir())
        warm.add(str(first))
        warm.embed(encoder)
        options = {"threads": workers, "processes": processes}
        added, add_wall, add_cpu = measured(lambda: ds.add(pictures, **options))
        embedded, embed_wall, embed_cpu = measured(lambda: ds.embed(encoder, **options))
        columns = ["sample_id", "phash", "thumbnail", "sharpness", embedded.column]
        print(
            json.dumps(
                {
                    "add": added.added / add_wall,
                    "add_cpu": add_cpu / added.added,
                    "embed": embedded.embedded / embed_wall,
                    "embed_cpu": embed_cpu / embedded.embedded,
                    "rows": digest(ds.store, columns),
                }
            )
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--workers", type=int, nargs="+")
    parser.add_argument("--encoder", default="default")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        workers, processes = json.loads(options.one)
        one_run(str(options.pictures), workers, processes, options.encoder)
        return
    cores = os.cpu_count() or 1
    counts = options.workers or [
        *(1 << power for power in range(12) if 1 << power < cores),
        cores,
    ]
    kinds = {".jpg", ".jpeg", ".png", ".webp"}
    paths = sorted(p for p in options.pictures.rglob("*") if p.suffix.lower() in kinds)
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(paths[: options.limit]):
            (Path(folder) / f"{number:06}{path.suffix}").symlink_to(path.resolve())
        print(f"{min(len(paths), options.limit)} pictures, {cores} cores")
        print(f"{'workers':>16}{'add/s':>9}{'CPU ms':>9}{'embed/s':>10}{'CPU ms':>9}  rows")
        for count in counts:
            for processes in (False, True):
                command = [sys.executable, __file__, folder, "--encoder", options.encoder]
                command += ["--one", json.dumps([count, processes])]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found = json.loads(done.stdout)
                name = f"{count} {'processes' if processes else 'threads'}"
                print(
                    f"{name:>16}{found['add']:9.0f}{found['add_cpu'] * 1e3:9.1f}"
                    f"{found['embed']:10.0f}{found['embed_cpu'] * 1e3:9.1f}  {found['rows']}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
