"""Fine-tuning a dataset: what is trained on, what is kept, and that it says so."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

torch = pytest.importorskip("torch", reason="needs tamis[ssl]")
pytest.importorskip("onnxscript", reason="needs tamis[ssl]")

from PIL import Image  # noqa: E402

import tamis  # noqa: E402
from tamis.errors import EncoderError, MissingExtraError, UsageError  # noqa: E402
from tamis.runtime.workspace import Workspace  # noqa: E402
from tamis.services.finetune.contract import Finetune  # noqa: E402
from tamis.services.finetune.facts import picture_facts, recipe_for  # noqa: E402
from tamis.services.finetune.licence import licence_of  # noqa: E402
from tamis.services.finetune.pictures import read_pictures  # noqa: E402
from tamis.services.finetune.run import finetune  # noqa: E402
from tamis.services.finetune.verdict import deciding, verdict_of  # noqa: E402
from tamis.training.backbone import Backbone  # noqa: E402
from tamis.verbs.feedback import Feedback  # noqa: E402
from tiny_networks import SIDE, write_colors, write_network, write_noise  # noqa: E402

QUICK = {"epochs": 2, "batch": 16, "device": "cpu"}


@pytest.fixture(autouse=True)
def one_trial_is_enough(monkeypatch):
    """Exporting takes seconds; one test lets it happen."""
    monkeypatch.setattr("tamis.services.finetune.run.require_writable", lambda _: None)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    write_noise(folder / "pictures", 40)
    dataset = tamis.open(folder / "noise.tamis")
    dataset.add(str(folder / "pictures"))
    return folder, write_network(folder)


@pytest.fixture
def dataset(noise, tmp_path):
    shutil.copytree(noise[0] / "noise.tamis", tmp_path / "noise.tamis")
    return tamis.open(tmp_path / "noise.tamis")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A network that was distilled from a teacher which sees colors, in a dataset of colors."""
    folder = tmp_path_factory.mktemp("colors")
    write_colors(folder / "pictures", 100)
    spec = write_network(folder)
    dataset = tamis.open(folder / "colors.tamis")
    dataset.add(str(folder / "pictures"))
    teacher = spec.partition(":Net")[0] + f":shades?size={SIDE}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tamis.services.finetune.run.require_writable", lambda _: None)
        report = dataset.finetune(
            encoder=spec, teacher=teacher, epochs=10, batch=16, rate=3e-3, patience=9, device="cpu"
        )
    return dataset, report


@pytest.mark.parametrize("method", ["simclr", "cutpaste"])
def test_nothing_is_learned_from_noise_and_it_says_so(noise, dataset, method):
    before = dataset.store.snapshot
    report = dataset.finetune(encoder=noise[1], method=method, **QUICK)
    assert report.kept == "old"
    assert report.why.startswith("training did not help, the old encoder is kept: ")
    assert report.file is None
    assert report.encoder.startswith("py:")
    assert dataset.store.snapshot == before
    assert not list((dataset.path / "tuned").glob("*.onnx"))
    assert not list((dataset.path / "tuned").glob("unfinished-*"))
    assert set(report.before) == {"halves", "copies", "flaws"}
    assert [one.name for one in report.figures if one.decides] == (
        ["flaws"] if method == "cutpaste" else ["halves"]
    )


def test_what_helped_is_kept_and_is_an_encoder_like_any_other(tuned):
    dataset, report = tuned
    assert report.kept == "tuned"
    (teacher,) = (one for one in report.figures if one.name == "teacher")
    assert teacher.decides
    assert teacher.difference.low > 0
    assert report.after["teacher"] > report.before["teacher"]
    assert report.encoder.startswith("tuned:tuned/distill-")
    embedded = dataset.embed(encoder=report.encoder)
    assert embedded.embedded == 100
    column = dataset.store.vector_columns()[-1]
    assert column.fingerprint[:8] in report.encoder
    hits = dataset.search(like=str(dataset.path.parent / "pictures" / "000.png"), k=3).hits
    assert len(hits) == 3
    assert hits[0].score > 0.9
    # it moves with the dataset, and says where it comes from
    (entry,) = (one for one in dataset.log() if one.verb == "finetune")
    assert entry.counts["encoder"] == report.encoder
    import onnx

    said = {one.key: one.value for one in onnx.load(report.file).metadata_props}
    assert said["tamis.method"] == "distill"
    assert said["tamis.licence"] == report.licence
    json.dumps(report.document())


