"""Run-length masks: every mask comes back, and its text is that of COCO's own library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tamis.algo.run_lengths import box_of_counts, counts_of, mask_of, read_counts, write_counts
from tamis.formats.annotations.source_annotation import SourceAnnotation

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(mask=MASKS)
def test_a_mask_comes_back_from_its_counts_and_from_their_text(mask):
    counts = counts_of(mask)
    height, width = mask.shape
    assert read_counts(write_counts(counts)) == counts
    np.testing.assert_array_equal(mask_of(counts, width, height), mask)


@given(mask=MASKS)
def test_the_box_of_counts_is_that_of_the_mask(mask):
    found = box_of_counts(counts_of(mask), mask.shape[0])
    if not mask.any():
        assert found is None
        return
    rows, columns = np.nonzero(mask)
    left, top = columns.min(), rows.min()
    assert found == (left, top, columns.max() - left + 1, rows.max() - top + 1)


@given(counts=st.lists(st.integers(0, 2**40), min_size=1, max_size=12))
def test_runs_of_any_length_are_written_and_read(counts):
    assert read_counts(write_counts(counts)) == counts


def test_the_text_is_that_of_pycocotools():
    """`mask.frPyObjects({"counts": [6, 1, 40, 4, 5, 44, 20], "size": [10, 12]}, 10, 12)`."""
    assert write_counts([6, 1, 40, 4, 5, 44, 20]) == "61X13mNX1?"


@pytest.mark.parametrize("text", ["\x00", "é", "o", "P" * 40, "O"])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(ValueError, match=r"run|breaks off"):
        read_counts(text)


@given(mask=MASKS, orientation=st.sampled_from([5, 6, 7, 8]), data=st.data())
def test_masks_boxes_and_outlines_are_turned_alike(mask, orientation, data):
    """A rectangle of the stored picture lies where its pixels and its outline lie upright."""
    height, width = mask.shape
    if height == width:
        width += 1
    x = data.draw(st.integers(0, width - 1))
    y = data.draw(st.integers(0, height - 1))
    w = data.draw(st.integers(1, width - x))
    h = data.draw(st.integers(1, height - y))
    stored = np.zeros((height, width), bool)
    stored[y : y + h, x : x + w] = True
    ring = (x, y, x + w, y, x + w, y + h, x, y + h)
    placed = SourceAnnotation(
        "p", "c", x, y, w, h, size=(width, height), kind="mask",
        polygon=(tuple(map(float, ring)),), mask=tuple(counts_of(stored)),
    ).placed(height, width, orientation)  # fmt: skip
    assert not isinstance(placed, str)
    assert box_of_counts(read_counts(placed.mask or ""), width) == placed.box
    across, down = placed.polygon[0][::2], placed.polygon[0][1::2]
    assert (min(across), min(down)) == placed.box[:2]
    assert (max(across) - min(across), max(down) - min(down)) == placed.box[2:]
