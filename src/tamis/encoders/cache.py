"""Keep what is slow to build between runs, where the user's system keeps such things."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cache_folder", "cached"]

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder for what can be built again; it need not exist.

    `TAMIS_CACHE` if set, else `tamis` under `XDG_CACHE_HOME`, else under the system's own place:
    `~/.cache`, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows.
    """
    if chosen := os.environ.get("TAMIS_CACHE"):
        return Path(chosen).expanduser()
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "tamis"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tamis"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "tamis" / "Cache"
    return Path.home() / ".cache" / "tamis"


def cached(name: str, build: Callable[[], bytes]) -> bytes:
    """Return the bytes kept under a name, building and keeping them where they are not.

    A file that is not as it was written is built again. Files appear whole or not at all, so
    processes may race. Where the folder cannot be written the bytes are built each time, and a
    warning in the log says so.

    Args:
        name: file name; it must change whenever `build` would give other bytes.
        build: gives the bytes; called only when they are not kept.
    """
    path = cache_folder() / name
    digest = path.with_name(f"{name}.sha256")
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == digest.read_text("ascii").strip():
            return content
        _log.warning("%s is damaged and is built again", path)
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read and is built again: %s", path, error)
    content = build()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
        _replace(digest, hashlib.sha256(content).hexdigest().encode("ascii"))
    except OSError as error:
        _log.warning(
            "cannot keep %s, so it is built in every run: %s. Set TAMIS_CACHE to a folder "
            "that can be written.",
            path,
            error,
        )
    return content


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as new:
        try:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
        except OSError:
            Path(new.name).unlink(missing_ok=True)
            raise
    Path(new.name).replace(path)
