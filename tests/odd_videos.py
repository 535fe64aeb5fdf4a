"""Videos as recorders and accidents leave them: odd times, odd tracks, damaged bytes."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from made_videos import SIZE, scenes, write_video

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def counted(number: int) -> Image.Image:
    """A frame that shows its number in eight black or white bars."""
    bars = np.array([255 * (number >> bit & 1) for bit in range(8)], dtype=np.uint8)
    pixels = np.repeat(np.repeat(bars[None], SIZE[1], axis=0), SIZE[0] // 8, axis=1)
    return Image.fromarray(pixels).convert("RGB")


def number_shown(image: Image.Image) -> int:
    """Read the bars of `counted`."""
    width = image.width // 8
    row = np.asarray(image.convert("L"))[image.height // 2]
    return sum(int(row[bit * width + width // 2] > 128) << bit for bit in range(8))


def write_with_times(path: Path, milliseconds: Sequence[int], codec: str = "mjpeg") -> None:
    """Write a counting video whose packets state just these times, which must not go back."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.max_b_frames = 0
        stream.codec_context.gop_size = 7
        packets = []
        for number in range(len(milliseconds)):
            packets += stream.encode(av.VideoFrame.from_image(counted(number)))
        packets += stream.encode(None)
        for packet, time in zip(packets, milliseconds, strict=True):
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = time
            packet.stream = stream
            container.mux(packet)


def write_that_begins_anew(path: Path, parts: Sequence[int], codec: str = "libx264") -> None:
    """Write a transport stream of several recordings, each with times from its own 0."""
    data, first = b"", 0
    for frames in parts:
        target = io.BytesIO()
        pictures = [counted(first + number) for number in range(frames)]
        write_video(target, pictures, rate=25, codec=codec, form="mpegts", gop=10)
        data += target.getvalue()
        first += frames
    path.write_bytes(data)


def write_with_cover(path: Path, *, video: bool = False) -> None:
    """Write sound that has a cover, and behind it perhaps a video."""
    import av

    with av.open(str(path), "w", format="mp4") as container:
        sound: Any = container.add_stream("aac", rate=8000)
        cover: Any = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = (*SIZE, "yuvj420p")
        cover.disposition = av.stream.Disposition.attached_pic
        film: Any = container.add_stream("libx264", rate=25) if video else None
        if film is not None:
            film.width, film.height, film.pix_fmt = (*SIZE, "yuv420p")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        silence.sample_rate = 8000
        for packet in [*sound.encode(silence), *sound.encode(None)]:
            container.mux(packet)
        picture = av.VideoFrame.from_image(counted(255))
        for packet in [*cover.encode(picture), *cover.encode(None)]:
            container.mux(packet)
        if film is not None:
            for number in range(10):
                for packet in film.encode(av.VideoFrame.from_image(counted(number))):
                    container.mux(packet)
            for packet in film.encode(None):
                container.mux(packet)


CONTAINERS = (
    (".mp4", "libx264"),
    (".mkv", "libx264"),
    (".avi", "mjpeg"),
    (".webm", "libvpx"),
    (".m2ts", "libx264"),
    (".mov", "mjpeg"),
    (".flv", "flv1"),
    (".mpg", "mpeg2video"),
)


def mutated_videos(folder: Path, count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of videos of which bytes were changed, cut out and put in.

    Most of it hits the headers, at either end of a file, where it does most.
    """
    whole = []
    for suffix, codec in CONTAINERS:
        path = folder / f"whole{suffix}"
        words = {"title": "Förderband", "comment": "x" * 30}
        write_video(path, scenes(range(2), 4, (64, 48)), codec=codec, metadata=words)
        whole.append((suffix, path.read_bytes()))
        path.unlink()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        suffix, data = whole[number % len(whole)]
        yield f"mutant-{number:03d}{suffix}", mutated(data, rng)


def mutated(data: bytes, rng: np.random.Generator, reach: int = 2000) -> bytes:
    """Change, cut out or put in up to eight bytes at up to five places."""
    left = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        size = len(left)
        ends = [(0, min(reach, size)), (max(0, size - reach), size), (0, size)]
        at = int(rng.integers(*ends[int(rng.choice(3, p=(0.5, 0.35, 0.15)))]))
        length = int(rng.integers(1, 9))
        kind = rng.integers(4)
        if kind == 0:
            left[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            left[at] = int(rng.choice([0, 1, 127, 128, 255]))
        elif kind == 2 and size > length:
            del left[at : at + length]
        else:
            left[at:at] = rng.bytes(length)
    return bytes(left)
