"""Duplicates from files to marks; the vectors are made, so that only the verification decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from filling import ingest
from pair_measurements import few_pairs_measured, pairs_compared_once
from synthetic_pictures import alike, blurred, captioned, crop, scene
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.duplicates.contract import Duplicates
from tamis.services.duplicates.result import DuplicateReport
from tamis.services.duplicates.run import duplicates

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.services.duplicates.result import DuplicateReport

DIM = 8


def found_in(store: Store, **options) -> DuplicateReport:
    return duplicates(Workspace(store), Duplicates(**options))


def save(picture: np.ndarray, path: Path, quality: int = 92) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).convert("RGB").save(path, quality=quality)


def dataset(folder: Path, sources: list[str] | None = None) -> Store:
    """A dataset whose vectors are all nearly the same, so that they decide nothing."""
    store = Store.create(folder.parent / f"{folder.name}.tamis")
    for source in sources or [str(folder)]:
        ingest(store, [source])
    table = store.read(["sample_id", "path"])
    ids, paths = (table.column(name).to_pylist() for name in ("sample_id", "path"))
    # by the scene that a name begins with: what folder the tests run in must not decide who is near
    seeds = [sum(path.rsplit("/", 1)[-1].split("-")[0].encode()) for path in paths]
    vectors = np.stack(
        [np.ones(DIM) + 0.01 * np.random.default_rng(seed).normal(size=DIM) for seed in seeds]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.operation("embed") as op:
        column = op.add_vector_column("py:made", "0123456789", DIM)
        op.set_vectors(column, ids, vectors.astype(np.float32))
    return store


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three scenes with copies, and six pictures that are only alike."""
    made = tmp_path_factory.mktemp("duplicates") / "pictures"
    for seed in range(3):
        picture = np.kron(scene(seed), np.ones((2, 2), np.uint8))
        save(picture, made / f"{seed}-original.jpg")
        save(picture, made / f"{seed}-jpeg.jpg", quality=30)
        save(scene(seed), made / f"{seed}-half.jpg")
        save(blurred(picture, 2), made / f"{seed}-blur.jpg")
        save(captioned(picture), made / f"{seed}-caption.jpg")
        save(crop(scene(seed), 6, 6, 115), made / f"{seed}-crop.jpg")
        save(picture[:, ::-1], made / f"{seed}-flip.jpg")
    (made / "0-equal.jpg").write_bytes((made / "0-original.jpg").read_bytes())
    for seed in range(6):
        save(np.kron(alike(10 + seed, 50), np.ones((2, 2), np.uint8)), made / f"alike-{seed}.jpg")
    return made


@pytest.fixture(scope="module")
def store(folder) -> Store:
    return dataset(folder)


@pytest.fixture(scope="module")
def report(store) -> DuplicateReport:
    with few_pairs_measured(), pairs_compared_once():
        return found_in(store)


def names(paths: list[str]) -> set[str]:
    return {path.rsplit("/", 1)[-1] for path in paths}


def test_groups_hold_the_copies_and_keep_the_original(report):
    groups = {
        group.keep.rsplit("/", 1)[-1]: names(group.drop) for group in report.groups if group.drop
    }
    # A caption is opaque: what it hides is changed, not copied.
    kinds = {"jpeg", "half", "blur", "crop", "flip"}
    assert len(groups) == 3
    for keep, dropped in groups.items():
        seed = keep[0]
        everything = {f"{seed}-{kind}.jpg" for kind in kinds | {"original"}}
        everything |= {"0-equal.jpg"} if seed == "0" else set()
        assert dropped | {keep} == everything
        assert "half" not in keep
        assert "blur" not in keep
        assert "crop" not in keep
    changed = [group for group in report.groups if group.verdict == "changed"]
    captioned = {f"{seed}-caption.jpg" for seed in range(3)}
    assert captioned <= {name for group in changed for name in names(group.members)}
    assert not any(group.drop for group in changed)


@pytest.mark.nightly
def test_calibrating_by_as_many_pairs_as_in_use_gives_the_same_groups(report, store):
    assert [(group.keep, group.drop) for group in found_in(store).groups if group.drop] == [
        (group.keep, group.drop) for group in report.groups if group.drop
    ]


