"""Whether an encoder works on this machine, meets the contract of encoders, and how fast it is."""

from __future__ import annotations

import io
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from tamis.encoders.base import FeatureMapEncoder, TextEncoder
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.errors import InputError, PictureError
from tamis.images.decode import decode
from tamis.machine import usable_processors
from tamis.runtime.batch_size import BatchSize, find_batch_size
from tamis.services.encoders.contract import EncoderCheck
from tamis.sources.reading import read_bytes
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tamis.encoders.base import Encoder
    from tamis.runtime.workspace import Workspace
    from tamis.services.encoders.contract import CheckEncoder
    from tamis.types import PixelBatch, Preprocessing, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["MOST_BATCH_DIFFERENCE", "check_encoder"]

MOST_BATCH_DIFFERENCE: Final = 1e-4
"""The most that a number of a vector may differ between batches of 1 and of 8."""

_LENGTH_TOLERANCE: Final = 1e-3
_COMPARED: Final = 8
_MEASURED_SECONDS: Final = 2.0
_MOST_BATCHES: Final = 64
_TWELVE_MEGAPIXELS: Final = (4000, 3000)
_MADE_SIZE: Final = (640, 480)
_GRAIN: Final = 4.0
_TEXTURE: Final = 6.0
_OCTAVES: Final = 8
_SHAPES: Final = 24


def check_encoder(
    _workspace: Workspace | None, request: CheckEncoder, _feedback: Feedback = SILENT
) -> EncoderCheck:
    """Load an encoder as `embed` does, try it on a few pictures, and measure its speed.

    Raises:
        EncoderError: it cannot be loaded.
        InputError: one of the pictures cannot be read.
    """
    begin = time.perf_counter()
    encoder = load_encoder(request.spec, threads=1)
    load_seconds = time.perf_counter() - begin
    pixels = _trial_pixels(encoder.preprocessing, request.pictures or ())
    vectors = encoder.embed(pixels)
    again = encoder.embed(pixels)
    alone = np.concatenate([encoder.embed(pixels[i : i + 1]) for i in range(len(pixels))])
    lengths = np.linalg.norm(vectors, axis=1)
    batch_difference = float(np.abs(vectors - alone).max())
    deterministic = np.array_equal(vectors, again, equal_nan=True)
    workers = usable_processors()
    batch = BatchSize(find_batch_size(encoder))
    speed = _measure_speed(encoder, batch, pixels, workers)
    return EncoderCheck(
        spec=encoder.spec,
        fingerprint=encoder.fingerprint,
        dim=encoder.dim,
        text=isinstance(encoder, TextEncoder),
        feature_levels=(
            tuple(encoder.feature_levels) if isinstance(encoder, FeatureMapEncoder) else ()
        ),
        preprocessing=_in_words(encoder.preprocessing),
        device=str(getattr(encoder, "device", "cpu")),
        load_seconds=load_seconds,
        batch_size=batch.size,
        workers=workers,
        pictures_per_second=speed,
        similarity=_number(vectors[0] @ vectors[1]),
        shortest=_number(lengths.min()),
        longest=_number(lengths.max()),
        batch_difference=_number(batch_difference),
        deterministic=deterministic,
        scaled_decoding=_number(_scaled_decoding(encoder)),
        problems=tuple(_problems(lengths, batch_difference, deterministic=deterministic)),
        notes=[note] if (note := str(getattr(encoder, "note", ""))) else [],
    )


def _problems(lengths: Vectors, batch_difference: float, *, deterministic: bool) -> list[str]:
    problems = []
    # asked this way round, a length that is not a number is a fault too
    if not bool(np.all(np.abs(lengths - 1) <= _LENGTH_TOLERANCE)):
        problems.append(
            f"its vectors have lengths from {lengths.min():.4g} to {lengths.max():.4g}; they must "
            "have length 1: divide each by its Euclidean length"
        )
    if not deterministic:
        problems.append(
            "the same pictures got other vectors the second time; switch off what is random in "
            "it, such as dropout (PyTorch: model.eval())"
        )
    if not batch_difference <= MOST_BATCH_DIFFERENCE:
        problems.append(
            f"a vector depends on what is beside it in a batch: batches of 1 and of {_COMPARED} "
            f"differ by {batch_difference:.2g}, and {MOST_BATCH_DIFFERENCE:g} is allowed; let no "
            "layer average over the batch, or compute in float32"
        )
    return problems


