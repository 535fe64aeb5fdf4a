"""Files of arrays from somebody else: whatever is in them, they are arrays or one plain error."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.outside_arrays import read_array, read_arrays


def packed() -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, about=np.array("words"), rows=np.arange(200, dtype=np.float32))
    return content.getvalue()


def with_header(words: str, data: bytes = b"") -> bytes:
    header = words.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


WHOLE = packed()


def test_what_was_packed_is_read() -> None:
    assert read_arrays(WHOLE)["rows"].tolist() == list(range(200))
    content = io.BytesIO()
    np.save(content, np.eye(3))
    assert read_array(content.getvalue()).tolist() == np.eye(3).tolist()


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_one_kind_of_error(place: int, change: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[place] ^= change
    try:
        found = read_arrays(bytes(damaged))
    except ValueError:
        return
    assert all(isinstance(one, np.ndarray) for one in found.values())


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        read_arrays(WHOLE[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        WHOLE,
        pickle.dumps([print]),
        with_header("{'descr': ('"),
        with_header("(" * 3000),
        with_header("  a\n b\n   c"),
        with_header("{1: 2, 'a': 3, 'b': 4}"),
        with_header("{[]: 1}"),
        with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04N."),
        *(
            with_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},)}}", b"12")
            for size in (-1, 3, 2**50, 10**30)
        ),
    ],
)
def test_what_is_no_array_is_refused_and_never_run(content: bytes) -> None:
    with pytest.raises(ValueError, match="no array"):
        read_array(content)
