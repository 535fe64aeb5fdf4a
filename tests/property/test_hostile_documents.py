"""Documents with anything anywhere cost what is wrong in them, with a sentence, and no more.

A sound document of each format is taken, and values in it are replaced by hostile ones.
"""

from __future__ import annotations

import copy
import io
import json
import tarfile
import tempfile
import zlib
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.packed_runs import pack_mask
from tamis.errors import TamisError
from tamis.formats.annotations.read import read_as
from tamis.formats.annotations.source_annotation import SourceAnnotation
from tamis.types import Failure

SIZE = (80, 60)
MASK = np.zeros((60, 80), bool)
MASK[4:20, 5:15] = True


def packed(array: np.ndarray) -> dict:
    stream = io.BytesIO()
    np.save(stream, array)
    return {"$binary": {"base64": b64encode(zlib.compress(stream.getvalue())).decode()}}


RESULT = {"original_width": 80, "original_height": 60, "image_rotation": 0, "to_name": "image"}
RECORD = {
    "width": 80, "height": 60, "label": "dog", "captions": ["two dogs"],
    "labels": {"name": ["dog", "cat"], "confidence": [0.5, None]},
    "numbers": {"name": ["n"], "value": [3]},
    "objects": {
        "bbox": [[1, 2, 9, 9], [2, 2, 9, 9]], "category": ["dog", "cat"],
        "kind": ["polygon", "keypoints"], "segmentation": [[[1, 2, 10, 2, 10, 11]], None],
        "keypoints": [None, [1, 2, 2]], "mask": [None, None], "confidence": [0.5, None],
        "crowd": [None, True], "attributes": ['{"a": 1}', None],
    },
}  # fmt: skip
DOCUMENTS = {
    "coco": {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9], "iscrowd": 0,
             "segmentation": [[1, 2, 10, 2, 10, 11]], "score": 0.5, "attributes": {"a": 1}},
            {"id": 2, "image_id": 1, "category_id": 1,
             "segmentation": {"counts": [10, 5, 4785], "size": [60, 80]}},
            {"id": 3, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9],
             "keypoints": [1, 2, 2]},
            {"id": 4, "image_id": 1, "caption": "two dogs"},
        ],
    },
    "labelme": {
        "version": "5.0.1", "flags": {}, "imagePath": "a.jpg", "imageWidth": 80,
        "imageHeight": 60,
        "shapes": [
            {"label": "dog", "points": [[1, 2], [10, 11]], "shape_type": "rectangle", "flags": {}},
            {"label": "cat", "points": [[1, 2], [9, 2], [9, 9]], "shape_type": "polygon"},
        ],
    },
    "labelstudio": [
        {
            "id": 1, "data": {"image": "/data/upload/1/0123abcd-a.jpg"},
            "annotations": [{
                "completed_by": {"id": 3}, "was_cancelled": False,
                "result": [
                    {**RESULT, "id": "a", "type": "rectanglelabels", "from_name": "box",
                     "value": {"x": 1, "y": 2, "width": 9, "height": 9, "rotation": 30,
                               "rectanglelabels": ["dog"]}},
                    {**RESULT, "id": "p", "type": "keypointlabels", "parentID": "a",
                     "value": {"x": 1, "y": 2, "width": 1, "keypointlabels": ["point1"]}},
                    {**RESULT, "id": "a", "type": "choices", "from_name": "wet",
                     "value": {"choices": ["yes"]}},
                    {**RESULT, "id": "b", "type": "brushlabels",
                     "value": {"format": "rle", "rle": pack_mask(MASK), "brushlabels": ["cat"]}},
                    {**RESULT, "id": "c", "type": "polygonlabels",
                     "value": {"points": [[1, 2], [9, 2], [9, 9]], "polygonlabels": ["cat"]}},
                    {**RESULT, "id": "d", "type": "ellipselabels",
                     "value": {"x": 50, "y": 50, "radiusX": 9, "radiusY": 5, "rotation": 0,
                               "ellipselabels": ["cat"]}},
                    {"id": "e", "type": "choices", "from_name": "c", "value": {"choices": ["x"]}},
                    {"id": "f", "type": "textarea", "from_name": "t", "value": {"text": ["y"]}},
                    {"id": "g", "type": "number", "from_name": "n", "value": {"number": 3}},
                ],
            }],
            "predictions": [],
        }
    ],
    "fiftyone": {
        "samples": [{
            "filepath": "data/a.jpg",
            "metadata": {"_cls": "ImageMetadata", "width": 80, "height": 60},
            "ground_truth": {"_cls": "Detections", "detections": [
                {"_cls": "Detection", "label": "dog", "bounding_box": [0.1, 0.1, 0.5, 0.5],
                 "confidence": 0.5, "mask": packed(MASK[:30, :40])},
            ]},
            "ground_truth_polylines": {"_cls": "Polylines", "polylines": [
                {"_cls": "Polyline", "label": "x", "closed": True,
                 "points": [[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]]},
            ]},
            "ground_truth_keypoints": {"_cls": "Keypoints", "keypoints": [
                {"_cls": "Keypoint", "label": "x", "points": [[0.1, 0.1], [0.5, 0.6]]},
            ]},
            "ground_truth_classes": {"_cls": "Classifications", "classifications": [
                {"_cls": "Classification", "label": "x"},
            ]},
        }]
    },
    "imagefolder": {"file_name": "a.jpg", **RECORD},
    "webdataset": RECORD,
}  # fmt: skip
FILES = {"imagefolder": "metadata.jsonl", "fiftyone": "samples.json"}