def test_a_tuned_encoder_moves_with_its_dataset(tuned, tmp_path):
    dataset, report = tuned
    shutil.copytree(dataset.path, tmp_path / "elsewhere.tamis")
    moved = Workspace(tamis.open(tmp_path / "elsewhere.tamis").store)
    pixels = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    one = moved.encoders.load(report.encoder)
    np.testing.assert_array_equal(
        one.embed(pixels), Workspace(dataset.store).encoders.load(report.encoder).embed(pixels)
    )
    with pytest.raises(EncoderError, match="no tuned encoder"):
        tamis.open(tmp_path / "other.tamis").embed(encoder=report.encoder)
    with pytest.raises(UsageError, match="cannot be trained"):
        dataset.finetune(encoder=f"onnx:{report.file}", **QUICK)


def test_defects_can_be_fitted_to_its_maps(tuned):
    dataset, report = tuned
    fitted = dataset.defects_fit(encoder=report.encoder, shots=12)
    assert fitted.encoder == report.encoder


def mark(dataset, split, names):
    ids = dict(
        zip(*(dataset.table().column(n).to_pylist() for n in ("path", "sample_id")), strict=True)
    )
    chosen = [sample for path, sample in ids.items() if path.rpartition("/")[2][:3] in names]
    with dataset.store.operation("split", {}) as operation:
        operation.set_marks(chosen, {"split": pa.array([split] * len(chosen))})
    return set(chosen)


def test_val_and_test_are_never_trained_on_nor_are_their_copies(noise, tmp_path):
    folder = tmp_path / "pictures"
    write_noise(folder, 40)
    shutil.copy(folder / "003.png", folder / "copy.png")
    dataset = tamis.open(tmp_path / "x.tamis")
    dataset.add(str(folder))
    away = mark(dataset, "test", {"003", "004"}) | mark(dataset, "val", {"005", "006"})
    table = dataset.table()
    copy = next(row["sample_id"] for row in table.to_pylist() if row["path"].endswith("copy.png"))
    request = Finetune(encoder=noise[1])
    pictures, _ = read_pictures(Workspace(dataset.store), request)
    used = {row.sample_id for row in pictures.rows}
    assert not used & (away | {copy})
    assert pictures.measured_in == "held-out pictures"
    parts = [
        set(part.tolist()) for part in (pictures.trained_on, pictures.watched, pictures.measured_on)
    ]
    assert sum(map(len, parts)) == len(pictures.rows) == len(set.union(*parts))


def test_a_large_split_val_is_what_both_are_measured_on(noise, tmp_path):
    write_noise(tmp_path / "pictures", 90)
    dataset = tamis.open(tmp_path / "x.tamis")
    dataset.add(str(tmp_path / "pictures"))
    val = mark(dataset, "val", {f"{number:03}" for number in range(50)})
    pictures, _ = read_pictures(Workspace(dataset.store), Finetune(encoder=noise[1]))
    assert pictures.measured_in == "val split"
    measured = {pictures.rows[place].sample_id for place in pictures.measured_on}
    assert measured == val


def test_groups_stay_whole_and_rows_come_by_content(noise, tmp_path):
    write_noise(tmp_path / "a", 48)
    for number in range(48):
        name = f"{number // 3:02}"
        (tmp_path / "by" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "a" / f"{number:03}.png", tmp_path / "by" / name)
    dataset = tamis.open(tmp_path / "x.tamis")
    dataset.add(str(tmp_path / "by"), labels="folder")
    pictures, _ = read_pictures(Workspace(dataset.store), Finetune(encoder=noise[1], group="label"))
    for group in np.unique(pictures.groups):
        assert len(set(pictures.parts[pictures.groups == group])) == 1
    order = [row.content_hash for row in pictures.rows]
    assert order == sorted(order)


def test_too_little_is_refused(noise, tmp_path):
    write_noise(tmp_path / "few", 5)
    dataset = tamis.open(tmp_path / "x.tamis")
    dataset.add(str(tmp_path / "few"))
    with pytest.raises(UsageError, match="takes at least 12 groups"):
        dataset.finetune(encoder=noise[1])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "distill"}, "distill needs a teacher"),
        ({"method": "simclr", "teacher": "default"}, "a teacher is for distill"),
        ({"input": 64}, "input is for distill"),
        ({"out": "x.pt"}, "must end in .onnx"),
        ({"preview": "x.jpg"}, "must end in .png"),
        ({"batch": 1}, "at least 4"),
    ],
)
def test_contradictions_are_refused(given, said):
    with pytest.raises(UsageError, match=said):
        Finetune.of(given)


