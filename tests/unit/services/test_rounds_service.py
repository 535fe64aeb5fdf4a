"""Rounds in a dataset: what is learned from, what is picked, what is kept, and simulations."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tamis.dataset.operations import rounds_of
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.report.collect import collect
from tamis.services.report.render import render
from tamis.services.select.contract import Select
from tamis.services.select.run import select
from tamis.verbs.feedback import SILENT, Feedback


def select_round(store, n, **options):
    return select(Workspace(store), Select(n, round=True, **options))


def simulate_rounds(store, n, feedback=SILENT, **options):
    return select(Workspace(store), Select(n, simulate=True, **options), feedback)


def scene(a_class=20, n_classes=3, spread=0.6):
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(n_classes), a_class)
    rows = rng.standard_normal((n_classes, 16))[classes]
    rows = (rows + spread * rng.standard_normal(rows.shape)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), np.array(["cat", "dog", "owl"])[
        classes
    ]


def names(rows):
    return [f"s{row:02d}" for row in rows]


def mark(store, column, rows, values):
    with store.operation("label") as op:
        op.set_marks(names(rows), {column: pa.array(values, pa.string())})


@pytest.fixture
def truth():
    return scene()[1]


@pytest.fixture
def store(tmp_path):
    """Sixty pictures of three kinds, none labeled."""
    store = Store.create(tmp_path / "a.tamis")
    X, _ = scene()
    ids = names(range(len(X)))
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": [f"{one}.jpg" for one in ids]}))
    with store.operation("embed") as op:
        column = op.add_vector_column("test:random", "0123456789abcdef", X.shape[1])
        op.set_vectors(column, ids, X)
    return store


def label(store, truth, rows):
    mark(store, "label", rows, truth[rows].tolist())


def test_rounds_follow_each_other_to_a_curve(store, truth):
    labeled = []
    for _ in range(4):
        done = select_round(store, 6)
        rows = [int(row.sample_id[1:]) for row in done.picks]
        assert not set(rows) & set(labeled)
        labeled += rows
        label(store, truth, rows)
    assert [one.labels for one in done.curve] == [0, 6, 12, 18]
    assert [one.strategy for one in done.curve] == ["max-herding"] + ["uncertainty-herding"] * 3
    assert done.curve[0].accuracy is None
    last = done.curve[-1]
    assert 0 < last.low < last.accuracy <= last.high <= 1
    alone = sum(count == 1 for count in done.labels.values())
    assert last.measured == 18 - alone
    assert sum(done.labels.values()) == 18
    assert (done.candidates, done.probe) == (42, "prototypes")
    assert rounds_of(store.log()) == done.curve
    assert done.picks[0].predicted in {"cat", "dog", "owl"}
    assert "model torn here between" in done.picks[0].reason
    store.undo()  # the labels of the last round
    store.undo()  # and the round
    assert len(rounds_of(store.log())) == 3


def test_marks_and_log_tell_the_round(store, truth):
    label(store, truth, np.arange(0, 60, 3))
    done = select_round(store, 5, strategy="margin", seed=4)
    marked = store.read(["sample_id", "selected_rank", "selected_reason"], where="selected")
    rows = sorted(marked.to_pylist(), key=lambda row: row["selected_rank"])
    assert [row["sample_id"] for row in rows] == [row.sample_id for row in done.picks]
    assert [row["selected_reason"] for row in rows] == [row.reason for row in done.picks]
    assert rows[0]["selected_reason"].startswith("model unsure between ")
    entry = store.log()[-1]
    assert (entry.verb, entry.seed) == ("select", 4)
    assert entry.options["strategy"] == "margin"
    assert entry.counts["labels"] == 20
    assert entry.counts["selected"] == 5
    assert entry.counts["accuracy"] == done.curve[-1].accuracy


@pytest.mark.parametrize(
    ("train", "test", "options"),
    [
        ("train", "test", {}),
        ("training", "validation", {}),
        ("Train", "holdout", {"test_split": "holdout"}),
        ("line 1", "line 2", {"train_split": "line 1", "test_split": "line 2"}),
    ],
)
def test_rounds_work_with_splits_of_any_names(store, truth, train, test, options):
    mark(store, "split", np.arange(60), [test if row % 2 else train for row in range(60)])
    label(store, truth, np.arange(0, 60, 6))
    label(store, truth, np.arange(1, 60, 2))
    done = select_round(store, 20, apply=False, **options)
    assert done.curve[-1].measured_on == "test split"
    assert (done.curve[-1].measured, len(done.picks)) == (30, 20)
    assert all(int(row.sample_id[1:]) % 2 == 0 for row in done.picks)
    told = [note for note in done.notes if "--train-split" in note]
    assert bool(told) == ((train, test) != ("train", "test"))
    assert all(train in note and test in note for note in told)
    found = simulate_rounds(store, 6, rounds=2, seeds=2, **options)
    assert found.test == 30


def test_splits_whose_names_tell_nothing_are_refused_with_the_option(store, truth):
    mark(store, "split", np.arange(60), ["ab"[row % 2] for row in range(60)])
    label(store, truth, np.arange(60))
    for ask in (select_round, simulate_rounds):
        with pytest.raises(UsageError, match=r"splits are a, b, and no name tells.*--train-split"):
            ask(store, 6)
        with pytest.raises(UsageError, match="no split 'c'; the splits are a, b"):
            ask(store, 6, train_split="c")
        with pytest.raises(UsageError, match="'a' is given to train and to test"):
            ask(store, 6, train_split="a", test_split="a")


def test_a_dry_run_changes_nothing(store, truth):
    label(store, truth, np.arange(0, 60, 3))
    before = store.snapshot
    assert len(select_round(store, 5, apply=False).picks) == 5
    assert store.snapshot == before


def test_a_labeled_test_split_measures_and_is_left_alone(store, truth):
    test = np.arange(0, 60, 2)
    mark(store, "split", test, ["test"] * 30)
    mark(store, "split", [1], ["val"])
    label(store, truth, np.concatenate([test, np.arange(1, 60, 6)]))
    done = select_round(store, 60)
    assert done.curve[-1].measured_on == "test split"
    assert done.curve[-1].measured == 30
    assert done.curve[-1].labels == 9  # of ten, one is in the split val
    picked = {int(row.sample_id[1:]) for row in done.picks}
    assert picked == set(range(1, 60, 2)) - set(range(1, 60, 6))
    assert not any("held-out" in note or "out of fold" in note for note in done.notes)


def test_conditions_limit_what_is_picked_not_what_is_learned_from(store, truth):
    label(store, truth, np.arange(0, 60, 3))
    done = select_round(store, 99, where="sample_id < 's20'")
    assert sum(done.labels.values()) == 20
    assert {int(row.sample_id[1:]) for row in done.picks} == set(range(20)) - set(range(0, 20, 3))


def test_another_column_of_labels_has_its_own_curve(store, truth):
    label(store, truth, np.arange(0, 60, 3))
    select_round(store, 2)
    mark(store, "fault", [0, 1, 2, 30, 31, 32], ["yes", "yes", "yes", "no", "no", "no"])
    done = select_round(store, 2, label_column="fault")
    assert [one.labels for one in done.curve] == [6]
    assert done.labels == {"no": 3, "yes": 3}
    assert [one.labels for one in select_round(store, 2).curve] == [20, 20]


def test_numbers_and_booleans_can_be_labels(store):
    with store.operation("label") as op:
        op.set_marks(names([0, 1, 40, 41]), {"good": pa.array([True, True, False, False])})
    assert select_round(store, 2, label_column="good").labels == {"false": 2, "true": 2}


def test_duplicates_are_neither_picked_nor_learned_from(store, truth):
    label(store, truth, np.arange(0, 60, 3))
    mark(store, "duplicate_of", [0, 1], ["s02", "s02"])
    done = select_round(store, 99)
    assert sum(done.labels.values()) == 19
    assert "s01" not in {row.sample_id for row in done.picks}


def test_the_order_in_which_pictures_came_does_not_matter(store, truth, tmp_path):
    X, _ = scene()
    other = Store.create(tmp_path / "b.tamis")
    order = np.random.default_rng(1).permutation(60)
    with other.operation("add") as op:
        op.insert(pa.table({"sample_id": names(order), "path": [f"{n}.jpg" for n in names(order)]}))
    with other.operation("embed") as op:
        column = op.add_vector_column("test:random", "0123456789abcdef", X.shape[1])
        op.set_vectors(column, names(order), X[order])
    for one in (store, other):
        label(one, truth, np.arange(0, 60, 3))
    a, b = (select_round(one, 6, seed=2) for one in (store, other))
    assert a.picks == b.picks
    assert a.curve == b.curve


@pytest.mark.parametrize(
    ("n", "options", "sentence"),
    [
        (0, {}, "n is 0; give at least 1"),
        (3, {"label_column": "kind_of_fault"}, "there is no column 'kind_of_fault'"),
        (3, {"label_column": "tags"}, "'tags' holds list.*cannot be labels"),
        (3, {"strategy": "margin"}, "margin needs class probabilities"),
        (3, {"strategy": "best"}, "strategy is 'best'; give default, dpp"),
    ],
)
def test_wrong_use_of_a_round_is_refused_and_changes_nothing(store, n, options, sentence):
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        select_round(store, n, **options)
    assert store.snapshot == before


def test_nothing_left_to_label_is_said(store, truth):
    label(store, truth, np.arange(60))
    with pytest.raises(UsageError, match="no picture left to label: 60 have a vector"):
        select_round(store, 3)


def test_the_report_draws_the_curve_and_the_command(store, truth):
    assert collect(store).learning_curve is None
    for rows in ([0, 1, 2, 20, 21, 22], [3, 23, 40, 41, 42]):
        label(store, truth, np.array(rows))
        select_round(store, 3)
    data = collect(store)
    assert [point.x for point in data.learning_curve.points] == [6, 11]
    assert data.steps[-1].command == "tamis select 3 --round"
    page = render(data)
    assert "Rounds of labeling" in page
    curve = page.partition('id="rounds"')[2].partition("</section>")[0]
    assert curve.count("<circle") == 2
    assert "11 labels of 3 classes" in page


def simulated(store, truth, **options):
    label(store, truth, np.arange(60))
    return simulate_rounds(store, 12, rounds=2, seeds=3, **options)


def test_a_simulation_compares_with_random_and_changes_nothing(store, truth):
    label(store, truth, np.arange(60))
    before = store.snapshot
    told = []
    feedback = Feedback.to(lambda done, total: told.append((done, total)))
    found = simulate_rounds(store, 12, feedback, rounds=2, seeds=3)
    assert store.snapshot == before
    assert told == [(done, 12) for done in range(13)]
    assert [curve.strategy for curve in found.curves] == ["random", "schedule"]
    assert (found.pool, found.test, found.classes, found.seeds) == (42, 18, 3, 3)
    for curve in found.curves:
        assert [point.labels for point in curve.points] == [6, 12]
        for point in curve.points:
            assert point.accuracy.low <= point.accuracy.value <= point.accuracy.high
    random, schedule = found.curves
    assert random.points[0].gain.value == random.points[0].gain.high == 0
    gain = schedule.points[0].accuracy.value - random.points[0].accuracy.value
    assert schedule.points[0].gain.value == pytest.approx(gain)
    assert schedule.picked_by == ["max-herding", "uncertainty-herding"]
    assert simulate_rounds(store, 12, rounds=2, seeds=3) == found


def test_a_gain_is_what_a_strategy_is_better_by(store, truth):
    """Of three picks at random, two are often of one kind, and another kind is never guessed."""
    label(store, truth, np.arange(60))
    random, schedule = simulate_rounds(store, 3, rounds=1, seeds=6).curves
    gain = schedule.points[0].accuracy.value - random.points[0].accuracy.value
    assert gain > 0.05
    assert schedule.points[0].gain.value == pytest.approx(gain)
    assert schedule.points[0].gain.low < gain < schedule.points[0].gain.high


def test_near_duplicates_of_test_pictures_are_left_out(store, truth):
    mark(store, "split", np.arange(0, 60, 4), ["test"] * 15)
    mark(store, "duplicate_group", [0, 1, 2], ["g", "g", "g"])
    found = simulated(store, truth)
    assert found.left_out == 2
    assert found.test == 15
    assert found.pool == round(0.7 * 43)


def test_mixes_are_strategies_too(store, truth):
    found = simulated(store, truth, strategy="k-center", against={"k-means": 0.5, "random": 0.5})
    assert [one.strategy for one in found.curves][1:] == ["k-center", "k-means:0.5,random:0.5"]


@pytest.mark.parametrize(
    ("budget", "options", "sentence"),
    [
        (12, {"rounds": 13}, "n is 12; give at least a label for each of 13 rounds"),
        (12, {"seeds": 0}, "seeds is 0; give at least 1"),
        (12, {"against": ["best"]}, "against is .*; give default, .* schedule"),
        (50, {}, "budget of 50 labels is more than the 42 pictures"),
        (12, {"where": "sample_id < 's10'"}, "two classes or more; 10 have"),
    ],
)
def test_wrong_use_of_a_simulation_is_refused(store, truth, budget, options, sentence):
    label(store, truth, np.arange(60))
    with pytest.raises(UsageError, match=sentence):
        simulate_rounds(store, budget, **{"seeds": 2, **options})


def test_pictures_that_are_all_alike_cannot_be_simulated(store, truth):
    label(store, truth, np.arange(60))
    with store.operation("embed") as op:
        op.set_vectors(
            store.vector_columns()[0].name, names(range(60)), np.ones((60, 16), np.float32) / 4
        )
    with pytest.raises(UsageError, match="60 of 60 pictures are joined as near-duplicates"):
        simulate_rounds(store, 4, rounds=2, seeds=2)


def test_a_domain_in_which_all_looks_alike_can_be_simulated(tmp_path):
    """A fixed cosine would join all its pictures; how alike they are is told by the vectors."""
    rng = np.random.default_rng(0)
    X = np.concatenate([np.full((150, 1), 5.0), rng.standard_normal((150, 16)) / 8], axis=1)
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    assert (X @ X.T).min() > 0.95
    store = Store.create(tmp_path / "alike.tamis")
    ids = [f"s{row:03d}" for row in range(150)]
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": [f"{one}.jpg" for one in ids]}))
        op.set_marks(ids, {"label": pa.array(["flaw", "whole"] * 75)})
    with store.operation("embed") as op:
        op.set_vectors(op.add_vector_column("test:alike", "0" * 16, 17), ids, X)
    found = simulate_rounds(store, 8, rounds=2, seeds=2)
    assert found.pool + found.test == 150
    assert found.pool >= 90
