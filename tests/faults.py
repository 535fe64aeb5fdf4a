"""Faults of machines, injected into a dataset in this process, and what became of it.

A kill is a copy of the dataset's folder at the moment of a write, a rename or a commit: what the
disk holds when the process is gone. A power cut is the same copy without what was not forced to
disk. All is drawn from a seed.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa

from object_server import quick_object_client, running_object_server
from sample_rows import sample_id, sample_ids, sample_rows, sample_vectors
from tamis.dataset import snapshots
from tamis.dataset.consistency import find_disagreements
from tamis.dataset.copies import Copy
from tamis.dataset.copying import pull_dataset, push_dataset
from tamis.dataset.fragments import TableVersion
from tamis.dataset.repair import repair
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage
from tamis.errors import TamisError
from tamis.sources.objects.address import ObjectAddress
from tamis.types import Failure

STEPS = {
    os: ("fsync", "link"),
    Path: ("replace", "rename", "unlink", "mkdir"),
    TableVersion: (
        *("create", "append", "add_null_columns", "update_columns", "without", "restored"),
        *("merged", "index_vectors"),
    ),
}
"""What a dataset writes by: every call is a moment at which a process may die or be refused."""

TIME = pa.timestamp("us", tz="UTC")


class FaultFoundError(AssertionError):
    """A fault did harm."""


@dataclass
class Steps:
    """The calls of `STEPS`, each seen before and after.

    Attributes:
        at: called with the name and number of each moment.
        names: what was called.
    """

    at: object
    names: list[str] = field(default_factory=list)
    synced: set[tuple[int, int, int]] = field(default_factory=set)

    @contextmanager
    def watched(self):
        saved = [
            (owner, name, owner.__dict__[name]) for owner, names in STEPS.items() for name in names
        ]
        try:
            for owner, name, was in saved:
                setattr(owner, name, self._wrapped(name, was))
            yield self
        finally:
            for owner, name, was in saved:
                setattr(owner, name, was)

    def _wrapped(self, name, was):
        plain = was.__func__ if isinstance(was, classmethod) else was

        def call(*args, **options):
            self._moment(f"before {name}")
            result = plain(*args, **options)
            if name == "fsync":
                told = os.fstat(args[0])
                self.synced.add((told.st_ino, told.st_size, told.st_mtime_ns))
            self._moment(f"after {name}")
            return result

        return classmethod(call) if isinstance(was, classmethod) else call

    def _moment(self, name):
        self.names.append(name)
        self.at(name, len(self.names) - 1)


# What is done


def annotations(numbers, turn):
    numbers = list(numbers)
    return pa.table(
        {
            "annotation_id": [f"{turn:016x}{number:016x}" for number in numbers],
            "sample_id": [sample_id(number) for number in numbers],
            "layer": ["label"] * len(numbers),
            "kind": ["class"] * len(numbers),
            "time": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * len(numbers), TIME),
        }
    )


def new_dataset(path):
    store = Store.create(path)
    with store.operation("add") as op:
        op.insert(sample_rows(0, 6))
    add_vectors(store, range(6))
    with store.operation("label") as op:
        op.add_annotations(annotations(range(3), 0))
        op.set_marks(sample_ids(0, 2), {"label": ["owl", "wren"]})
    return store


def add_vectors(store, numbers):
    numbers = [number for number in numbers if number < store.count()]
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "feedc0de99", 8)
        vectors = sample_vectors(0, max(numbers) + 1)[numbers]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        op.set_vectors(column, [sample_id(number) for number in numbers], vectors)


def act(store, rng, turn):
    """Do one thing that writes, whichever chance chooses, and return its name."""
    count = store.count()
    kind = rng.choice(["insert", "mark", "embed", "annotate", "fail", "undo", "tag", "gc", "mix"])
    if kind == "embed":
        add_vectors(store, rng.sample(range(count), min(3, count)))
    elif kind == "undo" and len([e for e in store.log() if e.state == "done"]) > 6:
        store.undo()
    elif kind == "tag":
        store.tag(f"tag-{turn}-{rng.randrange(10**9)}")
    elif kind == "gc":
        store.gc()
    else:
        with store.operation(kind) as op:
            if kind in ("insert", "mix", "undo"):
                op.insert(sample_rows(count, count + rng.randint(1, 4)))
            if kind in ("mark", "mix"):
                some = rng.sample(range(count), min(3, count))
                op.set_marks([sample_id(n) for n in some], {"label": [f"bird {turn}"] * len(some)})
            if kind == "annotate":
                op.add_annotations(annotations(range(min(count, 3)), turn + 1))
            if kind in ("fail", "mix"):
                op.record_failures([Failure(f"bad {turn}.jpg", "damaged", "pictures")])
    return kind


def visible(path):
    """Return all that a reader sees, of a dataset that is opened anew."""
    store = Store.open(path)
    rows = store.read(store.columns()).sort_by("sample_id")
    failures = store.failures().select(["path", "reason"])
    return rows, failures, store.annotations().sort_by("annotation_id")


def same(one, other):
    return all(a.equals(b) for a, b in zip(one, other, strict=True))


# What goes wrong


def frozen_at_each_step(store, act_once, folder, *, power_cut):
    """Do something once, and return a copy of the dataset as of each moment of it."""
    copies = []

    def freeze(name, number):
        target = folder / f"{number:04d}"
        shutil.copytree(store.path, target, symlinks=True)
        if power_cut:
            lose_what_was_not_forced(store.path, target, steps.synced)
        copies.append((name, target))

    steps = Steps(freeze)
    before_all = known_to_disk(store.path)
    steps.synced |= before_all
    with steps.watched():
        act_once()
    return copies


def known_to_disk(path):
    stats = [file.stat() for file in path.rglob("*") if file.is_file()]
    return {(told.st_ino, told.st_size, told.st_mtime_ns) for told in stats}


def lose_what_was_not_forced(path, target, synced):
    """Empty the files of a copy whose bytes a loss of power would take."""
    for file in path.rglob("*"):
        if not file.is_file():
            continue
        told = file.stat()
        if (told.st_ino, told.st_size, told.st_mtime_ns) not in synced:
            lost = target / file.relative_to(path)
            if lost.is_file():
                lost.write_bytes(b"")


REFUSALS = {
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "no permission": PermissionError(errno.EACCES, "Permission denied"),
    "disk error": OSError(errno.EIO, "Input/output error"),
}


@contextmanager
def refused(reason, at, count=1):
    """Let the moment `at`, and the `count - 1` after it, be refused by the system."""

    def refuse(name, number):
        if at <= number < at + count and name.startswith("before"):
            error = REFUSALS[reason]
            raise type(error)(*error.args)

    steps = Steps(refuse)
    with steps.watched():
        yield steps


def damage(rng, path):
    """Damage one file of a dataset that a snapshot needs, and return its name and how."""
    from tamis.dataset.layout import Layout
    from tamis.dataset.snapshots import SnapshotChain
    from tamis.dataset.wholeness import named_files

    layout = Layout(path)
    name = rng.choice(sorted(named_files(layout, SnapshotChain(layout.log).all())))
    file = path / name
    data = bytearray(file.read_bytes())
    how = rng.choice(["bit flip", "truncation", "loss"])
    if how == "bit flip":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
    elif how == "truncation":
        file.write_bytes(data[: rng.randrange(len(data))])
    else:
        file.unlink()
    return name, how


# What is made sure of


def require_whole(path, before, after, what):
    """Make sure that a dataset shows one of two states, is undamaged, and can go on."""
    now = visible(path)
    outcome = "after" if same(now, after) else "before" if same(now, before) else None
    if outcome is None:
        raise FaultFoundError(f"{what}: neither the state before nor the one after")
    # what a loss of power tore, and no snapshot names, may be said until it is removed
    if found := [said for said in find_damage(path) if "tamis gc" not in said[1]]:
        raise FaultFoundError(f"{what}: {found[0]}")
    store = Store.open(path)
    if found := find_disagreements(store):
        raise FaultFoundError(f"{what}: {found[0]}")
    store.gc()
    if found := find_damage(path):
        raise FaultFoundError(f"{what}: after gc: {found[0]}")
    with store.operation("label") as op:
        op.set_marks([sample_id(0)], {"label": ["after all"]})
    store.undo()
    if not same(visible(path), now):
        raise FaultFoundError(f"{what}: it does not go on from there")
    return outcome


def require_sentence(error, what):
    text = str(error)
    if not isinstance(error, TamisError) or "\n" in text or not 20 < len(text) < 600:
        raise FaultFoundError(f"{what}: no sentence: {error!r}")


def kills(rng, folder, *, power_cut=False, most=None):
    """Kill one act of a dataset at each of its moments, or at `most` of them."""
    store = new_dataset(folder / "birds.tamis")
    for turn in range(rng.randint(0, 3)):
        act(store, rng, turn)
    before = visible(store.path)
    done = []
    copies = frozen_at_each_step(
        store, lambda: done.append(act(store, rng, 99)), folder, power_cut=power_cut
    )
    after = visible(store.path)
    outcomes = Counter()
    for name, path in copies if most is None else rng.sample(copies, min(most, len(copies))):
        outcomes[require_whole(path, before, after, f"killed {name} of {done[0]}")] += 1
    return outcomes


def refusals(rng, folder):
    """Let the system refuse one moment of an act."""
    store = new_dataset(folder / "birds.tamis")
    for turn in range(rng.randint(0, 2)):
        act(store, rng, turn)
    before = visible(store.path)
    reason = rng.choice(sorted(REFUSALS))
    what = f"{reason} in {store.path.name}"
    state = rng.getstate()
    try:
        with refused(reason, rng.randrange(24), rng.choice([1, 1, 1, 1000])):
            act(store, random.Random(rng.randrange(2**32)), 99)
    except TamisError as error:
        require_sentence(error, what)
        outcome = "a sentence"
    else:
        outcome = "not met"
    rng.setstate(state)
    now = visible(store.path)
    if outcome == "a sentence" and not same(now, before):
        outcome = "a sentence, and committed"
    require_whole(store.path, before, now, what)
    return Counter({outcome: 1})


def damages(rng, folder):
    """Damage a file, and see that it is noticed and never shown as if it were right."""
    store = new_dataset(folder / "birds.tamis")
    for turn in range(rng.randint(0, 3)):
        act(store, rng, turn)
    right = visible(store.path)
    newest = max((store.path / "log").glob("*.json")).name
    name, how = damage(rng, store.path)
    what = f"{how} of {name}"
    if how == "loss" and name == f"log/{newest}":
        # nothing can tell it from a writer that died just before its commit
        return Counter({"newest log entry lost, as if never made": 1})
    if not find_damage(store.path):
        try:
            seen = visible(store.path)
        except TamisError:
            raise FaultFoundError(f"{what}: not noticed") from None
        if how != "loss" or not same(seen, right):
            raise FaultFoundError(f"{what}: not noticed")
    try:
        seen = visible(store.path)
        outcome = "noticed, still right" if same(seen, right) else "noticed, shows it"
    except TamisError as error:
        require_sentence(error, what)
        outcome = "noticed, refused by a sentence"
    try:
        mended = repair(Store.open(store.path))
        if mended and not find_damage(store.path):
            outcome += ", mended"
    except TamisError as error:
        require_sentence(error, what)
    return Counter({outcome: 1})


def networks(rng, folder):
    """Push and pull while the server is busy, breaks off, or goes away."""
    store = new_dataset(folder / "birds.tamis")
    with running_object_server() as server, quick_object_client(server):
        copy = Copy(ObjectAddress.parse("s3://photos/birds.tamis"))
        push_dataset(store.path, copy)
        there = folder / "there.tamis"
        pull_dataset(copy, there)
        before = visible(there)
        for turn in range(rng.randint(1, 3)):
            act(store, rng, turn)
        after = visible(store.path)
        server.faults = lambda: rng.random() < 0.2
        server.gone_after = rng.choice([None, None, rng.randrange(40)])
        outcomes = Counter()
        for name, move in (
            ("push", lambda: push_dataset(store.path, copy)),
            ("pull", lambda: pull_dataset(copy, there)),
        ):
            try:
                move()
            except TamisError as error:
                require_sentence(error, name)
                outcomes[f"{name}: a sentence"] += 1
            else:
                outcomes[f"{name}: done"] += 1
        server.faults, server.gone_after = None, None
        require_whole(there, before, after, "network")
        push_dataset(store.path, copy)
        fresh = folder / "fresh.tamis"
        pull_dataset(copy, fresh)
        if not same(visible(fresh), visible(store.path)):
            raise FaultFoundError("network: the copy is not what was pushed")
    return outcomes


def clocks(rng, folder):
    """Let the clock jump by years, both ways, between and within acts."""

    def skewed():
        year = rng.randrange(1971, 2100)
        return datetime(year, 1, 1, tzinfo=UTC).isoformat(timespec="milliseconds")

    store = new_dataset(folder / "birds.tamis")
    with mock.patch.object(
        snapshots.Snapshot.__dataclass_fields__["time"], "default_factory", skewed
    ):
        for turn in range(4):
            act(store, rng, turn)
    now = visible(store.path)
    operations = [entry.operation for entry in store.log()]
    if operations != sorted(operations):
        raise FaultFoundError(f"clock: the log is out of order: {operations}")
    return Counter({f"state {require_whole(store.path, now, now, 'clock')}": 1})
