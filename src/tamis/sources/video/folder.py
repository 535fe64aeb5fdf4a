"""A folder that pictures keep coming into; files still being written are waited for."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.images.decode import decode
from tamis.images.formats import has_picture_extension
from tamis.sources.folder import is_hidden, is_passed_over, walk_pictures
from tamis.sources.reading import read_bytes
from tamis.sources.video.frames import Frame, Scaled, SourceCounts, view_of
from tamis.sources.video.inotify import Change, FolderWatch
from tamis.sources.video.sampling import EVERY_FRAME, Sampling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from tamis.images.decode import Decoded

__all__ = ["FilePixels", "LiveFolder"]

_SETTLED = 2.0
"""Seconds without a change after which a file that nobody was seen writing counts as whole."""

_ABANDONED = 30.0
"""Seconds without a change after which a file that somebody began to write counts as whole."""

_LOOK_AGAIN = 5.0
_LOOK_SHARE = 20.0  # looking through the folder may take this part of the time between looks
_STEP = 0.2
_KEY_BYTES = 16
_VIEW_SIDE = 180  # four times the view's; JPEG decodes so small several times faster


class FilePixels:
    """The picture of one file, read when first asked for."""

    def __init__(self, uri: str, path: str) -> None:
        self._uri = uri
        self._path = path
        self._data: bytes | None = None
        self._decoded: tuple[int | None, Decoded] | None = None

    @property
    def format(self) -> str:
        """See `Pixels`."""
        return self._decode(1).format

    def view(self, width: int, height: int) -> NDArray[np.uint8]:
        """See `Pixels`."""
        return view_of(self._decode(_VIEW_SIDE).image, width, height)

    def image(self, min_side: int | None = None) -> Image.Image:
        """See `Pixels`."""
        return self._decode(min_side).image

    def scaled(self, min_side: int) -> Scaled:
        """See `Pixels`."""
        found = self._decode(min_side)
        return Scaled(found.image, (found.width, found.height), found.extent)

    def encoded(self) -> bytes:
        """See `Pixels`."""
        if self._data is None:
            self._data = read_bytes(self._uri, self._path)
        return self._data

    def _decode(self, min_side: int | None) -> Decoded:
        if self._decoded is not None:
            side, decoded = self._decoded
            if side is None or (min_side is not None and min_side <= side):
                return decoded
        decoded = decode(self.encoded(), self._path, min_side=min_side)
        self._decoded = (min_side, decoded)
        return decoded


class LiveFolder:
    """The pictures of a folder: those there are, by name, then those that come.

    A file that is being written is waited for until it is closed; where the system does not tell
    (network drives), until it has not changed for two seconds. A file that changes is news again.

    Args:
        folder: searched at any depth.
        name: the folder as the user gave it.
        sampling: by the time that files were last changed; there are no key frames.
        done: keys of files that an earlier run took, from `key`.
        once: end when all that is there was yielded.

    Attributes:
        name: see above.
        live: False: files wait until they are taken.
        counts: what it met so far.

    Raises:
        InputError: there is no such folder, or it cannot be listed.
    """

    live = False

    def __init__(
        self,
        folder: str,
        name: str,
        *,
        sampling: Sampling = EVERY_FRAME,
        done: Collection[bytes] = (),
        once: bool = False,
    ) -> None:
        if not Path(folder).is_dir():
            raise InputError(f"there is no folder {name}")
        self.name = name
        self.counts = SourceCounts()
        self._folder = os.path.abspath(folder)  # noqa: PTH100 - links stay as the user has them
        self._sampler = sampling.sampler()
        self._done = done
        self._once = once
        self._closed = threading.Event()
        self._taken: dict[str, tuple[int, int]] = {}
        self._writing: set[str] = set()
        self._observed: dict[str, tuple[tuple[int, int], float]] = {}
        self._waiting: deque[str] = deque()
        self._watched: set[str] = set()
        self._number = 0

    def close(self) -> None:
        """Make `frames` end soon; may be called from another thread."""
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        """Yield each picture once it is whole."""
        watch = FolderWatch()
        next_look = 0.0
        try:
            while not self._closed.is_set():
                if time.monotonic() >= next_look:
                    begin = time.monotonic()
                    settling = self._look(watch)
                    took = time.monotonic() - begin
                    wait = _SETTLED if settling or not watch.works else _LOOK_AGAIN
                    next_look = time.monotonic() + max(wait, _LOOK_SHARE * took)
                while self._waiting and not self._closed.is_set():
                    yield from self._take(self._waiting.popleft())
                    if self._notice(watch, 0.0):
                        next_look = 0.0
                if self._once and not settling:
                    return
                if self._notice(watch, _STEP):
                    next_look = 0.0
        finally:
            watch.close()

    def _look(self, watch: FolderWatch) -> bool:
        """Line up all files that are whole; return whether some are not yet."""
        # Watched before it is listed, a folder can get no file unseen.
        self._watch_folders(watch)
        settling = False
        lined_up = set(self._waiting)
        for relative in walk_pictures(self._folder):
            if not isinstance(relative, str):
                if relative.relative == "":
                    raise InputError(f"cannot list the folder {self.name}: {relative.reason}")
                continue
            path = f"{self._folder}/{relative}"
            state = _state(path)
            if state is None or self._taken.get(path) == state or path in lined_up:
                continue
            if self._is_whole(path, state):
                self._waiting.append(path)
            else:
                settling = True
        return settling

    def _is_whole(self, path: str, state: tuple[int, int]) -> bool:
        """Tell whether a file that was not seen being closed has not changed for long enough."""
        now = time.time()
        known, since = self._observed.get(path, (state, now))
        # A file's own time helps at the start; it may be wrong, even in the future.
        since = since if known == state else now
        self._observed[path] = (state, since)
        patience = _ABANDONED if path in self._writing else _SETTLED
        if now - min(since, state[0] / 1e9) < patience:
            return False
        self._forget(path)
        return True

    def _forget(self, path: str) -> None:
        self._writing.discard(path)
        self._observed.pop(path, None)

    def _watch_folders(self, watch: FolderWatch) -> None:
        for folder, inner, _ in os.walk(self._folder, followlinks=False):
            inner[:] = [name for name in inner if not is_passed_over(name)]
            if folder not in self._watched:
                self._watched.add(folder)
                watch.add(folder)

    def _notice(self, watch: FolderWatch, seconds: float) -> bool:
        """Take in what the system tells; return whether the folder has to be looked through."""
        look = False
        for notice in watch.wait(seconds):
            if notice.change & (Change.IS_FOLDER | Change.OVERFLOWED):
                look = True
            elif not has_picture_extension(notice.path) or is_hidden(Path(notice.path).name):
                continue
            elif notice.change & (Change.CLOSED_AFTER_WRITING | Change.MOVED_HERE):
                self._forget(notice.path)
                self._waiting.append(notice.path)
            else:
                self._writing.add(notice.path)
        return look

    def _take(self, path: str) -> Iterator[Frame]:
        state = _state(path)
        if state is None or self._taken.get(path) == state:
            return
        self._taken[path] = state
        # Files that an earlier run took have their part in the sampling, so that this one takes
        # the same.
        if not self._sampler.takes(state[0] / 1e9) or self.key(path, state) in self._done:
            return
        number, self._number = self._number, self._number + 1
        shown = f"{self.name.rstrip('/')}/{os.path.relpath(path, self._folder)}"
        yield Frame(
            path=shown,
            uri=path,
            source=self.name,
            number=number,
            seconds=state[0] / 1e9,
            captured_at=None,
            pixels=FilePixels(path, shown),
        )

    def key_of(self, frame: Frame) -> bytes:
        """Return what names the file of a frame in the state in which it was taken."""
        path = str(frame.uri)
        return self.key(path, self._taken[path])

    @staticmethod
    def key(path: str, state: tuple[int, int]) -> bytes:
        """Return 16 bytes that name a file in one state: its time of change and size."""
        text = f"{path}\0{state[0]}\0{state[1]}".encode(errors="surrogateescape")
        return hashlib.blake2b(text, digest_size=_KEY_BYTES).digest()


def _state(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
