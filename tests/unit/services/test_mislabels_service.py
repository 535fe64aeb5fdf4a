"""Wrong labels by the user's own model, of boxes, and as a page."""

from __future__ import annotations

import pyarrow as pa
import pytest

import tamis
from command_line import CommandLine
from labeled_vectors import CLASSES, EACH, made_dataset, made_vectors, truth
from sample_rows import sample_ids
from tamis.dataset.parts import PART_COLUMNS
from tamis.errors import InputError, UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows

N = 3 * EACH
IDS = sample_ids(0, N)
WRONG = {"00.jpg": "cat", "04.jpg": "dog", "08.jpg": "owl"}


def labels():
    found = truth()
    found[0], found[4], found[8] = "owl", "cat", "dog"
    return found


@pytest.fixture
def planted(tmp_path):
    return made_dataset(tmp_path / "dataset.tamis", labels())


def write_table(path, rows):
    lines = [",".join(["path", *CLASSES])]
    for row, kind in rows:
        cells = ["0.9" if name == kind else "0.05" for name in CLASSES]
        lines.append(",".join([f"{row:02}.jpg", *cells]))
    path.write_text("\n".join(lines))
    return path


def test_a_table_of_your_models_probabilities_judges(planted, tmp_path):
    table = write_table(tmp_path / "own.csv", enumerate(truth()))
    report = planted.find_mislabels(probabilities=table)
    assert report.method == "your model and votes"
    scores = [one.score for one in report.suspects]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.5
    assert {one.path: one.suggested for one in report.suspects[:3]} == WRONG
    some = write_table(tmp_path / "some.csv", list(enumerate(truth()))[:60])
    part = planted.find_mislabels(probabilities=some)
    assert part.checked == 60
    assert any("says nothing of 30 pictures" in note for note in part.notes)


def test_a_layer_of_predictions_judges(planted):
    rows = AnnotationRows("own")
    for name, kind in zip(IDS, truth(), strict=True):
        rows.add_class(name, kind, 0.9)
    with planted.store.operation("import") as operation:
        operation.add_annotations(rows.table())
    report = planted.find_mislabels(predictions="own")
    assert {one.path: one.suggested for one in report.suspects[:3]} == WRONG


def test_what_is_no_model_is_told(planted, tmp_path):
    with pytest.raises(InputError, match="cannot be read as a table"):
        planted.find_mislabels(probabilities=tmp_path / "none.csv")
    (tmp_path / "thin.csv").write_text("path,cat\n00.jpg,1\n")
    with pytest.raises(UsageError, match="has no column 'dog'"):
        planted.find_mislabels(probabilities=tmp_path / "thin.csv")
    other = write_table(tmp_path / "other.csv", [(200, "cat")])
    with pytest.raises(UsageError, match="says nothing of the 90 pictures"):
        planted.find_mislabels(probabilities=other)
    with pytest.raises(UsageError, match="not both"):
        planted.find_mislabels(probabilities=other, predictions="own")
    with pytest.raises(UsageError, match="says nothing"):
        planted.find_mislabels(predictions="own")
    with pytest.raises(UsageError, match="cannot be the page"):
        planted.find_mislabels(gallery=tmp_path / "page.txt")


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ("-1,1,1", r"no probabilities for '00.jpg' but -1, 1, 1: they must lie between 0 and 1"),
        ("12,3,4", "logits go through a softmax first"),
        ("0,0,0", "sum to 1"),
        ("inf,0,0", "but inf, 0, 0"),
        ("nan,nan,nan", "says nothing of the 90 pictures"),
    ],
)
def test_numbers_that_are_no_probabilities_are_told(planted, tmp_path, cells, sentence):
    lines = [",".join(["path", *CLASSES]), *(f"{row:02}.jpg,{cells}" for row in range(N))]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=sentence):
        planted.find_mislabels(probabilities=tmp_path / "own.csv")


def test_what_a_model_says_twice_or_of_one_class_only_is_told(planted, tmp_path):
    twice = write_table(tmp_path / "twice.csv", [*enumerate(truth()), (0, "dog")])
    with pytest.raises(UsageError, match=r"several rows of '00\.jpg'"):
        planted.find_mislabels(probabilities=twice)
    cats = [(row, kind) for row, kind in enumerate(labels()) if kind == "cat"]
    with pytest.raises(UsageError, match=r"labeled pictures only, all of 'cat'"):
        planted.find_mislabels(probabilities=write_table(tmp_path / "cats.csv", cats))


def test_a_layer_of_other_classes_is_told(planted):
    rows = AnnotationRows("own")
    for name in IDS:
        rows.add_class(name, "zebra", 0.9)
    with planted.store.operation("import") as operation:
        operation.add_annotations(rows.table())
    with pytest.raises(UsageError, match="classes such as 'zebra' and none of those"):
        planted.find_mislabels(predictions="own")


@pytest.mark.parametrize("known", [2, 4])
def test_too_few_labels_to_plant_wrong_ones_are_told(tmp_path, known):
    given = [kind if row < known else None for row, kind in enumerate(truth())]
    report = made_dataset(tmp_path / "d.tamis", given).find_mislabels()
    assert report.checked == known
    assert any("nothing says how good this ranking is" in note for note in report.notes) or (
        report.planted
    )


def test_the_class_of_a_box_is_judged_by_the_vector_of_its_crop(tmp_path):
    ds = tamis.open(tmp_path / "boxes.tamis")
    names = [f"{row:02}.jpg" for row in range(N)]
    rows = {"sample_id": IDS, "path": names, "label": labels(), "kind": ["crop"] * N}
    with ds.store.operation("add") as operation:
        operation.require_columns(PART_COLUMNS)
        operation.insert(pa.table(rows))
    with ds.store.operation("embed") as operation:
        column = operation.add_vector_column("py:made", "0123456789abcdef", 8)
        operation.checkpoint()
        operation.set_vectors(column, IDS, made_vectors())
    report = ds.find_mislabels(where="kind = 'crop'")
    assert {one.path: one.suggested for one in report.suspects[:3]} == WRONG
    with pytest.raises(UsageError, match="0 of 0 pictures"):
        ds.find_mislabels()


def test_suspects_are_shown_on_a_page(planted, tmp_path):
    typed = CommandLine(tmp_path)
    shown = typed("label", "mislabels", "--gallery", "suspects.html")
    assert "suspects.html" in shown.err + shown.out
    page = (tmp_path / "suspects.html").read_text()
    assert "labeled owl, perhaps cat" in page
    assert "00.jpg" in page
