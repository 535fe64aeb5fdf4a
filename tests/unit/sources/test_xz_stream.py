from __future__ import annotations

import lzma
import zlib

import numpy as np
import pytest

from tamis.sources.archives import close_archives
from tamis.sources.locations import iter_locations
from tamis.sources.xz_stream import MAX_XZ_MEMORY, open_xz
from tamis.types import Failure

DATA = np.random.default_rng(0).bytes(200_000) + bytes(300_000)


def packed(dictionary: int) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": dictionary}]
    return lzma.compress(b"a" * 1000, filters=filters)


def with_dictionary_of_4_gb(data: bytes) -> bytes:
    """Let the header of the first block claim the largest dictionary there is."""
    changed = bytearray(data)
    block = changed[12 : 12 + 4 * (changed[12] + 1)]
    assert block[2:4] == b"\x21\x01"  # LZMA2, one byte that tells its dictionary
    block[4] = 40
    block[-4:] = zlib.crc32(block[:-4]).to_bytes(4, "little")
    changed[12 : 12 + len(block)] = block
    return bytes(changed)


@pytest.mark.parametrize("seed", range(4))
def test_it_reads_and_moves_as_lzma_does(tmp_path, seed):
    path = tmp_path / "data.xz"
    middle = len(DATA) // 3
    path.write_bytes(lzma.compress(DATA[:middle]) + lzma.compress(DATA[middle:]))
    rng = np.random.default_rng(seed)
    with open_xz(str(path)) as ours, lzma.open(path) as theirs:
        for _ in range(40):
            if rng.random() < 0.5:
                offset = int(rng.integers(0, len(DATA) + 1000))
                assert ours.seek(offset) == theirs.seek(offset)
            size = int(rng.integers(0, 20_000))
            assert ours.read(size) == theirs.read(size)
            assert ours.tell() == theirs.tell()


def test_zeros_between_streams_are_passed(tmp_path):
    path = tmp_path / "data.xz"
    path.write_bytes(lzma.compress(b"a" * 9) + bytes(8) + lzma.compress(b"b" * 9) + bytes(4))
    with open_xz(str(path)) as stream:
        assert stream.read() == b"a" * 9 + b"b" * 9


def test_what_is_cut_short_or_damaged_raises(tmp_path):
    path = tmp_path / "data.xz"
    whole = lzma.compress(DATA)
    path.write_bytes(whole[:-5000])
    with pytest.raises(EOFError), open_xz(str(path)) as stream:
        stream.read(len(DATA))
    path.write_bytes(whole[:5000] + bytes(8) + whole[5008:])
    with pytest.raises((lzma.LZMAError, EOFError)), open_xz(str(path)) as stream:
        stream.read(len(DATA))


@pytest.mark.parametrize("dictionary", [1 << 20, 64 << 20])
def test_the_levels_of_xz_fit_the_limit(tmp_path, dictionary):
    path = tmp_path / "data.xz"
    path.write_bytes(packed(dictionary))
    with open_xz(str(path)) as stream:
        assert stream.read() == b"a" * 1000
    assert dictionary < MAX_XZ_MEMORY


def test_a_file_that_asks_for_4_gb_is_refused(tmp_path):
    path = tmp_path / "bomb.tar.xz"
    path.write_bytes(with_dictionary_of_4_gb(packed(1 << 20)))
    with pytest.raises(lzma.LZMAError, match="limit"), open_xz(str(path)) as stream:
        stream.read(1)
    (failure,) = iter_locations([str(path)])
    close_archives()
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("not a readable tar archive")
