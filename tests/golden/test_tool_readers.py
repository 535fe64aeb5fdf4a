"""Other tools read what is exported for them: each finds the same pictures, classes and boxes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

import tamis
from tool_readers import READERS

SCRIPT = Path(__file__).resolve().parents[1] / "tool_readers.py"


@pytest.mark.nightly
@pytest.mark.skipif(
    "TAMIS_TOOLS" not in os.environ,
    reason="TAMIS_TOOLS names a Python with datasets, webdataset, supervision, ...",
)
def test_other_tools_find_the_same_boxes(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(3):
        Image.effect_noise((80, 60), 40 + number).save(tmp_path / "images" / f"{number}.x.png")
    boxes = [[1, 2, 10.5, 9.25], [40, 30, 20, 20], [5.125, 6, 7, 8]]
    document = {
        "images": [{"id": n, "file_name": f"{n}.x.png"} for n in range(3)],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "chat, été"}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": box}
            for n, box in enumerate(boxes)
        ],
    }
    (tmp_path / "in.json").write_text(json.dumps(document))
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path / "images"))
    ds.import_annotations("coco", tmp_path / "in.json")
    for reader in READERS:
        assert ds.export(reader.__name__, tmp_path / reader.__name__).exported == 3
    done = subprocess.run(
        [os.environ["TAMIS_TOOLS"], str(SCRIPT), str(tmp_path)],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path / "home")},
    )
    expected = {
        "pictures": [[80, 60]] * 3,
        "classes": ["chat, été", "dog"],
        "boxes": sorted([x, y, x + w, y + h] for x, y, w, h in boxes),
    }
    assert json.loads(done.stdout) == {one.__name__: expected for one in READERS}
