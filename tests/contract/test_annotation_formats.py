"""What every format of annotations promises: what it holds comes back, all else is counted.

One suite for all that can be exported, parametrized over the registry.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

import tamis
from tamis.algo.run_lengths import counts_of
from tamis.errors import InputError, TamisError, UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.read import READERS
from tamis.formats.annotations.source_annotation import SourceAnnotation
from tamis.formats.exports.annotated import PACKED
from tamis.formats.exports.export import FORMATS
from tamis.formats.writers import WRITERS
from tamis.services.annotate.contract import Import
from tamis.services.export.contract import Export

SIZE = WIDTH, HEIGHT = (80, 60)
NAMES = ("a.b.png", "c.png", "other/c.jpg", "é ü.png")
EVERYTHING = frozenset(
    {"box", "rotated_box", "polygon", "mask", "keypoints", "classification", "caption", "number",
     "crowd", "attributes", "confidence"}
)  # fmt: skip

HOLDS = {
    "coco": {"box", "polygon", "mask", "keypoints", "crowd", "caption", "attributes", "confidence"},
    "yolo": {"box", "confidence"},
    "voc": {"box", "mask"},
    "cvat": {"box", "rotated_box", "polygon", "mask", "classification", "attributes"},
    "labelme": {"box", "polygon"},
    "labelstudio": EVERYTHING - {"crowd"},
    "fiftyone": EVERYTHING - {"number"},
    "imagefolder": EVERYTHING,
    "huggingface": EVERYTHING,
    "webdataset": EVERYTHING,
    "yolo-classify": {"classification"},
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("formats")
    for number, name in enumerate(NAMES):
        file = root / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise(SIZE, 40 + number).save(file)
    ds = tamis.open(root / "d.tamis")
    ds.add(str(root / "images"))
    return ds


def ids(ds) -> list[str]:
    return ds.table(["sample_id", "path"]).sort_by("path")["sample_id"].to_pylist()


def entry(kind: str, label: str = "dog", shift: float = 0.0, **more) -> SourceAnnotation:
    """An annotation of each kind, all in eighths of a pixel."""
    if kind == "crowd":
        return entry("mask", label, shift, crowd=True, **more)
    if kind == "attributes":
        return entry("box", label, shift, attributes={"occluded": 1, "note": "wet"}, **more)
    if kind == "confidence":
        return entry("box", label, shift, confidence=0.625, **more)
    name = None if kind == "caption" else label
    said = {**shape(kind, label, 10.5 + shift, 8.25 + shift), **more}
    return SourceAnnotation("", name, kind=kind, **said)


def shape(kind: str, label: str, x: float, y: float) -> dict:
    place = {"left": x, "top": y, "width": 20.125, "height": 12.0}
    turned = (x + 10, y, x + 20, y + 10, x + 10, y + 20, x, y + 10)
    at = int(4 * x) - 30
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[4:20, at : at + 10] = True
    mask[8:12, at + 3 : at + 5] = False  # a hole
    shapes = {
        "classification": {},
        "caption": {"text": f"two {label}s"},
        "number": {"value": x},
        "polygon": {"polygon": ((x, y, x + 20.125, y, x + 20.125, y + 12, x + 1, y + 7),), **place},
        "rotated_box": {"polygon": (turned,), **place, "width": 20.0, "height": 20.0},
        "mask": {
            "mask": tuple(counts_of(mask)), "size": SIZE,
            "left": at, "top": 4, "width": 10, "height": 16,
        },
        "keypoints": {"keypoints": (x + 1, y + 2, 2, 0, 0, 0, x + 3, y + 4, 2), **place},
        "box": place,
    }  # fmt: skip
    return shapes[kind]


def fill(ds, said: list[tuple[str, SourceAnnotation]], layer: str = "made") -> None:
    """Let a layer say this and nothing else."""
    rows = AnnotationRows(layer)
    for name, one in said:
        placed = one.placed(*SIZE, 1)
        assert not isinstance(placed, str), placed
        rows.add(name, one, placed)
    with ds.store.operation("fill") as operation:
        operation.remove_annotations(layer)
        operation.add_annotations(rows.table())


_UNHELD = {"annotation_id", "layer", "time", "author", "source"}


def said(ds, layer: str, where: str | None = None) -> list:
    """What a layer says, without its name, ids and times."""
    rows = ds.annotations(where, layer=layer).to_pylist()
    kept = [{k: rounded(v) for k, v in row.items() if k not in _UNHELD} for row in rows]
    for row in kept:
        row["attributes"] = json.dumps(json.loads(row["attributes"] or "{}"), sort_keys=True)
    return sorted(kept, key=json.dumps)


def rounded(value):
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def without_what_voc_always_says(rows: list) -> list:
    for row in rows:
        if json.loads(row["attributes"]) == {"difficult": 0, "truncated": 0}:
            row["attributes"] = "{}"
    return sorted(rows, key=json.dumps)


def trip(ds, out: Path, format_name: str, **asked) -> tuple[list, list[str]]:
    """Export the layer and import it again: what came back, and what was said of losses."""
    report = ds.export(format_name, out, layer="made", **asked)
    try:
        ds.import_annotations("auto" if format_name != "yolo-classify" else format_name, out,
                              layer="back", replace=True)  # fmt: skip
    except InputError:  # nothing of it could be held
        with ds.store.operation("clear") as operation:
            operation.remove_annotations("back")
    back = said(ds, "back")
    return without_what_voc_always_says(back) if format_name == "voc" else back, list(report.notes)


def test_the_registry_and_the_faces_name_the_same_formats():
    asked = set(get_args(get_type_hints(Export)["format"]))
    assert asked == set(FORMATS) == {"folder", "csv", "parquet", *WRITERS}
    assert set(get_args(get_type_hints(Import)["format"])) == {"auto", *READERS}
    assert set(WRITERS) == set(HOLDS) <= set(READERS)


@pytest.mark.parametrize("format_name", WRITERS)
def test_what_a_format_holds_comes_back_also_after_edits(dataset, tmp_path, format_name):
    first, second, _, last = ids(dataset)
    kinds = sorted(HOLDS[format_name] - {"confidence"})
    made = [
        (name, entry(kind, label, 0.5 * number))
        for number, (name, label) in enumerate([(first, "dog"), (second, "chat, été"), (last, "x")])
        for kind in kinds
        if format_name != "voc" or not (kind == "mask" and name == last)
    ]
    fill(dataset, made)
    back, notes = trip(dataset, tmp_path / "one", format_name)
    assert back == said(dataset, "made")
    assert [note for note in notes if "of kind picture" not in note] == []
    # a box is moved, a class renamed, a picture left out
    edited = [
        (name, entry(kind, "Katze" if one.label == "chat, été" else one.label or "q", 2.5))
        for (name, one), kind in zip(made, kinds * 3, strict=False)
        if name != first
    ]
    fill(dataset, edited)
    where = f"sample_id <> '{first}'"
    back, _ = trip(dataset, tmp_path / "two", format_name, where=where)
    assert back == said(dataset, "made")


@pytest.mark.parametrize("format_name", [name for name in WRITERS if "confidence" in HOLDS[name]])
def test_predictions_keep_their_confidence(dataset, tmp_path, format_name):
    first, second, *_ = ids(dataset)
    fill(dataset, [(first, entry("confidence")), (second, entry("box", confidence=0.25))])
    report = dataset.export(format_name, tmp_path / "out", layer="made")
    field = "predictions" if format_name == "labelstudio" else None
    dataset.import_annotations(
        format_name, tmp_path / "out", layer="back", replace=True, field=field
    )
    assert (said(dataset, "back"), list(report.notes)) == (said(dataset, "made"), [])
    with pytest.raises(UsageError, match="holds predictions"):
        dataset.import_annotations(format_name, tmp_path / "out", field=field)


THINGS = st.lists(
    st.tuples(
        st.sampled_from(sorted(EVERYTHING - {"confidence"})),
        st.sampled_from(["dog", "chat, été", "a/b", "<&>'\"", "犬"]),
        st.integers(0, 80).map(lambda n: n / 8),
        st.integers(0, len(NAMES) - 1),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: (one[0], one[2], one[3]),
)


@pytest.mark.parametrize("format_name", WRITERS)
@given(things=THINGS)
@settings(
    max_examples=3, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_whatever_does_not_come_back_is_counted(dataset, tmp_path_factory, format_name, things):
    names = ids(dataset)
    fill(dataset, [(names[at], entry(kind, label, shift)) for kind, label, shift, at in things])
    out = tmp_path_factory.mktemp("out") / "o"
    if format_name == "yolo-classify" and not any(one[0] == "classification" for one in things):
        with pytest.raises(UsageError, match="has a class"):
            dataset.export(format_name, out, layer="made")
        return
    back, notes = trip(dataset, out, format_name)
    made = said(dataset, "made")
    lost = [note for note in notes if "of kind picture" not in note]
    left_out = sum(int(n) for note in lost for n in re.findall(r": (\d+) of .*left out", note))
    assert len(back) + left_out == len(made)
    assert (back == made) or lost


@pytest.mark.parametrize("format_name", WRITERS)
def test_pictures_go_along_and_a_changed_one_is_listed(dataset, tmp_path, format_name):
    fill(dataset, [(name, entry("classification")) for name in ids(dataset)])
    file = next(Path(p) for p in dataset.table(["uri"])["uri"].to_pylist() if p.endswith("a.b.png"))
    content = file.read_bytes()
    file.write_bytes(content + b"more")
    try:
        report = dataset.export(format_name, tmp_path / "out", layer="made")
    finally:
        file.write_bytes(content)
    assert report.exported == len(NAMES) - 1
    assert [Path(one.path).name for one in report.failed] == ["a.b.png"]
    written = {one.name for one in (tmp_path / "out").rglob("*") if one.is_file()}
    if format_name not in PACKED:
        assert len([n for n in written if n.endswith((".png", ".jpg"))]) == len(NAMES) - 1
    listed = parquet.read_table(tmp_path / "out/manifest.parquet")["file"].to_pylist()
    assert written - {"manifest.parquet"} <= {Path(file).name for file in listed}


@pytest.mark.parametrize("format_name", WRITERS)
def test_an_export_twice_is_the_same_bytes(dataset, tmp_path, format_name):
    kinds = sorted(HOLDS[format_name] - {"confidence"})
    fill(dataset, [(name, entry(kind)) for name in ids(dataset)[:2] for kind in kinds])
    for out in ("one", "two"):
        dataset.export(format_name, tmp_path / out, layer="made")
    one, two = (
        {f.relative_to(tmp_path / out): f.read_bytes() for f in (tmp_path / out).rglob("*.*")
         if f.is_file()}
        for out in ("one", "two")
    )  # fmt: skip
    assert one == two


def sentences(ds, format_name: str, place: Path) -> list[str]:
    """What an import of something useless says."""
    try:
        report = ds.import_annotations(format_name, place, layer="nonsense")
    except TamisError as error:
        return [str(error)]
    assert report.imported == 0
    return [one.reason for one in report.failed]


@pytest.mark.parametrize("format_name", sorted(READERS))
@pytest.mark.parametrize("content", [b"", b"\0\1\2", b"[" * 400, b'{"a":', b"[1]", b"\xff\xfe{"])
def test_files_of_nonsense_are_refused_with_a_sentence(dataset, tmp_path, format_name, content):
    names = ["a.json", "samples.json", "metadata.json", "metadata.jsonl", "tasks.json", "a.tar",
             "state.json", "a.xml", "data.yaml", "a.txt", "a.csv", "a.parquet"]  # fmt: skip
    for name in names:
        (tmp_path / name).write_bytes(content)
    for place in (tmp_path, *(tmp_path / name for name in names)):
        said_of_it = sentences(dataset, format_name, place)
        assert said_of_it
        assert not any("\n" in one for one in said_of_it)
    assert not said(dataset, "nonsense")