def test_a_side_larger_than_the_input_is_refused(noise, dataset):
    with pytest.raises(UsageError, match="side is 64"):
        dataset.finetune(encoder=noise[1], side=64)


def test_an_interrupted_run_goes_on_to_the_same_figures(noise, dataset):
    request = Finetune(encoder=noise[1], method="simclr", **QUICK)
    whole = finetune(Workspace(dataset.store), request)

    def stage(name):
        def progress(done, _total):
            if name == "train" and done == 2:
                raise KeyboardInterrupt

        return progress

    with pytest.raises(KeyboardInterrupt):
        finetune(Workspace(dataset.store), request, Feedback(stage=stage))
    (left,) = (dataset.path / "tuned").glob("unfinished-*")
    # what was left belongs to this request alone: another begins anew
    other = Finetune(encoder=noise[1], method="simclr", **QUICK | {"epochs": 1})
    assert finetune(Workspace(dataset.store), other).resumed == 0
    resumed = finetune(Workspace(dataset.store), request)
    assert resumed.resumed == 1
    assert resumed.figures == whole.figures
    assert resumed.epochs == whole.epochs
    assert not left.exists()


def test_a_preview_trains_nothing(noise, dataset, tmp_path):
    report = dataset.finetune(encoder=noise[1], method="cutpaste", preview=tmp_path / "sheet.png")
    assert report.kept is None
    assert report.epochs == []
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.size == (4 * 132 + 4, 8 * 132 + 4)
    assert np.asarray(sheet).std() > 10


def test_changes_follow_from_what_is_measured():
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.normal(128, 30, (60, 40, 40, 1)), 3, axis=3)
    texture = recipe_for(picture_facts(grey.clip(0, 255).astype(np.uint8)))
    assert (texture.saturation, texture.grey) == (0, 0)
    assert texture.mirror
    assert texture.flip
    lit = grey + np.linspace(50, -50, 40)[:, None, None] + [30, 0, -30]
    scene = recipe_for(picture_facts(lit.clip(0, 255).astype(np.uint8)))
    assert scene.saturation > 0
    assert scene.mirror
    assert not scene.flip
    assert not scene.turn


def test_a_network_that_cannot_be_written_is_not_trained_first(monkeypatch, noise, dataset):
    monkeypatch.undo()

    def refuse(*_):
        raise EncoderError("the network cannot be written as an ONNX graph: no")

    monkeypatch.setattr(Backbone, "write", refuse)
    stages = []

    def stage(name):
        stages.append(name)
        return lambda *_: None

    with pytest.raises(EncoderError, match="cannot be written"):
        finetune(Workspace(dataset.store), Finetune(encoder=noise[1]), Feedback(stage=stage))
    assert "train" not in stages


def test_without_pytorch_the_extra_is_named(monkeypatch, noise, dataset):
    monkeypatch.setattr("tamis.services.finetune.run.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"tamis\[ssl\]"):
        dataset.finetune(encoder=noise[1])


def test_terms_are_named():
    assert licence_of("bundled:efficientnet-lite0") == "Apache-2.0"
    assert "DINOv3 License" in licence_of("hf:facebook/dinov3-vits16-pretrain-lvd1689m")
    assert "AGPL" in licence_of("onnx:yolo11n.onnx")
    assert "your own to know" in licence_of("py:net:build")


class Exam:
    """Stands in for what is asked."""

    def groups_of(self, _figure):
        return np.arange(200)


class Given:
    rank = 1.0

    def __init__(self, **shares):
        self.values = {
            name: (np.arange(200) < round(200 * share)).astype(float)
            for name, share in shares.items()
        }


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        ({"knn": 0.7, "probe": 0.6, "copies": 0.9}, "tuned"),
        ({"knn": 0.5, "probe": 0.6, "copies": 0.9}, "old"),  # nothing is better
        # four of 200 are right that were wrong: sure by itself, not of two figures that decide
        ({"knn": 0.52, "probe": 0.6, "copies": 0.9}, "old"),
        ({"knn": 0.7, "probe": 0.4, "copies": 0.9}, "old"),  # one is worse
        ({"knn": 0.7, "probe": 0.6, "copies": 0.7}, "old"),  # copies are lost
    ],
)
def test_better_in_one_and_worse_in_none(after, kept):
    before = Given(knn=0.5, probe=0.6, copies=0.9)
    verdict = verdict_of(Exam(), before, Given(**after), deciding("simclr", labels=True), 0)
    assert verdict.kept == kept