HOSTILE = [
    None, True, -1, 0, 3, 0.5, 10**400, 2**63, float("nan"), float("inf"), -1e308, 1e308, "", "x",
    "../../../etc/passwd", "\0", "\ud800", "e\u0301", "9" * 400, [], {}, [[]], [None], [{}],
    {"a": None},
    [1, 2], [1, 2, 3, 4], ["a", "b", "c", "d"], {"_cls": "Detection"}, [[[[1]]]], "1", 1e9,
    packed(np.zeros((2, 2, 2))), {"$binary": "AAAA"}, {"$binary": {"base64": "eJwBAAD//w=="}},
    {"counts": "zz", "size": [60, 80]}, {"counts": [-1, 4801], "size": [60, 80]},
    [0, 0, 0, 8, 57, 27, 252, 96], [255] * 40, ["point2"], {"rle": [1]}, {"x": 1}, {"choices": 3},
]  # fmt: skip


def places(value, at: tuple = ()) -> list[tuple]:
    """Every place in a document, by the keys that lead there."""
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, one in items:
        if not (isinstance(key, int) and key > 12):  # the bytes of a brush are many alike
            found += places(one, (*at, key))
    return found


def replaced(document, at: tuple, value):
    inner = document
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value


def write(folder: Path, name: str, document) -> Path:
    text = json.dumps(document)
    if name == "webdataset":
        with tarfile.open(folder / "a.tar", "w") as tar:
            for member, content in (("a.jpg", b""), ("a.json", text.encode()), ("a.cls", b"3")):
                entry = tarfile.TarInfo(member)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return folder / "a.tar"
    file = folder / FILES.get(name, "a.json")
    file.write_text(text)
    return file


def outcome(name: str, file: Path) -> list[str]:
    """Read it as an import does, and return all sentences."""
    sentences = []
    try:
        for one in read_as(name, file):
            if isinstance(one, SourceAnnotation):
                placed = one.placed(*SIZE, 1)
                sentences += [placed] if isinstance(placed, str) else []
            else:
                sentences.append(one.reason if isinstance(one, Failure) else one)
    except TamisError as error:
        sentences.append(str(error))
    return sentences


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_sound_document_is_read(tmp_path, name):
    assert outcome(name, write(tmp_path, name, DOCUMENTS[name])) == []


@pytest.mark.parametrize("name", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=120)
def test_anything_anywhere_is_a_sentence_at_most(name, data):
    document = copy.deepcopy(DOCUMENTS[name])
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.sampled_from(places(document)))
        replaced(document, at, copy.deepcopy(data.draw(st.sampled_from(HOSTILE))))
    with tempfile.TemporaryDirectory() as folder:
        for sentence in outcome(name, write(Path(folder), name, document)):
            assert sentence
            assert "\n" not in sentence
            assert len(sentence) < 1500


@pytest.mark.parametrize("name", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=25)
def test_a_document_that_breaks_off_is_refused(name, data):
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder), name, DOCUMENTS[name])
        content = file.read_bytes().rstrip(b"\0")
        cut = data.draw(st.integers(0, len(content) - 1))
        file.write_bytes(content[:cut])
        sentences = outcome(name, file)
        assert cut == 0 or name == "webdataset" or sentences
