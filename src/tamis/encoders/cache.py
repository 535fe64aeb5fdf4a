"""Cache what is slow to build in the user's cache folder."""

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
    """Return the cache folder, which may not exist yet.

    `TAMIS_CACHE` if set, else `tamis` under `XDG_CACHE_HOME`, else under the system's default:
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
    """Return the bytes cached under a name, building them if necessary.

    A modified file is rebuilt. Files are written atomically, so processes may race. If the folder
    is not writable, the bytes are built each time and a warning is logged.

    Args:
        name: file name; it must change whenever `build` would return different bytes.
        build: returns the bytes; called only if they are not cached.
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
