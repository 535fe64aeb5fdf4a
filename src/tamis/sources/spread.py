"""One source that the user named, spread out into single pictures."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.images.formats import has_picture_extension, is_picture_start
from tamis.sources.archive_base import ArchiveError, MemberError
from tamis.sources.archives import has_archive_extension, is_archive, open_archive
from tamis.sources.folder import UnreadableFolder, walk_pictures
from tamis.sources.image_reference import ImageReference
from tamis.sources.objects.address import ObjectAddress, is_object_address
from tamis.sources.video.library import has_video_extension, is_video, is_video_among_files
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.sources.objects.listing import ObjectListing

__all__ = ["NO_PICTURE", "Location", "expand_home", "named_files", "spread"]

_DATASET_SUFFIX = ".tamis"
_START_BYTES = 512

NO_PICTURE = "not a picture, video or archive, neither by its name nor by its content"
"""Why a file is listed that the user named and cannot have meant."""


@dataclass(frozen=True)
class Location:
    """Where one picture lies.

    Attributes:
        path: as the user gave it: the source, and below it the way to the picture.
        uri: absolute path; `archive!member` inside an archive.
        source: the source that it came from, as the user gave it.
        relative: path from the source's root, with forward slashes; a single file's is its name.
        is_video: whether it is a video, which is no picture itself but holds many.
        in_folder: whether it was found in a folder, rather than named or matched by a pattern.
        state: of an object at a store what changes when it does, as `StoredObject` has it.
    """

    path: str
    uri: str
    source: str
    relative: str
    is_video: bool = False
    in_folder: bool = False
    state: str | None = None


def spread(source: str, objects: ObjectListing) -> Iterator[Location | Failure]:
    """List what a source holds, videos among it, in a fixed order.

    Args:
        source: as the user gave it; a leading `~` is the home folder.
        objects: what sources at object stores hold.

    Yields:
        Each picture's or video's place, or what could not be listed.

    Raises:
        InputError: the source does not exist, cannot be listed, or is a dataset.
    """
    if is_object_address(source):
        yield from _spread_objects(source, objects)
        return
    given = expand_home(source)
    if _exists(source, given):
        yield from _spread_path(given, Location(source, _absolute(given), source, ""))
    elif glob.has_magic(given):
        yield from _spread_pattern(source, given)
    else:
        raise InputError(
            f"there is no file or folder {source!r} (looked from {Path.cwd()}); check the path"
        )


def _spread_objects(source: str, objects: ObjectListing) -> Iterator[Location | Failure]:
    place = ObjectAddress.parse(source)
    folder = place.key.rstrip("/")
    for found in objects.of(source):
        uri = str(place.at(found.key))
        if found.key == folder and (has_archive_extension(uri) or has_video_extension(uri)):
            yield Failure(source, "archives and videos are read from disks only", source)
            continue
        if found.key == folder:
            yield Location(source, uri, source, found.key.rpartition("/")[2], state=found.state)
            continue
        relative = found.key[len(folder) + 1 :] if folder else found.key
        path = _join(source, relative)
        yield Location(path, uri, source, relative, in_folder=True, state=found.state)


def _spread_pattern(source: str, pattern: str) -> Iterator[Location | Failure]:
    root = _root_of(pattern)
    listed_folder: Path | None = None
    for match in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - Path.glob refuses absolute patterns
        path = Path(match)
        if listed_folder is not None and path.is_relative_to(listed_folder):
            continue  # "photos/**" matches a folder, and then all that it holds
        relative = path.relative_to(root).as_posix()
        place = Location(match, _absolute(match), source, "" if relative == "." else relative)
        if path.is_dir():
            listed_folder = path
            yield from _spread_folder(place)
        elif has_archive_extension(match):
            yield from _spread_archive(place)
        elif has_picture_extension(match):
            yield place
        elif path.is_file() and is_video_among_files(match):
            yield replace(place, is_video=True)


def _spread_path(given: str, place: Location) -> Iterator[Location | Failure]:
    if Path(given).is_dir():
        if given.rstrip(os.sep).endswith(_DATASET_SUFFIX):
            raise InputError(f"{place.source} is a tamis dataset, not a source of pictures")
        yield from _spread_folder(place)
    elif not Path(given).is_file():
        yield Failure(place.path, "not a regular file", place.source)
    elif is_archive(given):
        yield from _spread_archive(place)
    else:
        film = has_video_extension(given) or (not has_picture_extension(given) and is_video(given))
        if not film and not _may_be_picture(given):
            yield Failure(place.path, NO_PICTURE, place.source)
        else:
            yield replace(place, relative=Path(given).name, is_video=film)


def _may_be_picture(path: str) -> bool:
    """Tell whether a file is a picture by its name or its content, or cannot be looked into."""
    try:
        with Path(path).open("rb") as file:
            return has_picture_extension(path) or is_picture_start(file.read(_START_BYTES))
    except OSError:
        return True  # reading it will say why


def _spread_folder(place: Location) -> Iterator[Location | Failure]:
    for found in walk_pictures(place.uri, _is_picture_or_video):
        if isinstance(found, str):
            uri = _join(place.uri, found)
            film = not has_picture_extension(found)
            if film and not is_video_among_files(uri):
                continue
            yield Location(
                _join(place.path, found),
                uri,
                place.source,
                _join(place.relative, found),
                is_video=film,
                in_folder=True,
            )
        elif found.relative == "" and place.path == place.source:
            raise InputError(f"cannot list the folder {place.source}: {found.reason}")
        else:
            yield _failure_of(found, place)


def _is_picture_or_video(name: str) -> bool:
    return has_picture_extension(name) or has_video_extension(name)


def _failure_of(folder: UnreadableFolder, place: Location) -> Failure:
    path = _join(place.path, folder.relative)
    return Failure(path, f"the folder cannot be listed: {folder.reason}", place.source)


def _spread_archive(place: Location) -> Iterator[Location | Failure]:
    listed = False
    try:
        for member in open_archive(place.uri).members():
            listed = True
            if isinstance(member, MemberError):
                inner = str(ImageReference(place.path, member.name))
                yield Failure(inner, member.reason, place.source)
            else:
                yield Location(
                    str(ImageReference(place.path, member)),
                    str(ImageReference(place.uri, member)),
                    place.source,
                    member,
                )
    except ArchiveError as error:
        yield Failure(place.path, str(error), place.source)
        return
    if not listed and place.path != place.source:
        yield Failure(place.path, "the archive holds no pictures", place.source)


def named_files(source: str) -> list[str]:
    """Return the files that a source names by themselves, which may be archives.

    Raises:
        InputError: the source cannot be looked at.
    """
    if is_object_address(source):
        return []
    given = expand_home(source)
    if _exists(source, given):
        return [given] if Path(given).is_file() else []
    if glob.has_magic(given):
        matches = glob.glob(given, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
        return [match for match in matches if has_archive_extension(match)]
    return []


def _exists(source: str, given: str) -> bool:
    try:
        Path(given).stat()
    except FileNotFoundError:
        if Path(given).is_symlink():
            raise InputError(f"{source} is a link to something that does not exist") from None
        return False
    except (OSError, ValueError) as error:
        if glob.has_magic(given) and not isinstance(error, PermissionError):
            return False  # such as a pattern that is longer than a file name may be
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read the source {source!r}: {reason.lower()}") from error
    return given != ""


def _root_of(pattern: str) -> Path:
    """Give the folder that a pattern starts from: its parts before the first wildcard."""
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def expand_home(source: str) -> str:
    """Return a source with a leading `~` replaced by the home folder."""
    return os.path.expanduser(source) if source.startswith("~") else source  # noqa: PTH111 - keeps the user's spelling


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links


def _join(folder: str, relative: str) -> str:
    return os.path.join(folder, relative) if relative else folder  # noqa: PTH118 - keeps the user's spelling
