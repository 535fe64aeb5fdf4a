"""Splits and audits by verdicts on pixels: copies, changed versions, and what cannot be told.

The verdicts come from a table, so that the policy is tested whatever compares the pixels.
"""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from splitting import check_splits, split
from tamis.algo.calibration import PairCalibration, PairThresholds
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.runtime.comparison import Comparison

LINES = PairThresholds(copy=0.5, changed=0.5)
WIDTH, HEIGHT = 400, 200
SPLITS = ("train", "val", "test")


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Table:
    """Stands in for the comparison of pixels: what a table says of groups of pictures.

    Pictures of one `copies` group are copies, of one `views` group changed versions; a pair in
    `unsure` cannot be told. All of them are near by vector as well.
    """

    def __init__(self, n, copies=(), views=(), unsure=()):
        self.copy, self.view = np.arange(n), np.arange(n)
        for column, groups in ((self.copy, copies), (self.view, [*copies, *views])):
            for group in groups:
                column[list(group)] = column[group[0]]
        self.unsure = {frozenset(pair) for pair in unsure}
        for a, b in unsure:
            self.view[b] = self.view[a]
        self.random_share = 0.0
        self.calibrated = []

    def verifier(self, _store, ids):
        table, rows = self, np.array([int(name[1:]) for name in ids])

        class Verifier:
            def compare(self, left, right):
                a, b = rows[left], rows[right]
                one = table.view[a] == table.view[b]
                same = table.copy[a] == table.copy[b]
                pairs = zip(a.tolist(), b.tolist(), strict=True)
                unsure = np.array([frozenset(pair) in table.unsure for pair in pairs], np.bool_)
                nowhere = np.empty((0, 4), np.float32)
                box = np.array([[0.25, 0.5, 0.1, 0.2], [0, 0, 0.05, 0.05]], np.float32)
                places = tuple(
                    box if shared and not copy else nowhere
                    for shared, copy in zip(one.tolist(), same.tolist(), strict=True)
                )
                return Comparison(
                    score=same.astype(np.float32),
                    view=one.astype(np.float32),
                    undecidable=unsure,
                    flipped=np.zeros(len(a), np.bool_),
                    left_regions=places,
                    right_regions=places,
                    covers=np.zeros((len(a), 2), np.bool_),
                    sharper=np.zeros(len(a), np.int8),
                )

            def calibrate(self, candidates, rng, *, threshold=None):
                table.calibrated.append((rows.tolist(), len(candidates), rng.random()))
                return PairCalibration(
                    thresholds=LINES,
                    separable=True,
                    false_pair_rate=0.0,
                    recall={},
                    random_pass_rate=(0.0, table.random_share),
                    shared_template=table.random_share > 0.01,
                    sampled=10,
                    notes=(),
                )

        return Verifier()


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """Makes a dataset of n pictures that look as a table says."""

    def made(table, *, order=None, columns=None, name="a"):
        n = len(table.copy)
        monkeypatch.setattr("tamis.services.split.pixels.PairVerifier", table.verifier)
        base = np.random.default_rng(0).standard_normal((n, 64))
        noise, grain = np.random.default_rng(1).standard_normal((2, n, 64))
        noise, grain = 0.05 * unit(noise), 0.01 * unit(grain)
        vectors = unit(unit(base)[table.view] + noise[table.copy] + grain)
        jpeg = io.BytesIO()
        Image.new("L", (16, 8)).save(jpeg, "JPEG")
        order = list(range(n) if order is None else order)
        ids = [f"s{row:03}" for row in order]
        rows = {
            "sample_id": ids,
            "path": [f"{name}.jpg" for name in ids],
            "content_hash": [f"hash {row}" for row in order],
            "phash": pa.array([7 * row for row in order], pa.int64()),
            "width": pa.array([WIDTH] * n, pa.int32()),
            "height": pa.array([HEIGHT] * n, pa.int32()),
            "thumbnail": pa.array([jpeg.getvalue()] * n, pa.large_binary()),
        }
        for key, values in (columns or {}).items():
            rows[key] = pa.array([values[row] for row in order])
        store = Store.create(tmp_path / f"{name}.tamis")
        with store.operation("add") as op:
            op.insert(pa.table(rows))
        with store.operation("embed") as op:
            column = op.add_vector_column("test:random", "0123456789abcdef", 64)
            op.set_vectors(column, [f"s{row:03}" for row in range(n)], vectors)
        return store

    return made


def mark(store, name, values, verb="label", counts=None):
    with store.operation(verb) as op:
        op.set_marks([f"s{row:03}" for row in values], {name: list(values.values())})
        op.counts.update(counts or {})


def spread(store, n):
    """Deal pictures out to splits in turn, as someone who looked at nothing would."""
    mark(store, "split", {row: SPLITS[row % 3] for row in range(n)})


