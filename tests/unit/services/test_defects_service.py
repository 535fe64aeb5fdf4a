"""Defects: models that are fitted, what they find, what they promise, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cell_encoder import Cells
from filling import ingest
from mosaic_encoder import Mosaic
from part_pictures import part, save_parts, with_hole
from tamis.algo.run_lengths import mask_of, read_counts
from tamis.dataset.store import Store
from tamis.errors import EncoderError, InputError, UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.runtime.defect_model import DefectModel
from tamis.runtime.workspace import Workspace, execute
from tamis.services.defects.contract import DefectsFit, DefectsScore
from tamis.services.defects.result import ScoredPicture
from tamis.services.defects.rows import PictureRow
from tamis.services.defects.truth import Truth, agreement
from tamis.services.history.contract import Undo

FAST = {
    "encoder": "test:cells",
    "flaws": ("missing",),
    "bank": 300,
    "side": 64,
    "levels": ["stride8"],
}


ALARMS = 2
"""Of six nominal pictures, each with 1 chance in 20, more alarm once in 500 times."""


def open_with(store, *encoders):
    workspace = Workspace(store)
    for encoder in encoders or (Cells(),):
        workspace.encoders.add(encoder)
    return workspace


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of nominal parts and of others; nothing but `add` was done."""
    root = tmp_path_factory.mktemp("parts")
    save_parts(root / "good", range(24))
    save_parts(root / "today", range(100, 106))
    save_parts(root / "today" / "holes", range(200, 204), with_hole)
    (root / "today" / "broken.png").write_bytes(b"no picture")
    ingest(Store.create(root / "parts.tamis"), [str(root / "good")])
    return root


@pytest.fixture(scope="module")
def fitted(folders):
    workspace = open_with(Store.open(folders / "parts.tamis"))
    report = execute(
        workspace, DefectsFit(encoder="test:cells", flaws=("missing", "noise"), bank=300)
    )
    return workspace, report


def test_a_model_is_fitted_to_pictures_that_were_only_added(fitted):
    _, report = fitted
    assert report.pictures == report.groups == 24
    assert [one.reads for one in report.experts][-1] == "mean"
    assert set(report.planted) == {"missing", "noise"}
    # what was chosen is one of those compared, as good as the best within what chance makes
    assert report.candidates[0].auroc <= report.candidates[1].auroc
    assert report.candidates[0].auroc > report.candidates[1].auroc - 0.2
    assert report.promised_rate <= report.false_alarm_rate == 0.05
    assert report.fewest_groups == 19
    assert not report.suspects
    assert not report.failed


def test_what_is_chosen_finds_planted_flaws_that_did_not_choose(tmp_path):
    # flaws of four pixels, as of smaller parts, are hardly more than the grain between them
    save_parts(tmp_path / "good", range(24), size=128)
    store = Store.create(tmp_path / "parts.tamis")
    ingest(store, [str(tmp_path / "good")])
    request = DefectsFit(encoder="test:cells", flaws=("missing", "noise"), bank=300)
    report = execute(open_with(store), request)
    assert report.planted_auroc > 0.85
    assert min(report.planted.values()) > 0.75


def test_flaws_of_new_pictures_are_found_at_their_place(folders, fitted):
    workspace, report = fitted
    found = execute(workspace, DefectsScore([str(folders / "today")]))
    assert found.false_alarm_rate == report.promised_rate == pytest.approx(1 / 25)
    assert 4 <= found.anomalous <= 4 + ALARMS
    worst = found.pictures[:4]
    assert all("holes" in one.path and one.anomalous for one in worst)
    for one in worst:
        left, top, width, height = one.regions[0].box
        assert left <= 25 < left + width
        assert top <= 45 < top + height
        mask = mask_of(read_counts(one.regions[0].mask), 64, 64)
        assert mask.sum() == one.regions[0].area
        assert mask[45, 25]
    assert not any(one.regions for one in found.pictures if not one.anomalous)
    assert [one.reason for one in found.failed]
    assert found.layer is None
    assert workspace.store.count(None) == 24
    assert not workspace.store.annotations(["sample_id"]).num_rows