def test_kinds_and_scores_are_told(report):
    by_name = {
        path.rsplit("/", 1)[-1]: (kind, score)
        for group in report.groups
        if group.drop
        for path, kind, score in zip(group.drop, group.kinds, group.scores, strict=True)
    }
    flips = {name for name, (kind, _) in by_name.items() if kind == "flip"}
    assert flips == {"0-flip.jpg", "1-flip.jpg", "2-flip.jpg"}
    assert [names([pair.left, pair.right]) for pair in report.pairs if pair.kind == "exact"] == [
        {"0-equal.jpg", "0-original.jpg"}
    ]
    assert all(score >= report.threshold for _, score in by_name.values())


@pytest.mark.usefixtures("few_measured", "compared_once")
def test_dry_run_changes_nothing_and_apply_marks_once(report, store, folder):
    assert store.log()[-1].verb == "embed"
    before = store.snapshot
    files = {path: path.read_bytes() for path in folder.iterdir()}
    assert found_in(store, apply=True) == report
    assert store.snapshot == before + 1
    table = store.read(["path", "sample_id", "duplicate_of", "duplicate_group", "duplicate_score"])
    rows = {row["path"]: row for row in table.to_pylist()}
    dropped = {path: group.keep for group in report.groups for path in group.drop}
    for path, row in rows.items():
        keeper = rows[dropped[path]]["sample_id"] if path in dropped else None
        assert row["duplicate_of"] == keeper
        assert (row["duplicate_score"] is None) == (path not in dropped)
        if keeper is not None:
            assert row["duplicate_group"] == rows[dropped[path]]["duplicate_group"] is not None
    assert {path: path.read_bytes() for path in folder.iterdir()} == files
    assert store.log()[-1].counts["duplicates"] == len(dropped)
    store.undo()


def test_kept_cover_and_pack(report, store):
    copies = [pair for pair in report.pairs if pair.verdict == "copy"]
    paired = {frozenset((pair.left, pair.right)) for pair in copies}
    kinds = {frozenset((pair.left, pair.right)): pair.kind for pair in copies}
    dropped = {path: group.keep for group in report.groups for path in group.drop}
    equal = {path for pair in kinds if kinds[pair] == "exact" for path in pair}
    for path, keep in dropped.items():
        assert keep not in dropped
        assert frozenset((path, keep)) in paired or path in equal
    kept = set(store.read(["path"]).column("path").to_pylist()) - set(dropped)
    assert not any(pair <= kept for pair in paired)


@pytest.mark.usefixtures("few_measured")
def test_order_of_rows_does_not_matter(folder, tmp_path):
    some = {"0-original", "0-jpeg", "0-caption", "0-flip", "0-equal", "alike-0", "alike-1"}
    files = sorted(str(path) for path in folder.iterdir() if path.stem in some)
    random = np.random.default_rng(0)
    reports = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        shuffled = list(random.permutation(files))
        made = dataset(tmp_path / str(number) / "d", [str(path) for path in shuffled])
        reports.append(found_in(made))
    assert reports[0] == reports[1]


def test_identical_pictures_are_always_found(tmp_path):
    """Also when all other pictures are equal too, and when they have no texture."""
    folder = tmp_path / "equal"
    for number in range(40):
        save(np.full((64, 64), 128, np.uint8), folder / f"{number:02}.jpg")
    report = found_in(dataset(folder))
    assert len(report.groups) == 1
    assert len(report.groups[0].drop) == 39
    assert set(report.groups[0].kinds) == {"exact"}


def test_alike_pictures_are_kept(tmp_path):
    folder = tmp_path / "alike"
    for seed in range(16):
        save(np.kron(alike(10 + seed, 50), np.ones((2, 2), np.uint8)), folder / f"{seed}.jpg")
    report = found_in(dataset(folder))
    assert report.dropped == 0
    assert report.candidates >= 80  # of 120


@pytest.mark.parametrize("threshold", [0, -1, 1.5, "best", float("nan")])
def test_threshold_out_of_range(store, threshold):
    with pytest.raises(UsageError, match="threshold"):
        found_in(store, threshold=threshold)


def test_without_vectors(tmp_path):
    with pytest.raises(UsageError, match="embed"):
        found_in(Store.create(tmp_path / "empty.tamis"))


def test_one_picture(tmp_path):
    save(scene(0), tmp_path / "one" / "0.jpg")
    report = found_in(dataset(tmp_path / "one"))
    assert (report.groups, report.pairs, report.candidates) == ([], [], 0)


