"""What a report says about a dataset whose every number is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tamis.dataset.parts import PART_COLUMNS
from tamis.errors import UsageError
from tamis.services.report.collect import collect

if TYPE_CHECKING:
    from tamis.dataset.store import Store
    from tamis.services.report.contents import Gallery, ReportData


def gallery(data: ReportData, key: str) -> Gallery:
    return next(one for one in data.galleries if one.key == key)


def paths(data: ReportData, key: str) -> list[str]:
    return [tile.path for tile in gallery(data, key).tiles]


def test_the_headline_counts_exactly(curated: Store) -> None:
    values = {figure.label: figure.value for figure in collect(curated).headline}
    assert values == {
        "Pictures": "12",
        "Bad files": "1",
        "Duplicates": "3",
        "Selected": "3",
        "Splits": "train 5 · val 1 · test 2",
        "Labels": "2",
        "Encoder": "toy",
    }


def test_crops_and_tiles_are_counted_apart(curated: Store) -> None:
    assert "Parts" not in [figure.label for figure in collect(curated).headline]
    ids = [f"{number:032x}" for number in range(100, 103)]
    with curated.operation("add") as op:
        op.require_columns(PART_COLUMNS)
        op.insert(
            pa.table(
                {
                    "sample_id": ids,
                    "path": [f"photos/0.jpg#xywh={n},0,9,9" for n in range(3)],
                    "parent_id": [f"{0:032x}"] * 3,
                    "kind": ["crop", "crop", "tile"],
                }
            )
        )
    pictures, parts = collect(curated).headline[:2]
    assert (pictures.label, pictures.value) == ("Pictures", "12")
    assert (parts.label, parts.value) == ("Parts", "3")
    assert parts.explanation.startswith("2 crops and 1 tile ")


def test_duplicates_stand_beside_their_keeper(curated: Store) -> None:
    data = collect(curated)
    shown = [(g.keeper.path, [tile.path for tile in g.dropped], g.total) for g in data.groups]
    assert shown == [
        ("photos/0.jpg", ["photos/1.jpg", "photos/2.jpg"], 2),
        ("photos/3.jpg", ["photos/4.jpg"], 1),
    ]
    assert data.groups_total == 2
    assert data.groups[0].keeper.badge is not None
    assert data.groups[0].keeper.badge.text == "kept"


def test_selected_pictures_come_by_rank_with_their_reason(curated: Store) -> None:
    data = collect(curated)
    assert paths(data, "selected") == ["photos/6.jpg", "photos/5.jpg", "photos/10.jpg"]
    tile = gallery(data, "selected").tiles[0]
    assert tile.note == "stands for most"
    assert tile.badge is not None
    assert tile.badge.text == "1"


def test_outliers_come_first_and_duplicates_are_left_out(curated: Store) -> None:
    data = collect(curated)
    shown = paths(data, "outliers")
    assert shown[0] == "photos/10.jpg"
    assert {"photos/1.jpg", "photos/2.jpg", "photos/4.jpg"}.isdisjoint(shown)
    assert gallery(data, "outliers").total == len(shown) == 8


def test_extremes_are_in_order(curated: Store) -> None:
    data = collect(curated)
    assert paths(data, "darkest")[1:] == [f"photos/{number}.jpg" for number in range(10, -1, -1)]
    assert paths(data, "brightest") == paths(data, "darkest")[::-1]
    assert paths(data, "blurriest")[0] == "photos/0.jpg"
    assert gallery(data, "blurriest").tiles[1].note == "sharpness 10"


def test_the_histogram_counts_every_vector_once(curated: Store) -> None:
    similarity = collect(curated).charts[-1]
    assert similarity.title == "Similarity to the nearest other picture"
    assert sum(similarity.counts) == 11


def test_duplicates_are_charted_by_score_beside_the_calibration(curated: Store) -> None:
    chart = collect(curated).charts[0]
    assert chart.title == "Scores of the duplicates"
    assert sum(chart.counts) == 3
    assert chart.counts[-1] == 1
    assert [marker.label for marker in chart.markers] == ["threshold 0.700"]


def test_how_duplicates_were_found_comes_from_the_log(curated: Store) -> None:
    values = {figure.label: figure.value for figure in collect(curated).duplicates}
    assert values == {
        "Threshold": "0.700",
        "Pairs compared": "1,234",
        "Copies": "3",
        "Changed versions": "5",
        "Undecided": "1",
        "False-pair rate": "2 in a million",
    }
    curated.undo()
    curated.undo()
    assert collect(curated).duplicates == ()


def test_coverage_and_splits_are_measured(curated: Store) -> None:
    data = collect(curated)
    assert [figure.label for figure in data.coverage] == ["Coverage", "Within reach", "Farthest"]
    _, vectors = curated.vectors(curated.vector_columns()[0].name)
    nearest = (vectors @ vectors[[5, 6, 10]].T).max(axis=1)
    assert data.coverage[0].value == f"{nearest.mean():.4f}"
    assert data.coverage[2].value == f"{1 - nearest.min():.4f}"
    closest, balance = data.split_figures
    train, others = vectors[:5], vectors[5:8]
    across = max(float((train @ others.T).max()), float((others[:1] @ others[1:].T).max()))
    assert (closest.label, closest.value) == ("Closest across splits", f"{across:.4f}")
    assert balance.label == "Label imbalance"
    products = vectors @ vectors.T
    ends = [int(tile.path.removeprefix("photos/")[:-4]) for tile in data.closest]
    assert products[ends[0], ends[1]] == pytest.approx(across)
    assert len({tile.badge.text for tile in data.closest if tile.badge}) == 2
    assert data.splits is not None
    assert data.splits.totals == ("5", "1", "2", "4", "12")


def test_the_log_is_told_with_parameters_and_seeds(curated: Store) -> None:
    steps = collect(curated).steps
    assert [step.verb for step in steps] == ["create", "add", "embed", "duplicates", "select"]
    assert steps[-1].params == {"n": 3}
    assert steps[-1].seed == 7
    assert (steps[-1].before, steps[-1].snapshot) == (4, 5)


def test_bad_files_and_missing_vectors_are_told(curated: Store) -> None:
    data = collect(curated)
    assert data.failures == (("photos/bad.jpg", "truncated: <b>12</b> bytes are missing"),)
    assert data.failures_total == 1
    assert len(data.notes) == 1
    assert data.notes[0].startswith("1 picture has no vector by toy")


def test_thumbnails_stay_in_their_budget_and_counts_stay_exact(curated: Store) -> None:
    data = collect(curated, thumbnail_budget=102 * 6)
    shown = [tile for one in data.galleries for tile in one.tiles]
    shown += [tile for group in data.groups for tile in (group.keeper, *group.dropped)]
    assert sum(len(tile.thumbnail) for tile in shown) == 102 * 6
    assert gallery(data, "darkest").tiles == ()
    assert gallery(data, "darkest").total == 12


def test_the_same_seed_gives_the_same_report(curated: Store) -> None:
    time = collect(curated).time
    assert collect(curated, seed=3, time=time) == collect(curated, seed=3, time=time)


def test_an_empty_dataset_has_a_report(empty: Store) -> None:
    data = collect(empty)
    assert data.headline[0].value == "0"
    assert data.groups == ()
    assert data.charts == ()
    assert data.splits is None
    assert "tamis embed" in data.notes[0]


def test_one_picture_has_a_report(curated: Store, empty: Store) -> None:
    with empty.operation("add") as op:
        op.insert(curated.read(["sample_id", "path", "thumbnail"]).slice(0, 1))
    with empty.operation("embed") as op:
        column = op.add_vector_column("toy", "f" * 16, 2)
        op.set_vectors(column, empty.read(["sample_id"]).column(0).to_pylist(), [[1.0, 0.0]])
    data = collect(empty)
    assert data.charts == ()
    assert "no neighbours" in data.notes[0]


def test_an_unknown_vector_column_is_refused(curated: Store) -> None:
    with pytest.raises(UsageError, match="vector_none"):
        collect(curated, column="vector_none")


def test_the_report_of_a_snapshot_tells_what_it_held(curated: Store) -> None:
    earlier = type(curated).open(curated.path, snapshot=2)
    data = collect(earlier)
    assert data.snapshot == 2
    assert {figure.label for figure in data.headline}.isdisjoint({"Selected", "Encoder"})
    assert [step.verb for step in data.steps] == ["create", "add"]
