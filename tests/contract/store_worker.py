# ruff: noqa: T201 - printing is how these processes report to their test
"""Processes that write to a dataset, for tests that race or kill them.

Run as `python store_worker.py ROLE DATASET [ARGUMENT…]`.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from sample_rows import DIM, sample_id, sample_ids, sample_rows, sample_vectors
from tamis.dataset import orphans, storage
from tamis.dataset.fragments import TableVersion
from tamis.dataset.store import Store
from tamis.errors import ConflictError
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS_A_STEP = 7


def insert_same_keys(store: Store, go: Path, seed: str, rows: str) -> None:
    """Insert the same rows as others do, in an order of one's own."""
    print("ready", flush=True)
    while not go.exists():
        time.sleep(0.001)
    order = np.random.default_rng(int(seed)).permutation(int(rows))
    added = conflicts = 0
    for part in np.array_split(order, 8):
        try:
            with store.operation("add", seed=int(seed)) as op:
                for number in part:
                    op.insert(sample_rows(int(number), int(number) + 1))
            added += op.counts["added"]
        except ConflictError:
            conflicts += 1
    print(added, conflicts, flush=True)


def take_steps(store: Store) -> None:
    """Change the dataset step by step, for ever; `test_store_kills` knows each step's result."""
    while True:
        step = store.snapshot
        if step % 6 == 5:
            store.gc()
        take_step(store, step)
        print(step, flush=True)


def take_step(store: Store, step: int) -> None:
    """The step from snapshot `step` to the next."""
    kind = ("insert", "label", "vectors", "insert", "undo", "label", "vectors")[step % 7]
    if kind == "undo":
        store.undo()
        return
    with store.operation(kind, {"step": step}) as op:
        if kind == "insert":
            start = step * ROWS_A_STEP
            op.insert(sample_rows(start, start + ROWS_A_STEP, thumbnail_bytes=20_000))
            op.record_failures([Failure(f"{step}.jpg", "is empty", "pics")])
            return
        ids = store.read(["sample_id"])["sample_id"].to_pylist()
        if kind == "label":
            op.set_marks(ids, {"label": [f"step {step}"] * len(ids)})
        else:
            column = op.add_vector_column("hf:small", "feedc0de99", DIM)
            chosen = [i for i in ids if int(i, 16) % 3 == step % 3]
            numbers = [int(i, 16) for i in chosen]
            vectors = sample_vectors(0, max(numbers, default=0) + 1)[numbers]
            op.set_vectors(column, chosen, vectors + np.float32(step))


def write_all_at_once(store: Store) -> None:
    """One operation that touches every kind of thing; the dataset has samples 0 to 159."""
    with store.operation("everything") as op:
        op.insert(sample_rows(160, 170))
        op.record_failures([Failure("x.jpg", "is empty", "pics")])
        column = op.add_vector_column("hf:small", "feedc0de99", DIM)
        op.set_vectors(column, sample_ids(150, 170), sample_vectors(150, 170))
        op.set_marks(sample_ids(0, 170), {"label": ["new"] * 170})


CRASH_POINTS: dict[str, tuple[Any, str, int, bool]] = {
    # What dies: an attribute of an object, at which call of it, and whether before or after it.
    "once samples are appended": (TableVersion, "append", 1, False),
    "once fragments are merged": (TableVersion, "merged", 1, False),
    "once columns are added": (TableVersion, "add_null_columns", 1, False),
    "once columns are edited": (TableVersion, "update_columns", 1, False),
    "once failures are appended": (TableVersion, "append", 2, False),
    "just before the snapshot": (storage.os, "link", 1, True),
    "just after the snapshot": (storage.os, "link", 1, False),
    "amid dropping steps": (orphans, "_remove_file", 1, False),
    "once restored": (TableVersion, "restored", 1, False),
    "amid cleaning": (orphans, "_remove_file", 2, False),
}


def crash(store: Store, point: str, change: str) -> None:
    """Die at a chosen point of a change."""
    owner, name, nth, before = CRASH_POINTS[point]
    original = getattr(owner, name)
    calls = 0

    def dying(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if before and calls == nth:
            os._exit(9)
        result = original(*args, **options)
        if calls == nth:
            os._exit(9)
        return result

    setattr(owner, name, dying)
    {"write": write_all_at_once, "undo": Store.undo, "gc": Store.gc}[change](store)
    sys.exit("the point was not reached")


def relabel(store: Store, enough: Path) -> None:
    """Keep both tables in step: with every failure, each sample gets its number as label."""
    for turn in itertools.count():
        if enough.exists():
            break
        with store.operation("turn") as op:
            op.insert(sample_rows(turn, turn + 1))
            op.record_failures([Failure(f"{turn}.jpg", "is empty")])
            ids = [sample_id(number) for number in range(turn + 1)]
            op.set_marks(ids, {"label": [f"turn {turn}"] * len(ids)})
    print("done", flush=True)


ROLES: dict[str, Callable[..., None]] = {
    "insert-same-keys": lambda store, go, *rest: insert_same_keys(store, Path(go), *rest),
    "take-steps": take_steps,
    "crash": crash,
    "relabel": lambda store, enough: relabel(store, Path(enough)),
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](Store.open(sys.argv[2]), *sys.argv[3:])