def test_the_model_in_its_file_says_the_same(folders, fitted, tmp_path):
    workspace, report = fitted
    out = tmp_path / "model.npz"
    out.write_bytes(Path(report.model).read_bytes())
    again = DefectModel.read(out)
    assert again.to_bytes() == out.read_bytes()
    sources = [str(folders / "today")]
    by_file = execute(workspace, DefectsScore(sources, model=str(out)))
    by_name = execute(workspace, DefectsScore(sources))
    assert [one.score for one in by_file.pictures] == [one.score for one in by_name.pictures]
    with np.load(out, allow_pickle=False) as arrays:
        assert json.loads(str(arrays["about"]))["format"] == 2


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_a_darker_or_brighter_exposure_is_no_flaw(fitted, tmp_path, gain):
    workspace, _ = fitted

    def exposed(pixels):
        return np.clip(pixels * gain, 0, 255).astype(np.uint8)

    save_parts(tmp_path / "exposed", range(300, 306), exposed)
    assert execute(workspace, DefectsScore([str(tmp_path / "exposed")])).anomalous <= ALARMS


def test_a_model_does_not_depend_on_where_the_files_lie(tmp_path):
    thresholds = []
    for name in ("here", "elsewhere/deep"):
        folder = tmp_path / name
        save_parts(folder / "good", range(8))
        store = Store.create(folder / "d.tamis")
        ingest(store, [str(folder / "good")])
        report = execute(open_with(store), DefectsFit(**FAST, shots=6))
        thresholds.append(report.threshold)
    assert thresholds[0] == thresholds[1]


def test_rows_get_a_layer_which_undo_takes_back(folders, tmp_path):
    store = Store.create(tmp_path / "rows.tamis")
    ingest(store, [str(folders / "good"), str(folders / "today")])
    workspace = open_with(store)
    execute(workspace, DefectsFit(**FAST, where="path NOT LIKE '%today%'"))
    found = execute(workspace, DefectsScore(new=True))
    assert len(found.pictures) == 10
    assert found.layer == "defects"
    table = store.annotations(["sample_id", "kind", "label", "mask"]).to_pylist()
    assert sum(row["label"] == "score" for row in table) == 10
    assert sum(row["label"] == "anomalous" for row in table) == found.anomalous
    assert 4 <= found.anomalous <= 4 + ALARMS
    assert {row["sample_id"] for row in table if row["mask"]} == {
        one.sample_id for one in found.pictures if one.anomalous
    }
    assert execute(workspace, DefectsScore(new=True)).pictures == []
    truth = execute(
        workspace, DefectsScore(where="path LIKE '%today%'", truth="defects", layer="b")
    )
    assert truth.truth.flawed == found.anomalous
    assert truth.truth.picture_auroc == 1
    assert truth.truth.pixel_auroc > 0.99
    assert truth.truth.recall == 1
    assert truth.truth.false_alarms == 0
    execute(workspace, Undo())
    execute(workspace, Undo())
    execute(workspace, Undo())
    assert not store.annotations(["sample_id"]).num_rows


def test_masks_in_a_folder_are_compared_by_name(folders, fitted, tmp_path):
    workspace, _ = fitted
    mask = np.zeros((64, 64), np.uint8)
    mask[40:50, 20:30] = 255
    (tmp_path / "masks" / "holes").mkdir(parents=True)
    for seed in range(200, 204):
        Image.fromarray(mask).save(tmp_path / "masks" / "holes" / f"part{seed:04}_mask.png")
    found = execute(
        workspace, DefectsScore([str(folders / "today")], masks=tmp_path / "masks")
    ).truth
    assert (found.flawed, found.picture_auroc) == (4, 1)
    assert found.false_alarms <= ALARMS / 6
    assert found.pixel_auroc > 0.95
    assert found.pro > 0.8
    assert found.f1 > 0.4
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none of the 0 masks"):
        execute(workspace, DefectsScore([str(folders / "today")], masks=tmp_path / "none"))


