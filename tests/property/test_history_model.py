"""Undo, redo and checkout in any order give the states that a plain model gives."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.dataset.store import Store
from tamis.errors import UsageError

STEPS = st.lists(
    st.one_of(
        st.just(("write", 0)),
        st.just(("undo", 0)),
        st.just(("redo", 0)),
        st.just(("tag", 0)),
        st.tuples(st.just("checkout"), st.integers(0, 99)),
    ),
    max_size=12,
)


class Model:
    """A state is the set of samples; `way` is how it came about, `left` what undos left."""

    def __init__(self) -> None:
        self.now: frozenset[str] = frozenset()
        self.way: list[frozenset[str]] = []
        self.left: list[tuple[frozenset[str], list[frozenset[str]]]] = []
        self.states = [self.now]
        self.made = 0

    def step(self, what: str, to: int) -> bool:
        """Do one step; False where it has to be refused."""
        if what == "write":
            self.way, self.left = [*self.way, self.now], []
            self.now |= {f"{self.made:032x}"}
        elif what == "undo":
            if not self.way:
                return False
            self.left.append((self.now, self.way))
            self.now, self.way = self.way[-1], self.way[:-1]
        elif what == "redo":
            if not self.left:
                return False
            self.now, self.way = self.left.pop()
        elif what == "checkout":
            meant = self.states[to % len(self.states)]
            if meant == self.now:
                return False
            self.way, self.left = [*self.way, self.now], []
            self.now = meant
        self.states.append(self.now)
        self.made += what == "write"
        return True


def take(store: Store, model: Model, what: str, to: int) -> None:
    if what == "write":
        with store.operation("add") as op:
            op.insert(pa.table({"sample_id": [f"{model.made:032x}"]}))
    elif what == "undo":
        store.undo()
    elif what == "redo":
        store.redo()
    elif what == "tag":
        store.tag(f"t{len(model.states)}")
    else:
        store.checkout(to % len(model.states) + 1)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_states_are_those_of_the_model(tmp_path_factory, steps):
    store = Store.create(tmp_path_factory.mktemp("history") / "d.tamis")
    model = Model()
    for what, to in steps:
        before = store.snapshot
        probe = Model()
        probe.__dict__.update(
            {**vars(model), "left": list(model.left), "states": list(model.states)}
        )
        if probe.step(what, to):
            take(store, model, what, to)
            model.step(what, to)
        else:
            with pytest.raises(UsageError):
                take(store, model, what, to)
            assert store.snapshot == before
        assert set(store.read(["sample_id"])["sample_id"].to_pylist()) == model.now
    standing = [one for one in store.log() if one.verb == "add" and one.state == "done"]
    assert len(standing) == len(model.now)
