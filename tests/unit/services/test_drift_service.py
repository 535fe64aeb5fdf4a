"""Drift: whether it is found, what explains it, what a reference holds, what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from drift_pictures import blurred, darker, save, with_disc
from filling import embed, ingest
from mosaic_encoder import Mosaic
from sample_rows import sample_ids
from tamis.dataset.store import Store
from tamis.errors import EncoderError, InputError, UsageError
from tamis.runtime.workspace import Workspace, execute
from tamis.services.drift.contract import DriftCheck, DriftFit
from tamis.services.drift.fit import _reference
from tamis.services.drift.monitor import past_checks
from tamis.services.drift.reference import Facts, Reference
from tamis.services.drift.side import Side
from tamis.services.report.contract import Report
from tamis.services.report.drift_checks import drift_checks
from tamis.sources.video.places import FRAME_COLUMNS

DIM = 24


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of pictures as they should be, and of drifted ones."""
    root = tmp_path_factory.mktemp("drift")
    save(root / "usual" / "a", range(60))
    save(root / "usual" / "b", range(60, 120))
    save(root / "same", range(1000, 1060))
    save(root / "blurred", range(2000, 2060), blurred)
    save(root / "darker", range(3000, 3060), darker)
    save(root / "product", range(4000, 4042))
    save(root / "product", range(4042, 4060), with_disc)
    (root / "product" / "broken.png").write_bytes(b"no picture")
    return root


def open_with(store, encoder=None):
    workspace = Workspace(store)
    workspace.encoders.add(encoder or Mosaic())
    return workspace


@pytest.fixture(scope="module")
def fitted(folders):
    """A dataset of the usual pictures with a reference of them."""
    store = Store.create(folders / "line.tamis")
    ingest(store, [str(folders / "usual")], labels="folder")
    embed(store, Mosaic())
    workspace = open_with(store)
    execute(workspace, DriftFit())
    return workspace


def check(workspace, *sources, **options):
    options = {"permutations": 199, "monitor": False, **options}
    return execute(workspace, DriftCheck(tuple(map(str, sources)), **options))


def filled(path, vectors, **columns):
    """A dataset of rows with vectors, and a workspace of it."""
    store = Store.create(path)
    ids = sample_ids(0, len(vectors))
    rows = {"sample_id": ids, "path": [f"{name}.png" for name in ids], **columns}
    with store.operation("add") as operation:
        if "video" in columns:
            operation.require_columns(FRAME_COLUMNS)
        operation.insert(pa.table(rows))
    with store.operation("embed") as operation:
        column = operation.add_vector_column("test:rows", "f" * 32, vectors.shape[1])
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        operation.set_vectors(column, ids, unit.astype(np.float32))
    return Workspace(store)


def chunk(start, stop):
    return f"sample_id >= '{start:032x}' AND sample_id < '{stop:032x}'"


# Whether there is drift, and what


def test_pictures_like_the_reference_are_hardly_ever_drift(tmp_path):
    rng = np.random.default_rng(5)
    workspace = filled(
        tmp_path / "d.tamis",
        rng.normal(size=(520, DIM)) + 1,
        brightness=pa.array(rng.random(520), pa.float32()),
        sharpness=pa.array(rng.random(520), pa.float32()),
    )
    execute(workspace, DriftFit(where=chunk(0, 120)))
    found = [check(workspace, where=chunk(at, at + 50)) for at in range(120, 520, 50)]
    assert sum(one.drift for one in found) <= 1
    assert {one.cause for one in found if not one.drift} == {"none"}
    assert all(not one.select for one in found if not one.drift)


@pytest.mark.parametrize(
    ("folder", "cause", "said"),
    [
        ("blurred", "capture", "the lens may be dirty or out of focus"),
        ("darker", "capture", "brightness fell"),
        ("product", "content", "new product"),
    ],
)
def test_what_drifted_is_found_and_told(fitted, folders, folder, cause, said):
    found = check(fitted, folders / folder)
    assert found.drift
    assert found.p_value <= 0.05
    assert found.cause == cause
    assert said in " ".join(found.explanation)
    assert found.pictures == 60


def test_a_dirty_lens_is_no_new_product(fitted, folders):
    assert "product" not in " ".join(check(fitted, folders / "blurred").explanation)
    assert "lens" not in " ".join(check(fitted, folders / "product").explanation)


