"""Videos for tests, made and served with PyAV; no program and no network is needed."""

from __future__ import annotations

import io
import socketserver
import threading
import time
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

SIZE = (160, 120)


def scene(number: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw one of endlessly many scenes that look nothing alike."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        w, h = rng.integers(size[0] // 16, size[0] // 3, 2)
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        shape((int(x), int(y), int(x + w), int(y + h)), fill=colour)
    return picture


def noisy(picture: Image.Image, seed: int, level: float = 2.0) -> Image.Image:
    """Return a picture as a sensor would take it again."""
    noise = np.random.default_rng(seed).normal(0, level, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def scenes(numbers: Sequence[int], each: int, size: tuple[int, int] = SIZE) -> list[Image.Image]:
    """Return `each` noisy frames of every scene in turn."""
    return [
        noisy(scene(number, size), 1000 * place + frame)
        for place, number in enumerate(numbers)
        for frame in range(each)
    ]


def write_video(
    target: Path | io.BytesIO,
    frames: Iterable[Image.Image],
    *,
    rate: int = 10,
    codec: str = "libx264",
    form: str | None = None,
    gop: int = 12,
    rotation: int = 0,
    metadata: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    times: Sequence[float] | None = None,
    b_frames: int | None = None,
) -> None:
    """Encode pictures as a video.

    Args:
        target: a file, or where bytes go.
        frames: the pictures.
        rate: frames a second.
        codec: the encoder.
        form: the container, where the file's name does not tell.
        gop: frames from one key frame to the next.
        rotation: degrees, as a telephone that is held upright notes.
        metadata: of the container.
        options: of the container.
        times: seconds at which each frame is shown, in place of a steady rate.
        b_frames: how many frames in a row refer to later ones; the encoder's default if None.
    """
    import av

    name: Any = target if isinstance(target, io.BytesIO) else str(target)
    with av.open(name, "w", format=form, options=options or {}) as container:
        if metadata:
            container.metadata.update(metadata)
        stream: Any = None
        for number, picture in enumerate(frames):
            if stream is None:
                stream = container.add_stream(codec, rate=rate)
                if b_frames is not None:
                    stream.codec_context.max_b_frames = b_frames
                stream.width, stream.height = picture.size
                stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
                stream.codec_context.gop_size = gop
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_image(picture)
            if times is not None:
                frame.time_base = Fraction(1, 1000)
                frame.pts = round(1000 * times[number])
                stream.codec_context.time_base = frame.time_base
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


def write_sound(target: Path, codec: str = "aac") -> None:
    """Write a second of silence in a container of videos."""
    import av

    with av.open(str(target), "w") as container:
        stream: Any = container.add_stream(codec, rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


class StreamServer:
    """Serves bytes over HTTP on 127.0.0.1, one connection after the other as `serve` says.

    Args:
        serve: called with the number of the connection, yields what is sent; None is 404.
        content_type: of the answer.
    """

    def __init__(
        self, serve: Callable[[int], Iterator[bytes] | None], content_type: str = "video/mp2t"
    ) -> None:
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                number, outer.connections = outer.connections, outer.connections + 1
                pieces = serve(number)
                if pieces is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                try:
                    for piece in pieces:
                        self.wfile.write(piece)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/live"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def transport_stream(frames: Iterable[Image.Image], rate: int = 10) -> bytes:
    """Encode pictures as MPEG-TS, as a broadcaster or camera sends them."""
    target = io.BytesIO()
    write_video(target, frames, rate=rate, form="mpegts", gop=rate)
    return target.getvalue()


def motion_jpeg(frames: Iterable[Image.Image], pause: float = 0.0) -> Iterator[bytes]:
    """Yield the parts of an HTTP MJPEG stream, as cheap cameras send them."""
    for picture in frames:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=90)
        data = buffer.getvalue()
        yield b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
        yield data + b"\r\n"
        time.sleep(pause)


MOTION_JPEG = "multipart/x-mixed-replace; boundary=frame"

socketserver.TCPServer.allow_reuse_address = True
