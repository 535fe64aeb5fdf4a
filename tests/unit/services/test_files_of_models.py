"""Files of models from somebody else: what they say of themselves may be anything."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.dataset.array_file import packed
from tamis.errors import InputError
from tamis.runtime.defect_model import DefectModel
from tamis.services.drift.reference import Reference


@pytest.mark.parametrize("read", [DefectModel.read, Reference.read])
@pytest.mark.parametrize(
    "about",
    [
        "",
        "5",
        "[]",
        '"words"',
        "null",
        "[[1, 2]]",
        "{}",
        '{"format": 1}',
        '{"format": 99}',
        '{"format": 1, "experts": 5}',
        '{"format": 1, "experts": [5], "flaws": []}',
        '{"format": 1, "experts": [{"levels": 5}], "flaws": []}',
        '{"format": 1, "experts": [{"levels": []}], "flaws": 5}',
        "[" * 50_000,
    ],
)
def test_a_file_that_says_anything_of_itself_is_one_sentence(tmp_path, read, about):
    file = tmp_path / "model.npz"
    file.write_bytes(packed({"about": np.array(about), "ids": np.arange(3, dtype=np.uint8)}))
    with pytest.raises(InputError, match=r"model\.npz"):
        read(file)
    file.write_bytes(packed({"ids": np.arange(3)}))
    with pytest.raises(InputError, match=r"model\.npz"):
        read(file)
