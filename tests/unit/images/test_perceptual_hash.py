from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.fft import dctn

from picture_files import encode
from tamis.images.decode import decode
from tamis.images.perceptual_hash import as_int64, phash, phash_of_flips


def gray(seed: int, width: int = 400, height: int = 300) -> np.ndarray:
    """A picture with something at each of the frequencies that count."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def distance(left: np.uint64, right: np.uint64) -> int:
    return int(left ^ right).bit_count()


def test_it_is_the_dct_hash() -> None:
    for seed in range(20):
        small = gray(seed, 32, 32)
        block = dctn(small.astype(float), norm="ortho")[:8, :8]
        block[np.abs(block) < 2] = 0
        bits = (block > np.median(block)).ravel()

        assert int(phash(small)) == int("".join("01"[bit] for bit in bits.astype(int)), 2)


@pytest.mark.parametrize("seed", range(5))
def test_it_survives_what_does_not_change_the_picture(seed: int) -> None:
    picture = gray(seed)
    image = Image.fromarray(picture)
    saved = decode(encode(image, "JPEG", quality=30), "x").image.convert("L")
    variants = {
        "jpeg": saved,
        "half": image.resize((200, 150), Image.Resampling.BICUBIC),
        "blur": image.filter(ImageFilter.GaussianBlur(3)),
        "brighter": Image.fromarray((picture * 0.8 + 40).astype(np.uint8)),
    }

    for name, variant in variants.items():
        assert distance(phash(picture), phash(np.asarray(variant))) <= 4, name


def test_unrelated_pictures_differ_in_about_half_of_the_bits() -> None:
    hashes = [phash(gray(seed)) for seed in range(40)]
    distances = [distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]

    assert 26 <= np.mean(distances) <= 36
    assert min(distances) > 8


def test_flips_are_the_hashes_of_flipped_pictures() -> None:
    for seed in range(10):
        picture = gray(seed, 64, 96)
        flipped = [picture, picture[:, ::-1], picture[::-1], picture[::-1, ::-1]]
        expected = [phash(np.ascontiguousarray(other)) for other in flipped]

        hashes = phash_of_flips(picture)

        assert hashes.dtype == np.uint64
        assert hashes[0] == phash(picture)
        for mine, other in zip(hashes, expected, strict=True):
            assert distance(mine, other) <= 2


def test_flat_pictures_do_not_hash_their_noise() -> None:
    noise = np.random.default_rng(1).integers(0, 2, (300, 400))
    flat = {int(phash((level + noise).astype(np.uint8))) for level in (40, 120, 250)}

    assert flat == {1 << 63}
    assert int(phash(np.zeros((300, 400), np.uint8))) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_any_shape_has_a_hash(shape: tuple[int, int]) -> None:
    assert phash(np.full(shape, 9, np.uint8)) == np.uint64(1 << 63)


@pytest.mark.parametrize("value", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_the_signed_number_has_the_same_bits(value: int) -> None:
    signed = as_int64(np.uint64(value))

    assert -(2**63) <= signed < 2**63
    assert signed % 2**64 == value