def splits_of(store):
    rows = store.read(["sample_id", "split"]).to_pylist()
    return {int(row["sample_id"][1:]): row["split"] for row in rows}


def named(leaks):
    return [tuple(sorted((leak.left[:4], leak.right[:4]))) for leak in leaks]


BURSTS = [(0, 1, 2), (10, 11), (20, 21, 22, 23)]
COPIES = [(30, 31), (40, 41, 42)]
CAMERA = [range(50), range(50, 100)]


@pytest.mark.parametrize("seed", range(3))
def test_rare_changed_versions_stay_together_as_copies_do(dataset, seed):
    store = dataset(Table(100, COPIES, BURSTS))
    report = split(store, train=0.5, val=0.25, test=0.25, seed=seed)
    marked = splits_of(store)
    for group in COPIES + BURSTS:
        assert len({marked[row] for row in group}) == 1
    assert report.changed_together
    assert (report.leak_count, report.copies, report.changed) == (0, 0, 0)
    assert "changed versions" in report.grouped_by
    assert check_splits(store, seed=seed).leak_count == 0


def test_an_audit_lists_copies_first_then_changed_versions_with_the_place(dataset):
    store = dataset(Table(100, COPIES, BURSTS))
    spread(store, 100)
    report = check_splits(store)
    across = [
        (a, b)
        for group in COPIES + BURSTS
        for a in group
        for b in group
        if a < b and a % 3 != b % 3
    ]
    copies = [pair for pair in across if any(pair[0] in group for group in COPIES)]
    assert (report.copies, report.changed) == (len(copies), len(across) - len(copies))
    assert report.leak_count == len(across)
    kinds = [leak.kind for leak in report.leaks]
    assert kinds == ["near"] * len(copies) + ["changed"] * (len(across) - len(copies))
    assert sorted(named(report.leaks)) == sorted((f"s{a:03}", f"s{b:03}") for a, b in across)
    for leak in report.leaks:
        assert leak.verdict == ("copy" if leak.kind == "near" else "changed")
        assert (leak.left_id, leak.right_id) == (leak.left[:4], leak.right[:4])
        box = [100, 100, 40, 40]
        assert leak.region == (None if leak.kind == "near" else {"left": box, "right": box})
        assert len(leak.regions) == (0 if leak.kind == "near" else 2)


def test_where_views_are_shared_only_copies_stay_together(dataset):
    table = Table(100, COPIES, CAMERA)
    table.random_share = 0.5
    store = dataset(table, columns={"camera": ["left"] * 50 + ["right"] * 50})
    report = split(store, seed=1)
    assert report.counts == {"train": 80, "val": 10, "test": 10}
    assert (report.largest_group, report.leak_count) == (3, 0)
    assert not report.changed_together
    assert report.changed > 0
    assert {leak.verdict for leak in report.changed_apart} == {"changed"}
    marked = splits_of(store)
    for group in COPIES:
        assert len({marked[row] for row in group}) == 1
    [note] = [note for note in report.notes if "share views or a template" in note]
    assert "--group camera" in note
    again = check_splits(store)
    assert (again.leak_count, again.changed_together) == (0, False)
    assert again.notes[1:] == [one for one in report.notes[1:] if "off the shares" not in one]


def test_shared_views_show_even_where_random_pairs_were_not_asked(dataset):
    report = split(dataset(Table(100, (), CAMERA)))
    assert not report.changed_together
    assert report.largest_group == 1


def test_copies_are_leaks_where_views_are_shared(dataset):
    table = Table(100, COPIES, CAMERA)
    store = dataset(table)
    spread(store, 100)
    report = check_splits(store)
    assert (report.leak_count, report.copies) == (4, 4)
    assert {leak.kind for leak in report.leaks} == {"near"}
    assert report.changed > 4


@pytest.mark.parametrize("views", [BURSTS, CAMERA])
def test_the_user_decides_by_hand(dataset, views):
    store = dataset(Table(100, COPIES, views))
    spread(store, 100)
    apart = check_splits(store, changed="apart")
    assert (apart.leak_count, apart.changed_together) == (apart.copies, False)
    assert apart.changed == len(apart.changed_apart) > 0
    together = check_splits(store, changed="together")
    assert together.leak_count == together.copies + together.changed
    assert together.changed == apart.changed
    report = split(store, changed="apart", seed=2)
    assert report.largest_group == 3
    assert store.log()[-1].options["changed"] == "apart"
    split(store, train=0.5, val=0, test=0.5, changed="together")
    marked = splits_of(store)
    for group in views:
        assert len({marked[row] for row in group}) == 1


def test_asking_for_the_impossible_says_how_it_is_possible(dataset):
    store = dataset(Table(60, (), [range(60)]))
    with pytest.raises(UsageError, match=r"one group holds 60 of 60 .*--changed apart"):
        split(store, changed="together")
    with pytest.raises(UsageError, match="changed is 'maybe'; give auto, together or apart"):
        split(store, changed="maybe")
    with pytest.raises(UsageError, match="changed is 'maybe'; give auto, together or apart"):
        check_splits(store, changed="maybe")
    assert split(store).leak_count == 0


