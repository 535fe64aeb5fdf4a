"""Selecting in a dataset: marks, conditions, reasons, independence of the order of samples."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tamis.dataset.samples import Samples
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.scores.contract import Scores
from tamis.services.scores.run import scores
from tamis.services.select import run
from tamis.services.select.contract import Select
from tamis.verbs.feedback import Feedback


def select(store, n, **options):
    return run.select(Workspace(store), Select(n, **options))


def score(store, **options):
    return scores(Workspace(store), Scores(**options))


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scene(seed=0):
    """Five clusters of twelve pictures, then four that are like nothing else."""
    rng = np.random.default_rng(seed)
    middle = np.repeat(unit(rng.standard_normal((5, 24))), 12, axis=0)
    rows = np.concatenate(
        [middle + 0.03 * rng.standard_normal((60, 24)), rng.standard_normal((4, 24))]
    )
    return unit(rows)


def fill(store, vectors, order=None, without=()):
    """Add samples s00, s01 ... with their vectors, in the given order."""
    order = range(len(vectors)) if order is None else order
    ids = [f"s{row:02d}" for row in order]
    embedded = [row for row in order if row not in without]
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": [f"{name}.jpg" for name in ids]}))
    with store.operation("embed") as op:
        column = op.add_vector_column("test:random", "0123456789abcdef", vectors.shape[1])
        op.set_vectors(column, [f"s{row:02d}" for row in embedded], vectors[embedded])
    return column


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "a.tamis")
    fill(store, scene())
    return store


def marked(store):
    return store.read(
        ["sample_id", "selected", "selected_rank", "selected_reason"], where="selected"
    ).to_pylist()


def test_picks_carry_path_reason_and_score(store):
    chosen = select(store, 9, diverse=0.4)
    assert [row.path for row in chosen.picks] == [f"{row.sample_id}.jpg" for row in chosen.picks]
    assert sorted(int(row.sample_id[1:]) // 12 for row in chosen.picks[:5]) == list(range(5))
    assert {row.sample_id for row in chosen.picks[5:]} == {"s60", "s61", "s62", "s63"}
    assert chosen.picks[0].reason == "represents 12 pictures"
    for row in chosen.picks[5:]:
        assert row.reason == (
            f"farthest from all picked before it, cosine distance {row.score:.3f}; an outlier"
        )
    assert (chosen.candidates, chosen.represented, chosen.outliers_taken) == (64, 64, 4)
    assert chosen.coverage.picked.mean_similarity > chosen.coverage.random.mean_similarity
    assert (chosen.neighbors, chosen.recall) == ("exact", 1.0)


def test_marks_are_set_logged_and_undone(store):
    chosen = select(store, 5, seed=3)
    rows = sorted(marked(store), key=lambda row: row["selected_rank"])
    assert [row["sample_id"] for row in rows] == [row.sample_id for row in chosen.picks]
    assert [row["selected_rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["selected_reason"] for row in rows] == [row.reason for row in chosen.picks]
    entry = store.log()[-1]
    assert (entry.verb, entry.seed, entry.counts["selected"]) == ("select", 3, 5)
    assert entry.options["n"] == 5
    store.undo()
    assert "selected" not in store.columns() or not marked(store)


def test_a_selection_replaces_the_one_before(store):
    select(store, 12)
    later = select(store, 3, where="sample_id >= 's60'")
    assert {row["sample_id"] for row in marked(store)} == {row.sample_id for row in later.picks}
    assert store.count("selected_rank IS NOT NULL") == 3
    assert store.count("selected_reason IS NOT NULL") == 3


def test_a_dry_run_changes_nothing(store):
    before = store.snapshot
    select(store, 5, apply=False)
    assert store.snapshot == before


def test_duplicates_are_left_out(store):
    with store.operation("duplicates") as op:
        copies = [f"s{row:02d}" for row in range(1, 10)]
        op.set_marks(copies, {"duplicate_of": ["s00"] * 9})
    assert select(store, 99).candidates == 55
    assert not {row.sample_id for row in select(store, 99).picks} & set(copies)
    first = select(store, 9, where="sample_id < 's20'")
    assert first.represented == 11


def test_conditions_limit_what_is_picked_and_represented(store):
    chosen = select(store, 99, where="sample_id < 's05'")
    assert {row.sample_id for row in chosen.picks} == {f"s0{row}" for row in range(5)}
    assert chosen.represented == 5


def test_labeled_pictures_represent_but_are_not_picked(store):
    with store.operation("label") as op:
        named = [f"s{row:02d}" for row in range(48)]
        op.set_marks(named, {"label": ["known"] * 48})
    chosen = select(store, 1, labeled="label IS NOT NULL", diverse=0)
    assert int(chosen.picks[0].sample_id[1:]) // 12 == 4
    assert (chosen.candidates, chosen.represented) == (16, 64)
    both = select(store, 99, where="label IS NULL", labeled="label IS NOT NULL")
    assert (both.candidates, both.represented) == (16, 64)
    with pytest.raises(UsageError, match=r"no picture to select from.*48 of them labeled"):
        select(store, 1, where="label IS NOT NULL", labeled="label IS NOT NULL")


def test_the_order_in_which_pictures_came_does_not_matter(store, tmp_path):
    other = Store.create(tmp_path / "b.tamis")
    fill(other, scene(), order=np.random.default_rng(1).permutation(64).tolist())
    for strategy in ("default", "random"):
        a = select(store, 12, strategy=strategy, seed=2)
        b = select(other, 12, strategy=strategy, seed=2)
        assert a.picks == b.picks
        assert a.coverage == b.coverage


def test_pictures_without_a_vector_take_no_part(tmp_path):
    store = Store.create(tmp_path / "c.tamis")
    fill(store, scene(), without={0, 1, 2})
    assert select(store, 99).candidates == 61


@pytest.mark.parametrize(
    ("n", "options", "sentence"),
    [
        (0, {}, "n is 0; give at least 1"),
        (3, {"diverse": -1}, "diverse is -1; give a value from 0 to 1"),
        (3, {"strategy": "best"}, "strategy is 'best'; give default, dpp"),
        (3, {"encoder": "path"}, "no vectors of 'path'"),
        (3, {"where": "sample_id = 'x'"}, "no picture to select from: 0 have a vector"),
        (3, {"where": "no_such = 1"}, "no_such"),
        (3, {"quotas": "label=cat"}, "'label=cat' is no quota"),
        (3, {"strategy": "schedule"}, "schedule is for rounds"),
        (3, {"rounds": 3}, "rounds means nothing without simulate"),
        (3, {"label_column": "kind"}, "label column means nothing without round or simulate"),
        (3, {"round": True, "diverse": 0.5}, "diverse means nothing with round"),
        (3, {"simulate": True, "forbid": "selected"}, "forbid means nothing with simulate"),
        (3, {"round": True, "simulate": True}, "both round and simulate"),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(store, n, options, sentence):
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        select(store, n, **options)
    assert store.snapshot == before


def test_a_dataset_without_vectors_says_what_to_do(tmp_path):
    with pytest.raises(UsageError, match="no vectors yet; run  tamis embed  first"):
        select(Store.create(tmp_path / "empty.tamis"), 3)


def test_the_first_vector_column_is_taken_by_default(store):
    with store.operation("embed") as op:
        sparse = op.add_vector_column("test:other", "fedcba9876543210", 2)
        op.set_vectors(sparse, ["s05", "s01"], np.eye(2, dtype=np.float32))
    assert select(store, 2, apply=False).represented == 64
    few = Samples(store).of().vectors(sparse)
    assert few.ids == ["s01", "s05"]
    assert few.vectors.tolist() == [[0, 1], [1, 0]]


def test_progress_is_told(store):
    told = []
    feedback = Feedback.to(lambda done, total: told.append((done, total)))
    run.select(Workspace(store), Select(4, apply=False), feedback)
    assert told[0] == (0, 4)
    assert told[-1] == (4, 4)


def label(store, rows, name):
    with store.operation("label") as op:
        op.set_marks([f"s{row:02d}" for row in rows], {"label": [name] * len(rows)})


@pytest.fixture
def named(store):
    label(store, range(12), "cat")
    label(store, range(12, 36), "dog")
    label(store, range(36, 60), "cow")
    return store


def counted(store, chosen):
    ids = [row.sample_id for row in chosen.picks]
    labels = store.read(["label"], ids=ids).column("label").to_pylist()
    return {name: labels.count(name) for name in ("cat", "dog", "cow", None)}


@pytest.mark.parametrize(
    ("quotas", "counts"),
    [
        (["label=cat:5"], {"cat": {5}}),
        (["label=*:equal"], {"cat": {4}, "cow": {3}, "dog": {3}, None: {0}}),
        (["label=*:proportional"], {"cat": {2}, "cow": {4}, "dog": {4}, None: {0}}),
        (
            ["label=cat:50%", "label=dog:25%", "label=NULL:25%"],
            {"cat": {5}, "cow": {0}, "dog": {2}, None: {3}},
        ),
        (["label=cat:..1", "label=*:2.."], {"cat": {0, 1}, "cow": set(range(2, 9))}),
        (["label=cat:0", "label=dog:0", "label=cow:0..6"], {"cow": {6}, None: {4}}),
    ],
)
def test_quotas_are_met(named, quotas, counts):
    for strategy in ("default", "random", "k-means"):
        found = counted(named, select(named, 10, strategy=strategy, quotas=quotas, apply=False))
        assert sum(found.values()) == 10
        assert all(found[name] in allowed for name, allowed in counts.items()), found


@pytest.mark.parametrize(
    ("quotas", "options", "sentence"),
    [
        (["label=cat:20"], {"n": 30}, r"quota of label=cat cannot be met: at least 20.*12 can be"),
        (["label=owl:1"], {}, r"quota of label=owl cannot be met: at least 1.*0 can be"),
        (["label=cat:6", "label=dog:6"], {}, r"ask for 12 picks \(label=cat 6, label=dog 6\)"),
        (["label=*:..1", "label=NULL:0"], {}, "leave room for 3 .at most: label=NULL 0, "),
        (["label=cat:..1"], {"include": "label = 'cat'", "n": 20}, "at most 1 .* 12 are to be"),
        (["cat:5"], {}, "'cat:5' is no quota; write COLUMN=VALUE:AMOUNT"),
        (["label=cat:x"], {}, "'label=cat:x' is no quota"),
        (["label=cat:5..2"], {}, "least above its most"),
        (["label=cat:1.5"], {}, "mean a share"),
        (["label=cat:120%"], {}, "more than 100"),
        (["label=cat:equal"], {}, "equal is for all values"),
        (["label=cat:1..20%"], {}, "is no quota"),
        (["label=cat:1", "label=cat:2"], {}, "2 quotas for label=cat"),
        (["label=cat:1", "split=val:2"], {}, "over one column, not over label and split"),
        (["colour=red:1"], {}, "no column 'colour'"),
        (["label=cat:11%..19%"], {"n": 5}, "no whole number of 5 pictures"),
    ],
)
def test_quotas_that_cannot_be_met_are_refused(named, quotas, options, sentence):
    before = named.snapshot
    with pytest.raises(UsageError, match=sentence):
        select(named, **({"n": 10} | options), quotas=quotas)
    assert named.snapshot == before


def test_pictures_are_included_and_excluded(named):
    chosen = select(named, 6, include="sample_id IN ('s03', 's61')", forbid="label = 'dog'")
    assert {row.sample_id for row in chosen.picks[:2]} == {"s03", "s61"}
    assert {row.reason for row in chosen.picks[:2]} == {"had to be included"}
    assert counted(named, chosen)["dog"] == 0
    assert chosen.represented == 64
    assert named.log()[-1].options["forbid"] == "label = 'dog'"


def test_included_pictures_are_read_from_outside_the_condition(named):
    chosen = select(named, 3, where="label = 'cat'", include="sample_id = 's40'")
    assert chosen.picks[0].sample_id == "s40"
    assert chosen.represented == 13


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"include": "label = 'cat'"}, "12 rows are to be included, more than the 5"),
        ({"include": "label = 'owl'"}, "no picture meets the condition to be included"),
        ({"include": "label = 'cat'", "forbid": "sample_id = 's05'"}, "excluded, the first s05"),
        ({"include": "label = 'cat'", "labeled": "sample_id = 's06'"}, "already, the first s06"),
        ({"strategy": "margin"}, "margin needs class probabilities of every row"),
        ({"strategy": {"dpp": 0.5}}, "shares must add up to 1, not 0.5"),
        ({"forbid": "width IS NULL"}, "64 excluded"),
    ],
)
def test_contradictions_are_refused(named, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        select(named, 5, **options)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("k-means", "nearest to the center of cluster"),
        ("typicality", "typical of cluster"),
        ("prob-cover", "newly covers"),
        ("dpp", "unlike any mixture"),
        ("random", "picked at random"),
        ("max-herding", "represents "),
        ("hierarchical-k-means", "nearest to the center of cluster"),
    ],
)
def test_each_strategy_gives_reasons_of_its_own(store, strategy, words):
    rows = select(store, 4, strategy=strategy, apply=False).picks
    assert all(row.reason.startswith(words) for row in rows), rows


def test_scores_are_marked_and_replaced(store):
    report = score(store)
    assert (report.scored, report.copies) == (64, 0)
    rows = store.read(["sample_id", "representativeness", "uniqueness"]).to_pylist()
    assert min(rows, key=lambda row: row["representativeness"])["sample_id"] >= "s60"
    assert {row.path[:3] for row in report.unique[:4]} == {"s60", "s61", "s62", "s63"}
    assert report.representative[0].representativeness == pytest.approx(
        max(row["representativeness"] for row in rows)
    )
    assert score(store, where="sample_id < 's05'").scored == 5
    assert store.count("uniqueness IS NOT NULL") == 5
    store.undo()
    assert store.count("uniqueness IS NOT NULL") == 64
    column = store.vector_columns()[0].name
    with store.operation("embed") as op:
        op.set_vectors(column, ["s01"], store.vectors(column, "sample_id = 's02'")[1])
    assert score(store).copies == 2
    with pytest.raises(UsageError, match="no picture with a vector"):
        score(store, where="sample_id = 'x'")
