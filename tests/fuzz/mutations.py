"""Small changes of bytes, drawn from a seed, as fuzzers make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

ODD = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (b"-1", b"1e999", b"NaN", b"null", b"[]", b"{}", b'""', b"\xff\xfe", b"&x;", b"..", b"!")


def mutated(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Return data with one to four changes."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        rng.choice(CHANGES)(rng, found, others)
    return bytes(found)


def _flip(rng, data, _others):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _number(rng, data, _others):
    if len(data) > 4:
        at, size = rng.randrange(len(data) - 4), rng.choice([1, 2, 4])
        value = rng.choice(ODD) & ((1 << 8 * size) - 1)
        data[at : at + size] = value.to_bytes(size, rng.choice(["big", "little"]))


def _cut(rng, data, _others):
    del data[rng.randrange(len(data) + 1) :]


def _remove(rng, data, _others):
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.randrange(1, 64)]


def _repeat(rng, data, _others):
    start = rng.randrange(len(data) + 1)
    part = data[start : start + rng.randrange(1, 64)]
    data[start:start] = part * rng.choice([1, 2, 50])


def _word(rng, data, _others):
    at = rng.randrange(len(data) + 1)
    data[at : at + rng.choice([0, 1, 4])] = rng.choice(WORDS)


def _splice(rng, data, others):
    other = rng.choice(others)
    if other and data:
        at = rng.randrange(len(data))
        start = rng.randrange(len(other))
        data[at:] = other[start:]


CHANGES = (_flip, _flip, _number, _number, _cut, _remove, _repeat, _word, _splice)