def test_what_cannot_be_told_is_counted_and_joined_only_if_either_answer_joins(dataset):
    pair = (5, 7)
    store = dataset(Table(100, COPIES, BURSTS, unsure=[pair]))
    spread(store, 100)
    report = check_splits(store)
    assert report.undecided == 1
    assert [leak.verdict for leak in report.leaks].count("undecided") == 1
    apart = check_splits(store, changed="apart")
    assert (apart.undecided, apart.leak_count) == (1, apart.copies)
    assert any("pixels do not tell" in note for note in apart.notes)
    for seed in range(4):
        split(store, seed=seed)
        marked = splits_of(store)
        assert marked[5] == marked[7]


def test_lines_of_the_marks_hold_and_nothing_is_calibrated_again(dataset):
    table = Table(100, COPIES, BURSTS)
    store = dataset(table)
    lines = {"threshold": LINES.copy, "changed_threshold": LINES.changed}
    mark(store, "duplicate_group", {30: "a", 31: "a"}, verb="duplicates", counts=lines)
    spread(store, 100)
    report = check_splits(store)
    assert report.copies == 4  # one by its mark, three by their pixels
    assert table.calibrated == []
    split(store)
    assert table.calibrated == []


def test_lines_do_not_depend_on_seeds_splits_or_the_order_of_pictures(dataset):
    table = Table(100, COPIES, BURSTS)
    one = dataset(table)
    other = dataset(table, order=np.random.default_rng(0).permutation(100), name="b")
    reports = [split(store, seed=seed) for store in (one, other) for seed in (3, 4)]
    check_splits(one, seed=9)
    assert reports[0] == reports[2]
    assert len(table.calibrated) == 5
    assert all(seen == table.calibrated[0] for seen in table.calibrated)


def test_marked_changed_groups_count_whole(dataset):
    store = dataset(Table(100))
    groups = {30: "a", 31: "a"}
    lines = {"threshold": LINES.copy, "changed_threshold": LINES.changed}
    mark(store, "duplicate_group", groups, verb="duplicates", counts=lines)
    mark(store, "changed_group", groups | {32: "a", 50: "b", 51: "b"}, "duplicates", lines)
    spread(store, 100)
    report = check_splits(store)
    assert (report.copies, report.changed, report.leak_count) == (1, 3, 4)
    for seed in range(4):
        split(store, seed=seed)
        marked = splits_of(store)
        assert marked[30] == marked[31] == marked[32]
        assert marked[50] == marked[51]
    assert split(store, changed="apart").grouped_by[:2] == ["content_hash", "duplicate_group"]


def test_vectors_alone_join_nothing_that_pixels_call_different(dataset):
    # Near by vector, as plain shirts of one cut are, and nothing else.
    table = Table(120, (), [(2 * at, 2 * at + 1) for at in range(60)])
    store = dataset(table)
    table.view[:] = np.arange(120)
    report = split(store)
    assert report.largest_group == 1
    assert report.leak_count == 0
    assert report.alike > 0
    given = split(store, threshold=0.9)
    assert given.largest_group == 2


def test_where_pixels_bear_vectors_out_the_others_are_believed(dataset):
    table = Table(120, (), [(2 * at, 2 * at + 1) for at in range(60)])
    store = dataset(table)
    table.view[117:] = np.arange(117, 120)
    report = split(store, seed=5)
    marked = splits_of(store)
    assert marked[118] == marked[119]
    assert report.leak_count == 0


def test_equal_hashes_propose_and_pixels_decide(dataset):
    hashes = [1 if row in (3, 40, 70) else 7 * row + 9 for row in range(100)]
    table = Table(100, [(3, 40)])
    store = dataset(table, columns={"phash": hashes})
    table.view[40] = 40
    spread(store, 100)
    report = split(store)
    assert report.largest_group == 2


def test_copies_that_only_the_audit_would_find_are_joined_too(dataset, monkeypatch):
    # One pair is looked at before the split, and vectors are not believed without pixels.
    monkeypatch.setattr("tamis.services.split.joining._BORNE_OUT", 2)
    monkeypatch.setattr("tamis.services.split.pixels._NEAREST_OF_EACH", 0)
    monkeypatch.setattr("tamis.services.split.pixels.candidates", lambda _n: 1)
    store = dataset(Table(100, COPIES, BURSTS))
    for seed in range(4):
        report = split(store, train=0.4, val=0.3, test=0.3, seed=seed)
        assert report.leak_count == 0
        marked = splits_of(store)
        for group in COPIES + BURSTS:
            assert len({marked[row] for row in group}) == 1