def test_a_new_kind_is_a_new_cluster_whose_pictures_are_to_be_labeled(fitted, folders):
    found = check(fitted, folders / "product", examples=5)
    new = [one for one in found.clusters if one.change == "new"]
    discs = {f"{seed:05}.png" for seed in range(4042, 4060)}
    assert new
    assert new[0].path.rpartition("/")[2] in discs
    picked = {one.path.rpartition("/")[2] for one in found.examples if one.label}
    assert len(picked & discs) >= 4
    assert [failure.path.rpartition("/")[2] for failure in found.failed] == ["broken.png"]


def test_a_check_changes_nothing_and_its_select_command_finds_the_pictures(fitted, folders):
    before = fitted.store.snapshot
    found = check(fitted, folders / "product")
    assert fitted.store.snapshot == before
    add, embedding, select = found.select
    assert add.startswith("tamis add ")
    assert embedding.startswith("tamis embed --encoder test:mosaic")
    other = Store.create(folders / "other.tamis")
    ingest(other, [str(folders / "product")])
    condition = select.partition('--include "')[2].rstrip('"')
    assert open_with(other).samples.of(condition).count() == 10


def test_harm_is_estimated_from_labels(fitted, folders):
    found = check(fitted, folders / "darker")
    assert found.harm is not None
    assert found.harm.low <= found.harm.change <= found.harm.high
    assert found.harm.assumptions


def test_rows_are_chosen_by_tag_split_and_snapshot(fitted, folders):
    store = Store.create(folders / "rows.tamis")
    ingest(store, [str(folders / "usual"), str(folders / "darker")])
    embed(store, Mosaic())
    workspace = open_with(store)
    whole = workspace.samples.of()
    dark = whole.where("source LIKE '%darker%'").ids
    with store.operation("mark") as operation:
        operation.set_marks(dark, {"split": ["new"] * 60, "tags": [["it's"]] * 60})
    execute(workspace, DriftFit(where="source LIKE '%usual%'"))
    for chosen in ({"split": "new"}, {"tag": "it's"}, {"where": "brightness < .9", "split": "new"}):
        found = check(workspace, **chosen)
        assert found.drift
        assert found.pictures == 60
        assert found.select[0].startswith("tamis select 10")
    everything = check(workspace, snapshot=store.snapshot)
    assert everything.pictures == 180
    assert everything.reference_pictures == 120
    said = "120 of the pictures are in the reference itself"
    assert any(note.startswith(said) for note in everything.notes)


def test_hour_and_camera_are_compared_only_if_both_vary(tmp_path):
    rng = np.random.default_rng(1)
    start = datetime.fromisoformat("2026-03-01T06:00")
    times = [start + timedelta(hours=5 * number) for number in range(120)]
    times += [start + timedelta(days=31, minutes=number) for number in range(60)]
    cameras = [("left", "right")[number % 2] for number in range(120)] + ["left"] * 60
    workspace = filled(
        tmp_path / "d.tamis", rng.normal(size=(180, DIM)), captured_at=times, camera=cameras
    )
    execute(workspace, DriftFit(where=chunk(0, 120)))
    found = check(workspace, where=chunk(120, 180))
    assert [one.name for one in found.covariates] == []
    asked = check(workspace, where=chunk(120, 180), covariates=["camera", "hour"])
    assert {one.name: one.batch for one in asked.covariates}["camera"] == "left"
    assert asked.drift


# Frames


def walk(rng, rows):
    """Frames that follow each other slowly."""
    steps = rng.normal(size=(rows, DIM))
    for row in range(1, rows):
        steps[row] = 0.6 * steps[row - 1] + np.sqrt(1 - 0.36) * steps[row]
    return steps


