"""Whatever is done to a dataset, reading gives what a plain-Python model of it holds."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from examples import few
from sample_rows import sample_id, sample_rows, sample_vectors
from tamis.dataset import compaction, pruning
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.types import Failure

DIM = 3
MARKS = {
    "label": (pa.string(), st.none() | st.sampled_from(["a", "b", "it's", ""])),
    "tags": (pa.list_(pa.string()), st.none() | st.lists(st.sampled_from(["x", "y"]), max_size=2)),
    "selected": (pa.bool_(), st.none() | st.booleans()),
    "rank": (pa.int32(), st.none() | st.integers(-5, 5)),
}
FIRST_COLUMNS = 24

numbers = st.integers(0, 60)
picks = st.lists(st.integers(0, 10_000), max_size=12)


@dataclass
class Model:
    """A dataset in plain Python; rows by number, in the order of their insertion."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def copy(self) -> Model:
        rows = {number: dict(row) for number, row in self.rows.items()}
        return Model(rows, set(self.columns), list(self.failures))


class StoreMachine(RuleBasedStateMachine):
    """Two stores at one dataset, changed in turns and compared with the model."""

    @initialize()
    def create(self) -> None:
        # Merging fragments is rare by default; here it has to happen all the time.
        self.often = patch.object(compaction, "_MERGE_AT", 3)
        self.often.start()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "birds.tamis"
        self.stores = [Store.create(path), Store.open(path)]
        self.column = "vector_small_feedc0de"
        self.model = Model()
        self.past: list[Model] = []
        self.snapshots: dict[int, Model] = {1: Model()}

    def teardown(self) -> None:
        self.often.stop()
        self.folder.cleanup()

    def committed(self, store: Store) -> None:
        self.snapshots[store.snapshot] = self.model.copy()

    def chosen(self, picked: list[int]) -> list[int]:
        known = list(self.model.rows)
        return [known[pick % len(known)] for pick in picked] if known else []

    # What one operation does

    def insert(self, op: Any, start: int, count: int) -> None:
        op.insert(sample_rows(start, start + count))
        for number in range(start, start + count):
            self.model.rows.setdefault(number, {})

    def mark(self, op: Any, data: st.DataObject, picked: list[int]) -> None:
        name = data.draw(st.sampled_from([*MARKS]))
        kind, values = MARKS[name]
        chosen = self.chosen(picked)
        drawn = [data.draw(values) for _ in chosen]
        op.set_marks([sample_id(n) for n in chosen], {name: pa.array(drawn, kind)})
        self.model.columns.add(name)
        for number, value in zip(chosen, drawn, strict=True):
            self.model.rows[number][name] = value

    def embed(self, op: Any, picked: list[int], shift: int) -> None:
        column = op.add_vector_column("small", "feedc0de", DIM)
        assert column == self.column
        self.model.columns.add(column)
        chosen = self.chosen(picked)
        vectors = sample_vectors(0, 200, DIM)[chosen] + np.float32(shift)
        op.set_vectors(column, [sample_id(n) for n in chosen], vectors)
        for number, vector in zip(chosen, vectors, strict=True):
            self.model.rows[number][column] = vector.tolist()
        failed = chosen[:1]
        op.set_errors(column, [sample_id(n) for n in failed], [f"error {shift}" for _ in failed])
        for number in failed:
            self.model.rows[number]["error_small_feedc0de"] = f"error {shift}"

    def fail(self, op: Any, number: int) -> None:
        path = f"{number % 7}.jpg"
        op.record_failures([Failure(path, "is empty")])
        if path not in self.model.failures:
            self.model.failures.append(path)

    # Rules

    @rule(
        data=st.data(),
        which=st.integers(0, 1),
        changes=st.lists(st.sampled_from("iimmvf"), max_size=4),
        start=numbers,
        count=st.integers(0, 40),
        picked=picks,
        checkpoint=st.booleans(),
    )
    def operation(
        self,
        *,
        data: st.DataObject,
        which: int,
        changes: list[str],
        start: int,
        count: int,
        picked: list[int],
        checkpoint: bool,
    ) -> None:
        self.past.append(self.model.copy())
        store = self.stores[which]
        with store.operation("change") as op:
            for change in changes:
                if change == "i":
                    self.insert(op, start, count)
                elif change == "m":
                    self.mark(op, data, picked)
                elif change == "v":
                    self.embed(op, picked, start)
                else:
                    self.fail(op, start)
                if checkpoint:
                    op.checkpoint()
                    self.committed(store)
        self.committed(store)

    @rule(which=st.integers(0, 1), start=numbers, picked=picks)
    def interrupted(self, which: int, start: int, picked: list[int]) -> None:
        """What was staged after the last checkpoint never happened."""
        store = self.stores[which]
        before = self.model.copy()
        try:
            with store.operation("change") as op:
                self.insert(op, start, 5)
                op.checkpoint()
                self.committed(store)
                after = self.model.copy()
                self.embed(op, picked, start)
                self.fail(op, start)
                raise InterruptedError
        except InterruptedError:
            self.model = after
        self.past.append(before)

    @rule(which=st.integers(0, 1))
    def prune(self, which: int) -> None:
        """What may go depends on the log alone; all that may not stays as the model has it."""
        store = self.stores[which]
        with patch.object(pruning, "KEPT_OPERATIONS", 2):
            gone, freed = store.prune(0)
        self.committed(store)
        assert (freed.bytes > 0) >= (freed.files > 0)
        there = {s.snapshot for s in pruning.readable(store._chain.all())}
        assert max(self.snapshots) in there
        assert {*gone}.isdisjoint({max(self.snapshots)})
        self.snapshots = {n: model for n, model in self.snapshots.items() if n in there}

    @precondition(lambda self: self.past)
    @rule(which=st.integers(0, 1))
    def undo(self, which: int) -> None:
        try:
            self.stores[which].undo()
        except UsageError as error:
            if "were pruned" not in str(error):
                raise
            self.past.clear()
            return
        self.model = self.past.pop()
        self.committed(self.stores[which])

    @rule()
    def clean_up(self) -> None:
        assert self.stores[0].gc().files == 0

    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        snapshot = data.draw(st.sampled_from(sorted(self.snapshots)))
        older = Store.open(self.stores[0].path, snapshot=snapshot)
        self.compare(older, self.snapshots[snapshot])

    @rule(data=st.data())
    def compare_two_snapshots(self, data: st.DataObject) -> None:
        a, b = (data.draw(st.sampled_from(sorted(self.snapshots))) for _ in range(2))
        old, new = self.snapshots[a], self.snapshots[b]
        diff = self.stores[0].diff(a, b)
        assert diff.added == [sample_id(n) for n in new.rows if n not in old.rows]
        assert diff.removed == [sample_id(n) for n in old.rows if n not in new.rows]
        both = old.rows.keys() & new.rows.keys()
        names = {name for n in both for name in (*old.rows[n], *new.rows[n])}
        counts = {
            name: sum(old.rows[n].get(name) != new.rows[n].get(name) for n in both)
            for name in names
        }
        assert diff.changed == {name: count for name, count in counts.items() if count}

    @invariant()
    def reading_equals_the_model(self) -> None:
        if not hasattr(self, "stores"):
            return
        for store in self.stores:
            store.refresh()
            self.compare(store, self.model)

    def compare(self, store: Store, model: Model) -> None:
        ids = [sample_id(number) for number in model.rows]
        columns = store.columns()
        assert set(columns) - {*columns[:FIRST_COLUMNS], "error_small_feedc0de"} == (
            model.columns - {"label", "tags"}
        )
        rows = store.read(columns)
        assert rows["sample_id"].to_pylist() == ids
        assert rows["width"].to_pylist() == [*model.rows]
        for name in columns[FIRST_COLUMNS - 3 :]:
            assert rows[name].to_pylist() == [row.get(name) for row in model.rows.values()], name
        assert store.count() == len(model.rows)
        assert store.count("label = 'it''s'") == sum(
            row.get("label") == "it's" for row in model.rows.values()
        )
        assert store.failures()["path"].to_pylist() == model.failures
        if self.column in columns:
            found, vectors = store.vectors(self.column)
            expected = {
                sample_id(n): r[self.column] for n, r in model.rows.items() if self.column in r
            }
            assert dict(zip(found, vectors.tolist(), strict=True)) == expected
            assert found == [*expected]
        some = ids[::-3]
        assert store.read(["sample_id"], ids=some)["sample_id"].to_pylist() == some


TestStoreModel = StoreMachine.TestCase
TestStoreModel.settings = few(
    8,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
