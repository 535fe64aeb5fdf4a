"""Tiles cover a picture; conditions leave parts out unless they speak of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.dataset.parts import Box, part_id, tile_boxes


@given(st.integers(1, 300), st.integers(1, 300), st.integers(2, 6))
def test_tiles_cover_the_picture_and_stay_inside(width, height, count):
    seen = np.zeros((height, width), int)
    boxes = tile_boxes(width, height, count)
    for box in boxes:
        left, top, right, bottom = box.corners
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        seen[top:bottom, left:right] += 1
    assert seen.min() >= 1
    assert len(set(boxes)) == len(boxes) <= count * count
    if min(width, height) > 10 * count:
        assert len(boxes) == count * count


@pytest.mark.parametrize("count", [2, 3, 5])
def test_neighbouring_tiles_share_a_fifth(count):
    boxes = tile_boxes(4000, 3000, count)
    first, second = boxes[0], boxes[1]
    shared = first.x + first.width - second.x
    assert shared / first.width == pytest.approx(0.2, abs=0.01)


def test_a_part_has_one_name_for_one_place():
    names = {
        part_id(parent, kind, box, label)
        for parent in ("a", "b")
        for kind in ("crop", "tile")
        for box in (Box(0, 0, 5, 5), Box(0, 0, 5, 6))
        for label in (None, "x")
    }
    assert len(names) == 16
