"""What is asked of a million boxes: CPU seconds of counts, conditions, evaluation and edits.

    python benchmarks/million_annotations.py FOLDER

A dataset of 100,000 pictures with ten true boxes each, and nine predicted ones, is made first from
rows alone; no picture is opened.
"""

from __future__ import annotations

import hashlib
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

import tamis
from tamis.dataset.annotation_columns import ANNOTATIONS

PICTURES, EACH, CLASSES = 100_000, 10, 80


def annotations(layer, seen, rng, moved):
    """Return rows of a layer; each box is seen with a probability, and moved a little."""
    count = PICTURES * EACH
    corners = np.random.default_rng(1).uniform(0, 470, (count, 2))
    sides = np.random.default_rng(2).uniform(8, 120, (count, 2))
    classes = np.minimum(np.random.default_rng(3).zipf(1.5, count), CLASSES) - 1
    kept = np.flatnonzero(rng.random(count) < seen)
    corners = corners[kept] + rng.normal(0, moved, (len(kept), 2)) * sides[kept]
    ids = [hashlib.blake2b(f"{layer} {n}".encode(), digest_size=16).hexdigest() for n in kept]
    found = {
        "annotation_id": ids,
        "sample_id": [f"{n // EACH:032x}" for n in kept.tolist()],
        "layer": [layer] * len(kept),
        "kind": ["box"] * len(kept),
        "label": [f"class{n}" for n in classes[kept].tolist()],
        "x": corners[:, 0],
        "y": corners[:, 1],
        "width": sides[kept, 0],
        "height": sides[kept, 1],
        "time": pa.array([datetime.now(UTC)] * len(kept), ANNOTATIONS.field("time").type),
    }
    if layer != "truth":
        found["confidence"] = rng.beta(4, 2, len(kept))
    return pa.table(found)


def make(place):
    ds = tamis.open(place)
    names = [f"/data/{n:06d}.jpg" for n in range(PICTURES)]
    rows = {"sample_id": [f"{n:032x}" for n in range(PICTURES)], "path": names, "uri": names}
    sizes = {"width": [640] * PICTURES, "height": [480] * PICTURES}
    rows |= {name: pa.array(values, pa.int32()) for name, values in sizes.items()}
    rng = np.random.default_rng(0)
    with ds.store.operation("add") as operation:
        operation.insert(pa.table(rows))
        operation.add_annotations(annotations("truth", 1, rng, 0))
        operation.add_annotations(annotations("model", 0.9, rng, 0.08))
    return ds


def main():
    root = Path(sys.argv[1])
    make(root / "d.tamis")
    ds = tamis.open(root / "d.tamis")
    one = ds.annotations("layer = 'truth'", columns=["annotation_id"])["annotation_id"][5].as_py()
    small = "HAS(layer = 'truth' AND label = 'class3' AND width < 32 AND height < 32)"
    asked = {
        "label layers": ds.layers,
        "info": ds.info,
        "one HAS condition": lambda: ds.samples.of(small).count(),
        "HAS of most pictures": lambda: ds.samples.of("HAS(layer = 'truth')").count(),
        "evaluate": lambda: ds.evaluate("model"),
        "move a box": lambda: ds.edit_annotation(one, box=[1, 2, 30, 40]),
        "rename a class": lambda: ds.rename_class("class3", "class3b"),
        "remove the unsure": lambda: ds.remove_annotations(layer="model", where="confidence < .3"),
        "undo": ds.undo,
    }
    for name, ask in asked.items():
        begin = resource.getrusage(resource.RUSAGE_SELF)
        ask()
        end = resource.getrusage(resource.RUSAGE_SELF)
        spent = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
        print(f"{name:22}{spent:8.2f} CPU s, {end.ru_maxrss / 1e6:.2f} GB at most", flush=True)


if __name__ == "__main__":
    main()