@pytest.mark.usefixtures("few_measured")
@pytest.mark.parametrize(
    "orientations", ["1368", pytest.param("012345678", marks=pytest.mark.nightly)]
)
def test_exif_orientations_are_one_view(shared_data, tmp_path, orientations):
    """Files of two pictures in several orientations; a digit printed on each differs."""
    folder = shared_data / "exif_orientation"
    files = [
        str(folder / f"{kind}_{at}.jpg")
        for kind in ("Landscape", "Portrait")
        for at in orientations
    ]
    store = dataset(tmp_path / "exif", files)
    report = found_in(store, apply=True)
    assert report.dropped == 0
    assert {group.verdict for group in report.groups} == {"changed"}
    groups = store.read(["changed_group"]).column("changed_group").to_pylist()
    assert sorted(groups.count(group) for group in set(groups)) == [len(orientations)] * 2


@pytest.fixture(scope="module")
def turned(tmp_path_factory) -> Store:
    """Two oblong scenes with copies turned by quarters, one of them mirrored, one changed."""
    made = tmp_path_factory.mktemp("turned") / "pictures"
    for seed in range(2):
        picture = np.kron(scene(seed)[:96], np.ones((2, 2), np.uint8))
        save(picture, made / f"{seed}-original.jpg")
        for quarters in (1, 2, 3):
            save(np.rot90(picture, quarters), made / f"{seed}-turned{quarters}.jpg", quality=60)
        save(np.rot90(picture)[:, ::-1], made / f"{seed}-both.jpg")
    changed = np.kron(scene(0)[:96], np.ones((2, 2), np.uint8))
    changed[20:60, 30:90] = 255 - changed[20:60, 30:90]
    save(np.rot90(changed), made / "0-turned-changed.jpg")
    for seed in range(6):
        save(np.kron(alike(10 + seed, 50), np.ones((2, 2), np.uint8)), made / f"alike-{seed}.jpg")
    return dataset(made)


WAYS = ("original", "turned1", "turned2", "turned3", "both")


@pytest.fixture(scope="module")
def turned_report(turned) -> DuplicateReport:
    with few_pairs_measured(), pairs_compared_once():
        return found_in(turned, rotations=True)


def test_turned_copies_are_found_when_asked_for(turned_report):
    groups = [group for group in turned_report.groups if group.drop]
    dropped = {path for group in groups for path in names(group.drop)}
    kept = {path for group in groups for path in names([group.keep])}
    assert dropped | kept == {f"{seed}-{how}.jpg" for seed in range(2) for how in WAYS}
    assert len(kept) == 2
    assert {pair.kind for pair in turned_report.pairs if pair.verdict == "copy"} >= {"turned"}


def test_the_changed_place_of_a_turned_picture_lies_in_its_file(turned_report):
    [pair] = [
        pair
        for pair in turned_report.pairs
        if names([pair.left, pair.right]) == {"0-original.jpg", "0-turned-changed.jpg"}
    ]
    assert (pair.verdict, pair.kind) == ("changed", "turned")
    boxes = {
        next(iter(names([path]))): box
        for path, box in ((pair.left, pair.region.left), (pair.right, pair.region.right))
    }
    width = 256
    # A quarter counter-clockwise: what was at the right is at the top.
    for name, middle in (("0-original", (60, 40)), ("0-turned-changed", (40, width - 60))):
        x, y, across, down = boxes[f"{name}.jpg"]
        assert x <= middle[0] <= x + across
        assert y <= middle[1] <= y + down
        assert across * down < 3 * 60 * 40


@pytest.mark.usefixtures("few_measured", "compared_once")
def test_turned_copies_are_not_looked_for_unless_asked(turned):
    found = found_in(turned)
    pairs = [names([pair.left, pair.right]) for pair in found.pairs if pair.verdict == "copy"]
    assert {"0-original.jpg", "0-turned1.jpg"} not in pairs
    assert all(pair.kind != "turned" for pair in found.pairs)


@pytest.mark.parametrize("angle", [-2.0, 2.0])
def test_of_a_picture_and_its_tilted_copy_the_first_stays(tmp_path, angle):
    made = tmp_path / "pictures"
    picture = np.kron(scene(7), np.ones((3, 3), np.uint8))
    save(picture, made / "b-original.jpg", quality=70)
    tilted = Image.fromarray(picture).rotate(angle, resample=Image.Resampling.BICUBIC)
    save(np.asarray(tilted), made / "a-tilted.jpg", quality=97)
    assert (made / "a-tilted.jpg").stat().st_size > (made / "b-original.jpg").stat().st_size
    report = found_in(dataset(made), threshold=0.4)
    [group] = [group for group in report.groups if group.drop]
    assert names([group.keep]) == {"b-original.jpg"}
    assert group.reasons == ["upright"]