def test_overlays_and_a_page_are_written(folders, fitted, tmp_path):
    workspace, report = fitted
    request = DefectsScore(
        [str(folders / "today")], maps=tmp_path / "maps", gallery=tmp_path / "page.html"
    )
    found = execute(workspace, request)
    assert len(list((tmp_path / "maps").iterdir())) == 10
    worst = np.asarray(Image.open(found.pictures[0].map).convert("RGB")).astype(int)
    assert worst[45, 25, 0] > worst[45, 25, 2] + 60  # red or yellow where the hole is
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f"{found.anomalous} of 10 pictures are anomalous" in page
    assert "part0200" in page
    # the scores that the page works the false-alarm rate out from are those of the model
    nominal = np.array(re.search(r'data-nominal="([^"]+)"', page)[1].split(), float)
    assert len(nominal) == report.groups
    above = np.count_nonzero(nominal > found.threshold + 1e-5)
    assert (above + 1) / (len(nominal) + 1) == pytest.approx(report.promised_rate)


def test_unmarked_flaws_among_the_nominal_pictures_are_set_aside(tmp_path):
    save_parts(tmp_path / "mixed", range(20))
    rng = np.random.default_rng(0)
    # no two alike: what several pictures have is no flaw to a model that knows no other
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]
    for seed, color in zip(range(20, 25), colors, strict=True):
        at = tuple(rng.integers(0, 54, 2).tolist())
        save_parts(
            tmp_path / "mixed",
            [seed],
            lambda pixels, at=at, color=color: with_hole(pixels, at, color),
        )
    store = Store.create(tmp_path / "mixed.tamis")
    ingest(store, [str(tmp_path / "mixed")])
    workspace = open_with(store)
    report = execute(workspace, DefectsFit(**FAST, contamination=0.2, rate=0.1))
    flawed = {f"part{seed:04}" for seed in range(20, 25)}
    assert {one.path.rpartition("/")[2][:8] for one in report.suspects} == flawed
    # five of 25 are set aside, and two of the others may be above the threshold
    assert any("up to 0.27 if none is" in note for note in report.notes)
    save_parts(tmp_path / "new", range(30, 36))
    save_parts(tmp_path / "new", range(40, 44), with_hole)
    found = execute(workspace, DefectsScore([str(tmp_path / "new")]))
    called = {one.path.rpartition("/")[2][:8] for one in found.pictures if one.anomalous}
    assert {f"part{seed:04}" for seed in range(40, 44)} <= called
    assert len(called) <= 6
    trusting = execute(workspace, DefectsFit(**FAST))
    assert trusting.threshold > report.threshold
    assert any("look flawed themselves" in note for note in trusting.notes)


def test_a_batch_scores_itself_without_a_model(tmp_path):
    save_parts(tmp_path / "batch", range(12))
    save_parts(tmp_path / "batch", [12], lambda pixels: with_hole(pixels, (30, 8)))
    save_parts(tmp_path / "batch", [13], lambda pixels: with_hole(pixels, (44, 40), [240, 60, 60]))
    workspace = open_with(
        Store.create(tmp_path / "empty.tamis"), Cells(spec="bundled:efficientnet-lite0")
    )
    found = execute(workspace, DefectsScore([str(tmp_path / "batch")], batch=True))
    assert {Path(one.path).stem for one in found.pictures[:2]} == {"part0012", "part0013"}
    assert found.anomalous == 2
    assert found.false_alarm_rate is None
    assert found.model is None
    assert any("scored each other" in note for note in found.notes)
    save_parts(tmp_path / "two", range(2))
    with pytest.raises(UsageError, match="at least 3"):
        execute(workspace, DefectsScore([str(tmp_path / "two")], batch=True))


