"""Filtering by texts: scores, negatives, classes, thresholds, tags and their undoing."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from tamis.dataset.store import Store
from tamis.errors import EncoderError, UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.text_filter.contract import Filter
from tamis.services.text_filter.run import text_filter
from tamis.verbs.feedback import SILENT, Feedback

WORDS = {"cat": [1, 0, 0, 0], "dog": [0, 1, 0, 0], "car": [0, 0, 1, 0], "pet": [1, 1, 0, 0]}
ANYTHING_ELSE = [0.5, 0.5, 0.5, 0.5]


def filtered(store, texts, feedback=SILENT, **options):
    return text_filter(Workspace(store), Filter(texts, **options), feedback)


class WordEncoder:
    """A text encoder whose space has an axis a word."""

    spec, fingerprint, dim = "test:words", "0123456789abcdef", 4
    preprocessing = None
    caveat = "knows four words"
    logit_scale = 20.0

    def embed(self, pixels):
        raise AssertionError("a filter reads stored vectors only")

    def embed_text(self, texts):
        rows = [
            next((v for w, v in WORDS.items() if re.search(rf"\b{w}\b", text)), ANYTHING_ELSE)
            for text in texts
        ]
        rows = np.asarray(rows, np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    encoder = WordEncoder()
    monkeypatch.setattr("tamis.encoders.registry.load_encoder", lambda _spec, **_options: encoder)
    return encoder


def fill(store, vectors, order=None):
    order = list(range(len(vectors)) if order is None else order)
    ids = [f"s{row:03}" for row in order]
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": [f"{name}.jpg" for name in ids]}))
    with store.operation("embed") as op:
        column = op.add_vector_column(WordEncoder.spec, WordEncoder.fingerprint, 4)
        has = [row for row in order if np.isfinite(vectors[row]).all()]
        op.set_vectors(column, [f"s{row:03}" for row in has], vectors[has])
    return column


def pictures():
    """40 of cats, 40 of dogs, 120 of cars, each with a little of the fourth axis; one unseen."""
    rng = np.random.default_rng(0)
    middle = np.eye(4)[[0] * 40 + [1] * 40 + [2] * 120]
    rows = middle + 0.05 * rng.standard_normal(middle.shape)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.concatenate([rows, [[np.nan] * 4]]).astype(np.float32)


COLUMN = "vector_test_words_01234567"


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "a.tamis")
    assert fill(store, pictures()) == COLUMN
    return store


def numbers(report):
    return sorted(int(row.sample_id[1:]) for row in report.rows)


def tags(store):
    table = store.read(["sample_id", "tags"], where="tags IS NOT NULL").to_pylist()
    return {row["sample_id"]: row["tags"] for row in table}


def test_what_fits_passes_at_a_threshold_found_in_the_scores(store):
    before = store.snapshot
    report = filtered(store, ["cat"])
    assert numbers(report) == list(range(40))
    assert (report.matched, report.scored, report.suggested) == (40, 200, True)
    assert 0.3 < report.threshold < 0.9
    assert report.notes == ["knows four words"]
    assert report.counts == {"cat": 40}
    scores = [row.score for row in report.rows]
    assert scores == sorted(scores, reverse=True)
    expected = {f"s{row:03}": float(pictures()[row, 0]) for row in range(40)}
    assert {row.sample_id: row.score for row in report.rows} == pytest.approx(expected, abs=1e-6)
    assert report.rows[0].path == f"{report.rows[0].sample_id}.jpg"
    assert {row.margin for row in report.rows} == {None}
    assert sum(report.histogram.counts) == 200
    assert (report.tag, report.tagged, store.snapshot) == (None, 0, before)


def test_of_several_texts_the_best_counts(store):
    report = filtered(store, ["cat", "dog"], threshold=0.7)
    assert report.counts == {"cat": 40, "dog": 40}
    assert not report.suggested
    assert {row.text for row in report.rows if int(row.sample_id[1:]) < 40} == {"cat"}


def test_a_negative_keeps_out_what_is_nearer_to_it_and_leaves_the_score(store):
    wide = filtered(store, ["pet"], threshold=0.5)
    assert numbers(wide) == list(range(80))
    narrow = filtered(store, ["pet"], not_texts=["dog"], threshold=0.5)
    assert numbers(narrow) == list(range(40))
    scores = {row.sample_id: row.score for row in wide.rows}
    dogs = pictures()[:, 1]
    for row in narrow.rows:
        assert row.score == scores[row.sample_id]
        assert row.margin == pytest.approx(row.score - dogs[int(row.sample_id[1:])], abs=1e-6)
        assert row.margin > 0


def test_classes_are_decided_by_the_softmax_with_the_encoders_own_scale(store):
    report = filtered(store, ["cat", "dog"], not_texts=["car"], classes=True)
    assert (report.threshold, report.suggested) == (None, False)
    assert report.counts == {"cat": 40, "dog": 40, "car": 120}
    assert numbers(report) == list(range(80))
    assert len(report.assigned) == 200
    assert report.assigned["s000"] == "cat"
    assert report.assigned["s199"] == "car"
    odds = np.exp(20.0 * pictures()[:80, :3].astype(np.float64))
    odds /= odds.sum(axis=1, keepdims=True)
    for row in report.rows:
        sorted_odds = np.sort(odds[int(row.sample_id[1:])])
        assert row.score == pytest.approx(sorted_odds[-1], abs=1e-6)
        assert row.margin == pytest.approx(sorted_odds[-1] - sorted_odds[-2], abs=1e-6)
    sure = filtered(store, ["cat", "dog"], not_texts=["car"], classes=True, threshold=1.0)
    assert sure.matched < 80


def test_without_a_scale_of_its_own_an_encoder_gets_that_of_clip(store, encoder, monkeypatch):
    monkeypatch.setattr(WordEncoder, "logit_scale", None)
    report = filtered(store, ["cat", "pet"], classes=True)
    cosines = pictures()[:40].astype(np.float64) @ encoder.embed_text(["cat", "pet"]).T
    odds = 1 / (1 + np.exp(100.0 * (cosines[:, 1] - cosines[:, 0])))
    scores = {row.sample_id: row.score for row in report.rows if row.text == "cat"}
    assert scores["s007"] == pytest.approx(odds[7], abs=1e-5)


def test_scores_without_two_groups_are_cut_by_everyday_things(store):
    report = filtered(store, ["cat"], where="sample_id < 's040'")
    assert (report.method, report.suggested, report.threshold) == ("everyday things", True, None)
    assert "do not fall into two groups" in report.notes[1]
    assert report.matched == 40  # nearer to "cat" than to anything else
    none = filtered(store, ["cat"], where="sample_id >= 's100'")
    assert (none.method, none.matched) == ("everyday things", 0)
    assert filtered(store, ["cat"]).method == "two groups"
    assert filtered(store, ["cat"], threshold=0.5).method == "given"
    assert filtered(store, ["cat", "dog"], classes=True).method == "classes"


@pytest.mark.parametrize("options", [{}, {"threshold": 0.5}, {"not_texts": ["dog"]}])
def test_a_gallery_shows_both_sides_of_the_cut(store, tmp_path, options):
    page = tmp_path / "cut.html"
    report = filtered(store, ["pet"], gallery=page, **options)
    assert report.gallery == str(page)
    html = page.read_text("utf-8")
    passed, missed = (
        html.partition(f'id="{begin}"')[2].partition(f'id="{end}"')[0]
        for begin, end in (("barely", "barely-not"), ("barely-not", "best"))
    )
    names = {row.path for row in report.rows}
    assert 0 < len(names) < report.scored
    assert any(name in passed for name in names)
    assert not any(name in missed for name in names)
    assert re.search(r"s\d+\.jpg", missed)
    with pytest.raises(UsageError, match="html"):
        filtered(store, ["pet"], gallery=tmp_path / "cut.txt")


def test_equal_scores_match_nothing(tmp_path):
    store = Store.create(tmp_path / "b.tamis")
    fill(store, np.tile(np.float32([1, 0, 0, 0]), (40, 1)))
    report = filtered(store, ["cat"])
    assert report.matched == 0
    assert "none stands out" in report.notes[1]
    assert sum(report.histogram.counts) == 40


def test_a_tag_is_added_once_and_other_tags_stay(store):
    with store.operation("label") as op:
        op.set_marks(["s000", "s100"], {"tags": [["blurred", "old"], ["car"]]})
    report = filtered(store, ["cat"], tag="cats", seed=4)
    assert (report.matched, report.tagged) == (40, 40)
    kept = tags(store)
    assert kept["s000"] == ["blurred", "old", "cats"]
    assert kept["s001"] == ["cats"]
    assert kept["s100"] == ["car"]
    assert len(kept) == 41
    again = filtered(store, ["cat"], tag="cats", seed=4)
    assert (again.matched, again.tagged) == (40, 0)
    assert tags(store) == kept
    entry = store.log()[-1]
    assert (entry.verb, entry.seed) == ("filter", 4)
    assert entry.options["texts"] == ["cat"]
    assert entry.counts["threshold"] == report.threshold
    assert entry.counts["matched"] == 40
    assert sum(entry.counts["histogram"]["counts"]) == 200


def test_undo_takes_the_tags_back(store):
    with store.operation("label") as op:
        op.set_marks(["s000"], {"tags": [["blurred"]]})
    before = len(store.log())
    filtered(store, ["cat"], tag="cats")
    assert len(store.log()) == before + 1
    assert store.undo().verb == "filter"
    assert tags(store) == {"s000": ["blurred"]}


def test_the_order_in_which_pictures_came_does_not_matter(store, tmp_path):
    other = Store.create(tmp_path / "c.tamis")
    fill(other, pictures(), order=np.random.default_rng(1).permutation(201))
    first = filtered(store, ["pet"], not_texts=["car"])
    second = filtered(other, ["pet"], not_texts=["car"])
    assert first == second


def test_vectors_are_read_piece_by_piece(store, monkeypatch):
    def refuse(*_arguments):
        raise AssertionError("all vectors were read at once")

    monkeypatch.setattr(Store, "vectors", refuse)
    told = []
    filtered(store, ["cat"], Feedback.to(lambda *progress: told.append(progress)))
    assert told[-1] == (200, 200)


@pytest.mark.parametrize(
    ("texts", "options", "sentence"),
    [
        ([], {}, "at least one text"),
        ([" "], {}, "is empty"),
        (["cat", "cat"], {}, "'cat' is given twice"),
        (["cat"], {"not_texts": ["cat"]}, "'cat' is given twice"),
        (["cat"], {"classes": True}, "the only class"),
        (["cat"], {"threshold": 1.5}, "threshold is 1.5; give a value from -1 to 1"),
        (["cat"], {"threshold": float("nan")}, "threshold is not a number"),
        (
            ["cat", "dog"],
            {"threshold": -0.5, "classes": True},
            "with classes give a probability from 0 to 1",
        ),
        (["cat"], {"tag": " "}, "cannot be a tag"),
        (["cat"], {"where": "sample_id = 'x'"}, "no picture to filter"),
        (["cat"], {"where": "no_such = 1"}, "no_such"),
        (["cat"], {"encoder": "path"}, "no vectors of 'path'"),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(store, texts, options, sentence):
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        filtered(store, texts, **{"tag": "t", **options})
    assert store.snapshot == before


def test_an_encoder_that_reads_no_texts_or_has_changed_is_refused(store, monkeypatch):
    monkeypatch.setattr(WordEncoder, "fingerprint", "f" * 16)
    with pytest.raises(EncoderError, match="not the encoder any more"):
        filtered(store, ["cat"])
    monkeypatch.setattr(WordEncoder, "fingerprint", "0123456789abcdef")
    monkeypatch.delattr(WordEncoder, "embed_text")
    with pytest.raises(UsageError, match="reads no texts"):
        filtered(store, ["cat"])


def test_the_gallery_is_refused_before_any_work(tmp_path, encoder, monkeypatch):
    store = Store.create(tmp_path / "d.tamis")
    fill(store, np.eye(4, dtype=np.float32))
    monkeypatch.setattr(encoder, "embed_text", None)
    with pytest.raises(UsageError, match=r"ends in \.html"):
        filtered(store, ["cat"], gallery=tmp_path / "near.csv")
