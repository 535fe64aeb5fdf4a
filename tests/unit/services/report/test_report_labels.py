"""What the report says of suspect and propagated labels and of the last probe."""

from __future__ import annotations

import pytest

from labeled_vectors import EACH, made_dataset, truth
from tamis.dataset.samples import Samples
from tamis.pages.thumbnails import Thumbnails
from tamis.services.labeling import mislabels
from tamis.services.report.labels import label_section

WRONG = {"00.jpg": "cat", "04.jpg": "dog", "08.jpg": "owl"}


def given(labeled=3 * EACH):
    labels = truth()
    labels[0], labels[4], labels[8] = "owl", "cat", "dog"
    return [label if row < labeled else None for row, label in enumerate(labels)]


@pytest.fixture
def dataset(tmp_path):
    return made_dataset(tmp_path / "d.tamis", given(60))


def section(ds, tmp_path):
    """The page, without what stands before and after its labels."""
    ds.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    if 'id="labels"' not in page:
        return None
    return page[page.index('id="labels"') : page.index('id="failed"')]


def test_nothing_is_said_before_any_operation_on_labels(dataset, tmp_path):
    assert section(dataset, tmp_path) is None


def test_suspects_are_shown_until_they_are_settled(dataset, tmp_path):
    report = dataset.find_mislabels(top=3, tag="look")
    assert {one.path: one.suggested for one in report.suspects} == WRONG
    shown = section(dataset, tmp_path)
    assert "Suspect labels" in shown
    assert "perhaps cat: wrong" in shown
    assert "Of 60 labels 3 were suspect" in shown
    assert "0 labels were settled" in shown
    dataset.label("cat", where="path = '00.jpg'")
    dataset.untag_pictures("look", where="path = '04.jpg'")
    shown = section(dataset, tmp_path)
    assert "2 labels were settled" in shown
    assert "08.jpg" in shown
    assert "00.jpg" not in shown
    dataset.undo()
    dataset.undo()
    dataset.undo()
    assert section(dataset, tmp_path) is None


def test_suspects_beyond_those_kept_are_counted(dataset, monkeypatch):
    monkeypatch.setattr(mislabels, "_KEPT", 2)
    dataset.find_mislabels(top=3, tag="look")
    samples = Samples(dataset.store)
    found = label_section(samples, Thumbnails(samples), dataset.store.log())
    assert (len(found.suspects.tiles), found.suspects.total) == (2, 3)


def test_propagation_says_how_many_how_right_and_what_to_look_at(dataset, tmp_path):
    report = dataset.propagate_labels(least_confidence=0.6)
    shown = section(dataset, tmp_path)
    assert "from 60 labeled pictures" in shown
    assert f"{report.expected_accuracy.value:.1%}" in shown
    assert f"{report.propagated / 30:.1%}" in shown
    assert "Review these first" in shown
    first = dataset.review_labels(1).queue[0].path
    assert first in shown
    dataset.label("cat", where=f"path = '{first}'")
    assert first not in section(dataset, tmp_path)


def test_a_probe_is_shown_with_its_reliability(dataset, tmp_path):
    report = dataset.train_probe(name="kinds")
    shown = section(dataset, tmp_path)
    assert "Reliability of the probe kinds" in shown
    assert f"{report.accuracy:.1%}" in shown
    assert "before calibration" in shown