def test_frames_in_a_row_count_as_one_draw(tmp_path):
    rng = np.random.default_rng(7)
    parts = [walk(rng, 900), *(walk(rng, 600) for _ in range(4))]
    videos = [number for number, part in enumerate(parts) for _ in part]
    workspace = filled(
        tmp_path / "d.tamis",
        np.concatenate(parts),
        video=[f"/v{number}.mp4" for number in videos],
        frame=pa.array([row for part in parts for row in range(len(part))], pa.int64()),
    )
    report = execute(workspace, DriftFit(where="video = '/v0.mp4'"))
    assert report.block_length > 10
    assert report.units == pytest.approx(900 / report.block_length, abs=1)
    alone = tmp_path / "alone.npz"
    execute(workspace, DriftFit(where="video = '/v0.mp4'", block=1, out=alone))
    options = [{"where": f"video = '/v{number}.mp4'"} for number in range(1, 5)]
    checks = [check(workspace, **one) for one in options]
    assert sum(one.drift for one in checks) <= 1
    draws = pytest.approx(600 / report.block_length, abs=1)
    assert [one.units for one in checks] == [(report.units, draws)] * 4
    assert sum(check(workspace, **one, reference=alone).drift for one in options) >= 3
    with pytest.raises(UsageError, match="in a row"):
        check(workspace, where="video = '/v1.mp4' AND frame < 200")


# The running e-value


def test_pictures_count_once_in_the_running_e_value(tmp_path, folders, fitted):
    out = tmp_path / "line.npz"
    execute(fitted, DriftFit(out=out))
    options = {"reference": out, "monitor": True}
    first = check(fitted, folders / "same", **options)
    again = check(fitted, folders / "same", **options)
    assert first.e_value == again.e_value
    assert any("count once" in note for note in again.notes)
    assert not first.alarms
    drifted = check(fitted, folders / "darker", **options)
    assert drifted.alarms
    assert drifted.e_value >= 20
    assert drifted.alarms[0].path.rpartition("/")[2].startswith("030")
    (tmp_path / "line.monitor.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        check(fitted, folders / "same", **options)


# The reference


def test_a_reference_takes_four_megabytes_at_most_and_reads_back(tmp_path):
    rng = np.random.default_rng(0)
    rows = 12_000
    side = Side(
        ids=sample_ids(0, rows),
        paths=[""] * rows,
        vectors=rng.normal(size=(rows, 400)).astype(np.float32),
        figures=rng.random((rows, 4)),
        cameras=["front", None, "back"] * (rows // 3),
        labels=[None] * rows,
        series=np.full(rows, -1),
        days=3,
    )
    facts = Facts(
        encoder="test:rows",
        fingerprint="f" * 32,
        covariates=("brightness", "sharpness", "size", "hour", "camera"),
        cameras=("back", "front"),
        days=3,
        block_length=1,
        all_follow=False,
        level=0.05,
        seed=0,
    )
    made = _reference(side, side.blocks(1), facts, None, rng)
    path = tmp_path / "r.npz"
    assert 3_000_000 < made.write(path) == path.stat().st_size
    assert 3_900_000 < made.rows.nbytes + 16 * len(made.ids) <= 4_000_000
    read = Reference.read(path)
    assert (read.ids, read.facts) == (made.ids, facts)
    np.testing.assert_array_equal(read.rows.codes, made.rows.codes)
    assert read.to_bytes() == made.to_bytes()


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"PK" + b])
def test_a_damaged_reference_is_refused_in_one_sentence(fitted, tmp_path, damage):
    out = tmp_path / "r.npz"
    execute(fitted, DriftFit(out=out))
    out.write_bytes(damage(out.read_bytes()))
    with pytest.raises(InputError, match="fit it again"):
        check(fitted, where="width > 0", reference=out)


def test_an_undo_brings_back_the_reference_before(folders, tmp_path):
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(folders / "usual")])
    embed(store, Mosaic())
    workspace = open_with(store)
    with pytest.raises(UsageError, match="no drift reference"):
        check(workspace, folders / "same")
    first = execute(workspace, DriftFit())
    second = execute(workspace, DriftFit(seed=1, level=0.01))
    assert first.reference != second.reference
    assert check(workspace, folders / "same").reference == second.reference
    store.undo()
    assert check(workspace, folders / "same").reference == first.reference


def test_a_reference_stands_alone_without_a_dataset(fitted, folders, tmp_path, monkeypatch):
    out = tmp_path / "r.npz"
    execute(fitted, DriftFit(out=out))
    monkeypatch.setattr("tamis.encoders.registry.load_encoder", lambda *_a, **_o: Mosaic())
    monkeypatch.setattr("tamis.encoders.registry.full_spec", _Spec)
    found = check(None, folders / "darker", reference=out)
    assert found.drift


