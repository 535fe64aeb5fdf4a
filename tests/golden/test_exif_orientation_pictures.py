"""Real pictures, each stored in all eight orientations: once decoded they are one picture."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tamis.images.decode import decode
from tamis.images.perceptual_hash import phash
from tamis.images.quality import measure_quality, standard_gray

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("group", ["Landscape", "Portrait"])
@pytest.mark.parametrize("min_side", [None, 100])
def test_a_group_is_one_picture(shared_data: Path, group: str, min_side: int | None) -> None:
    folder = shared_data / "exif_orientation"
    with (folder / "groups.csv").open(newline="") as stream:
        members = [row for row in csv.DictReader(stream) if row["group"] == group]
    assert len(members) == 9

    decoded = [
        decode((folder / row["path"]).read_bytes(), row["path"], min_side=min_side)
        for row in members
    ]
    small = [
        np.asarray(one.image.resize((60, 60), Image.Resampling.BOX)).astype(float)
        for one in decoded
    ]
    grays = [standard_gray(one.image) for one in decoded]
    hashes = [int(phash(gray)) for gray in grays]
    sharpness = [measure_quality(gray).sharpness for gray in grays]

    assert [one.orientation for one in decoded] == [
        max(int(row["exif_orientation"]), 1) for row in members
    ]
    assert len({(one.width, one.height) for one in decoded}) == 1
    assert (decoded[0].width > decoded[0].height) == (group == "Landscape")
    assert max(np.abs(pixels - small[0]).mean() for pixels in small) < 2
    assert max((value ^ hashes[0]).bit_count() for value in hashes) <= 2
    assert max(sharpness) / min(sharpness) < 1.1


def test_without_turning_they_are_not(shared_data: Path) -> None:
    stored = [
        Image.open(shared_data / "exif_orientation" / f"Landscape_{number}.jpg").resize((60, 60))
        for number in (1, 6)
    ]

    assert np.abs(np.subtract(*(np.asarray(image).astype(float) for image in stored))).mean() > 20