@pytest.mark.parametrize("shots", [1, 3])
def test_few_pictures_promise_nothing_and_say_so(folders, shots, tmp_path):
    workspace = open_with(Store.open(folders / "parts.tamis"))
    out = tmp_path / "few.npz"
    report = execute(workspace, DefectsFit(**FAST, shots=shots, rotations=shots == 1, out=out))
    assert report.pictures == shots
    assert report.promised_rate > report.false_alarm_rate
    assert any("19" in note for note in report.notes)
    found = execute(workspace, DefectsScore([str(folders / "today" / "holes")], model=str(out)))
    assert min(one.score for one in found.pictures) > 2


def test_pictures_of_one_part_are_one_draw(folders, tmp_path):
    store = Store.create(tmp_path / "grouped.tamis")
    ingest(store, [str(folders / "good")])
    workspace = open_with(store)
    ids = workspace.samples.of().ids
    with workspace.store.operation("mark") as operation:
        operation.set_marks(ids, {"duplicate_group": [at // 2 for at in range(24)]})
    out = tmp_path / "grouped.npz"
    report = execute(workspace, DefectsFit(**FAST, group="duplicate_group", out=out))
    assert report.groups == 12
    assert any("12 parts promise" in note for note in report.notes)


def test_the_same_seed_gives_the_same_model(folders, tmp_path):
    files = []
    for name in ("a.npz", "b.npz"):
        workspace = open_with(Store.open(folders / "parts.tamis"))
        execute(workspace, DefectsFit(**FAST, out=tmp_path / name))
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]


def test_what_cannot_be_fitted_is_refused(folders, tmp_path):
    workspace = open_with(Store.open(folders / "parts.tamis"), Cells(), Mosaic())
    with pytest.raises(UsageError, match="no picture to fit to"):
        execute(workspace, DefectsFit(**FAST, where="width > 9000"))
    with pytest.raises(UsageError, match="no features by place"):
        execute(workspace, DefectsFit(encoder="test:mosaic"))
    with pytest.raises(UsageError, match="no feature level 'attic'"):
        execute(workspace, DefectsFit(**{**FAST, "levels": ["attic"]}))
    store = Store.create(tmp_path / "gone.tamis")
    Image.fromarray(part(0)).save(tmp_path / "one.png")
    ingest(store, [str(tmp_path / "one.png")])
    (tmp_path / "one.png").write_bytes(b"no picture any more")
    with pytest.raises(InputError, match="none of the pictures can be read"):
        execute(open_with(store), DefectsFit(**FAST))


def test_what_cannot_be_scored_is_refused(folders, fitted, tmp_path):
    workspace, _ = fitted
    sources = [str(folders / "today")]
    with pytest.raises(UsageError, match="no model 'other'; it has defects"):
        execute(workspace, DefectsScore(sources, model="other"))
    with pytest.raises(InputError, match="there is no model"):
        execute(None, DefectsScore(sources, model=str(tmp_path / "none.npz")))
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no model of defects, or damaged"):
        execute(workspace, DefectsScore(sources, model=str(tmp_path / "bad.npz")))
    with pytest.raises(UsageError, match="no truth"):
        execute(workspace, DefectsScore(where="true", layer="truth"))
    with pytest.raises(InputError, match="marks no place"):
        execute(workspace, DefectsScore(where="true", truth="defects"))
    other = open_with(workspace.store, Cells(fingerprint="ff" * 16))
    with pytest.raises(EncoderError, match="fit it again"):
        execute(other, DefectsScore(sources))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "nothing to score"),
        ({"sources": ["a"], "where": "true"}, "both given"),
        ({"where": "true", "exclude": ["x"]}, "name their source"),
        ({"sources": ["a"], "truth": "boxes"}, "score those"),
        ({"where": "true", "truth": "boxes", "masks": "m"}, "once"),
    ],
)
def test_requests_that_contradict_themselves_are_refused(options, reason):
    with pytest.raises(UsageError, match=reason):
        DefectsScore(**options)