class _Spec:
    def __init__(self, spec):
        self.kind, _, self.name = spec.partition(":")
        self.options = {}

    def __str__(self):
        return f"{self.kind}:{self.name}"


# What is refused


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "nothing to check"),
        ({"sources": ["a"], "where": "true"}, "both given"),
        ({"where": "true", "exclude": ["*.png"]}, "of new pictures"),
        ({"where": "true", "covariates": ["color"]}, "give brightness"),
    ],
)
def test_checks_that_mean_nothing_are_refused(fields, said):
    with pytest.raises(UsageError, match=said):
        DriftCheck(**fields)


def test_few_pictures_are_refused(fitted, tmp_path):
    save(tmp_path / "few", range(19))
    with pytest.raises(UsageError, match="at least 20"):
        check(fitted, tmp_path / "few")
    with pytest.raises(UsageError, match="at least 20"):
        execute(fitted, DriftFit(where="sample_id < '1'"))


def test_an_encoder_that_has_changed_is_refused(fitted, folders):
    changed = open_with(fitted.store, Mosaic(fingerprint="9" * 32))
    with pytest.raises(EncoderError, match="fit the reference again"):
        check(changed, folders / "same")


# The page


def test_a_page_shows_what_changed_before_and_after(fitted, folders, tmp_path):
    out = tmp_path / "page.html"
    found = check(fitted, folders / "product", gallery=out)
    assert found.gallery == str(out)
    page = out.read_text()
    assert "The pictures have drifted" in page
    assert found.explanation[0][1:] in page
    for one in found.examples:
        assert f'data-path="{one.path}"' in page
    assert page.count("to label</span>") == sum(one.label for one in found.examples)
    for one in found.clusters:
        assert f"{one.change}: {one.reference_share:.0%} before" in page
    assert page.count("<svg ") == 1
    # nothing is asked of any network
    assert not re.findall(r'(?:src|href)="https?:', page)


def test_a_page_of_no_drift_says_so(fitted, folders, tmp_path):
    out = tmp_path / "page.html"
    found = check(fitted, folders / "same", gallery=out)
    page = out.read_text()
    assert found.drift == ("No drift</h1>" not in page)
    with pytest.raises(UsageError, match=r"ends in \.html"):
        check(fitted, folders / "same", gallery=tmp_path / "page.txt")


def test_checks_over_time_are_in_page_and_report(tmp_path, monkeypatch):
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(320, DIM)) + 1
    vectors[280:, 0] += 4
    workspace = filled(tmp_path / "d.tamis", vectors)
    assert drift_checks(workspace.store) is None
    execute(workspace, DriftFit(where=chunk(0, 160)))
    assert drift_checks(workspace.store).charts == ()
    out = tmp_path / "page.html"
    for at in (160, 200, 240, 280):
        found = check(workspace, where=chunk(at, at + 40), monitor=True, gallery=out)
    assert found.alarms
    past = past_checks(Path(found.reference))
    assert [one.pictures for one in past] == [40, 80, 120, 160]
    assert [one.alarm for one in past] == [False] * 3 + [True]
    assert past[-1].e_value == found.e_value
    more = [replace(one, drift=at > 0) for at, one in enumerate(past)]
    with monkeypatch.context() as patch:
        patch.setattr("tamis.services.report.drift_checks.past_checks", lambda _: more)
        told = {one.label: one.value for one in drift_checks(workspace.store).figures}
    assert told.pop("latest").startswith("p = ")
    assert told == {
        "reference": "160", "checks": "4", "pictures": "160", "drift": "3", "alarms": "1",
    }  # fmt: skip
    page = out.read_text()
    assert page.count("<svg ") == 3
    assert page.count('class="raised"') == 1 + sum(one.drift for one in past)
    execute(workspace, Report(tmp_path / "report.html"))
    report = (tmp_path / "report.html").read_text()
    assert 'id="drift"' in report
    assert "Evidence of drift, check by check" in report
    # counted again is no check of its own
    check(workspace, where=chunk(280, 320), monitor=True)
    assert len(past_checks(Path(found.reference))) == 4
