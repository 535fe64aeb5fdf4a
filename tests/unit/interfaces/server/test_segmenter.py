"""Points of a picture to a mask, by a function that the user names when the server begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from served_dataset import sample_id
from tamis.algo.run_lengths import mask_of, read_counts
from tamis.errors import TamisError
from tamis.interfaces.server.pictures import upright
from tamis.interfaces.server.segmenter import Segmenter

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tamis.interfaces.server.session import Session

ADDRESS = f"/api/pictures/{sample_id(0)}/segments"


def test_points_become_a_mask_of_the_upright_picture(
    session: Session, page: TestClient, tmp_path: Any
) -> None:
    # a file whose Exif data says that it stands on its side
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[:10, :20] = 250
    exif = Image.Exif()
    exif[0x0112] = 6
    uri = str(tmp_path / "turned.jpg")
    with session.workspace.store.operation("relink") as op:
        op.relocate([sample_id(0)], {"uri": [uri]})
    Image.fromarray(pixels).save(uri, quality=95, subsampling=0, exif=exif)
    session.segmenter = Segmenter("flood_segmenter:segment")
    picture = np.asarray(upright(session.workspace.samples, sample_id(0)))
    assert picture.shape == (40, 30, 3)
    answer = page.post(ADDRESS, json={"points": [[25.5, 5.5, 1]]})
    mask = mask_of(read_counts(answer.json()["mask"]), 30, 40)
    assert mask[5, 25]
    assert not mask[30, 5]
    assert 150 < mask.sum() < 250
    both = page.post(ADDRESS, json={"points": [[25.5, 5.5, 1], [26, 6, 0]]}).json()["mask"]
    assert mask_of(read_counts(both), 30, 40).sum() < mask.sum()


def test_without_one_the_page_says_how_to_name_one(page: TestClient) -> None:
    answer = page.post(ADDRESS, json={"points": [[1, 1, 1]]})
    assert answer.status_code == 400
    assert "--segmenter MODULE:FUNCTION" in answer.json()["error"]
    assert page.get("/api/dataset").json()["segmenter"] is False


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flood_segmenter:broken", "failed: RuntimeError: no weights"),
        ("flood_segmenter:small", r"shape (2, 3); it has to return [H, W] bool, here (96, 64)"),
    ],
)
def test_what_the_users_function_does_wrong_is_a_sentence(
    session: Session, page: TestClient, name: str, message: str
) -> None:
    session.segmenter = Segmenter(name)
    answer = page.post(ADDRESS, json={"points": [[1, 1, 1]]})
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"points": []},
        {"points": [[1, 2]]},
        {"points": [[1, 2, "3"]]},
        {"points": [[10**400, 2, 1]]},
        {"points": [[1, 2, 1]] * 201},
        {"points": [[True, 2, 1]]},
    ],
)
def test_what_are_no_points_is_refused(session: Session, page: TestClient, body: Any) -> None:
    session.segmenter = Segmenter("flood_segmenter:segment")
    assert page.post(ADDRESS, json=body).status_code == 400


@pytest.mark.parametrize("name", ["os", "os:", ":x", "os:nothing", "no_such_module:f", "os:sep"])
def test_what_names_no_function_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(TamisError):
        Segmenter(name)