def _trial_pixels(preprocessing: Preprocessing, pictures: Sequence[Path | str]) -> PixelBatch:
    """Prepare the two pictures to compare and as many made ones as fill a batch."""
    images = [_read(str(path), preprocessing) for path in pictures]
    images += [_made_picture(seed, _MADE_SIZE) for seed in range(_COMPARED - len(images))]
    return np.stack([prepare(image, preprocessing) for image in images])


def _read(path: str, preprocessing: Preprocessing) -> Image.Image:
    try:
        return decode(read_bytes(path), path, min_side=decode_side(preprocessing)).image
    except PictureError as error:
        raise InputError(f"{path} cannot be read: {error.reason}") from error


def _made_picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Draw shapes with texture of every scale and a camera's grain, as photographs have."""
    rng = np.random.default_rng(seed)
    ground = Image.fromarray(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8))
    picture = ground.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for number in range(_SHAPES):
        centre, radii = rng.uniform(0, 1, 2) * size, rng.uniform(0.02, 0.2, 2) * min(size)
        shape = pen.ellipse if number % 2 else pen.rectangle
        box = (*(centre - radii).tolist(), *(centre + radii).tolist())
        shape(box, fill=tuple(rng.integers(0, 256, 3).tolist()))
    uneven = _GRAIN * rng.standard_normal(size[::-1], np.float32)
    for octave in range(_OCTAVES):
        coarse = rng.standard_normal((3 << octave, 4 << octave), np.float32)
        texture = Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)
        uneven += _TEXTURE * np.asarray(texture)
    pixels = np.asarray(picture, np.float32) + uneven[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _scaled_decoding(encoder: Encoder) -> float:
    buffer = io.BytesIO()
    _made_picture(0, _TWELVE_MEGAPIXELS).save(buffer, "JPEG", quality=90)
    data, side = buffer.getvalue(), decode_side(encoder.preprocessing)
    pixels = np.stack(
        [
            prepare(
                picture.image,
                encoder.preprocessing,
                size=(picture.width, picture.height),
                extent=picture.extent,
            )
            for picture in (decode(data, "made", min_side=least) for least in (side, None))
        ]
    )
    scaled, whole = encoder.embed(pixels)
    lengths = np.linalg.norm(scaled) * np.linalg.norm(whole)
    return float(scaled @ whole / lengths) if lengths > 0 else math.nan


def _measure_speed(encoder: Encoder, batch: BatchSize, pixels: PixelBatch, workers: int) -> float:
    """Return pictures a second of as many workers as `embed` would have."""
    filled = np.resize(pixels, (batch.size, *pixels.shape[1:]))
    begin = time.perf_counter()
    batch.embed(encoder, filled)
    once = max(time.perf_counter() - begin, 1e-6)
    # each worker has at least two, so that none waits long for the last
    calls = min(max(2, math.ceil(_MEASURED_SECONDS / once)), _MOST_BATCHES) * workers
    with ThreadPoolExecutor(workers) as pool:
        begin = time.perf_counter()
        for _ in pool.map(lambda _: batch.embed(encoder, filled), range(calls)):
            pass
        seconds = time.perf_counter() - begin
    return float(calls * len(filled) / seconds)


def _in_words(preprocessing: Preprocessing) -> str:
    height, width = preprocessing.height, preprocessing.width
    filtered = preprocessing.interpolation
    match preprocessing.mode:
        case "squash":
            fitted = f"both sides to {width} x {height} pixels ({filtered})"
        case "pad":
            fitted = f"fitted into {width} x {height} pixels ({filtered}), the rest filled"
        case "shortest-crop":
            side = round(height / preprocessing.crop_fraction)
            fitted = (
                f"shorter side to {side} pixels ({filtered}), "
                f"the central {width} x {height} cut out"
            )
    mean, std = (
        ", ".join(f"{value:.4g}" for value in values)
        for values in (preprocessing.mean, preprocessing.std)
    )
    return f"{fitted}; less mean {mean}, divided by {std}"


def _number(value: float) -> float | None:
    """Return what JSON can write."""
    return float(value) if math.isfinite(value) else None