def test_recall_and_false_alarms_are_shares_of_what_is_flawed_and_of_what_is_not():
    flawed, called = [1, 1, 1, 0, 0], [1, 0, 0, 1, 0]
    scores = [9.0, 3.0, 2.0, 8.0, 1.0]
    pictures = [
        ScoredPicture(str(at), score, bool(yes), [])
        for at, (score, yes) in enumerate(zip(scores, called, strict=True))
    ]
    masks = [np.array([[bool(yes), False]]) for yes in flawed]
    found = agreement(pictures, [np.array([[1, 0]], np.float32)] * 5, masks)
    assert (found.flawed, found.false_alarms) == (3, 0.5)
    assert found.recall == pytest.approx(1 / 3)
    assert found.picture_auroc == pytest.approx(4 / 6)


def test_boxes_and_outlines_of_a_layer_cover_their_pixels_at_the_size_of_comparison(tmp_path):
    Image.new("RGB", (1024, 512)).save(tmp_path / "wide.png")
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(tmp_path / "wide.png")])
    [name] = store.read(["sample_id"]).column(0).to_pylist()
    ring = [600, 100, 700, 100, 700, 200, 600, 200]
    rows = AnnotationRows("truth")
    for place, polygons in (((100, 40, 200, 80), ()), ((600, 100, 100, 100), (ring,))):
        rows.add(name, SourceAnnotation(name, "hole", *place), Placed(place, polygons))
    with store.operation("import") as operation:
        operation.add_annotations(rows.table())
    row = PictureRow(name, "wide.png", "", "", "", 1024, 512)
    mask = Truth(store, DefectsScore(where="true", truth="truth"), [row]).mask(row)
    assert mask.shape == (256, 512)
    box, outline = mask[:, :250], mask[:, 250:]
    expected = np.zeros((256, 250), np.bool_)
    expected[20:60, 50:150] = True
    np.testing.assert_array_equal(box, expected)
    assert outline[51:99, 51:99].all()
    assert abs(int(outline.sum()) - 2500) <= 110


@pytest.mark.parametrize("kind", ["bank", "residual"])
def test_a_model_learns_pictures_of_a_new_kind(tmp_path, kind):
    def other(pixels):
        changed = pixels.copy()
        changed[40:46] = pixels[40:46] // 2  # a dark bar, which earlier parts have not
        return changed

    save_parts(tmp_path / "good", range(20))
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(tmp_path / "good")])
    workspace = open_with(store)
    options = {**FAST, "model": kind}
    before = execute(workspace, DefectsFit(**options, name="line"))
    save_parts(tmp_path / "other", range(100, 112), other)
    save_parts(tmp_path / "new", range(300, 306), other)
    red = [250, 0, 0]
    save_parts(tmp_path / "holes", range(400, 404), lambda one: with_hole(other(one), color=red))
    news, holes = [str(tmp_path / "new")], [str(tmp_path / "holes")]
    assert execute(workspace, DefectsScore(news, model="line")).anomalous == 6
    ingest(store, [str(tmp_path / "other")])
    report = execute(workspace, DefectsFit(onto="line", name="line"))
    assert (report.pictures, report.groups) == (32, 32)
    assert report.side == before.side
    assert report.experts == before.experts
    assert any("12 of 32 pictures were new" in note for note in report.notes)
    seen, flawed = (execute(workspace, DefectsScore(one, model="line")) for one in (news, holes))
    assert seen.anomalous <= ALARMS
    assert flawed.anomalous == 4
    with pytest.raises(UsageError, match="has learned all 32 pictures"):
        execute(workspace, DefectsFit(onto="line"))
    with pytest.raises(UsageError, match="keeps its encoder"):
        DefectsFit(onto="line", side=64).check()
    execute(workspace, Undo())
    assert execute(workspace, DefectsScore(news, model="line")).anomalous == 6
