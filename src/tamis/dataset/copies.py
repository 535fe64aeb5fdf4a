"""A dataset's copy at an object store: its files by their content, and states that name them.

`files/HASH` are the files, which never change. `states/00000007.json` is the seventh push: the
files of the dataset by path. It is written last and only where nothing is, so that of two who push
at once one wins, and whoever pulls sees a whole state.
"""

from __future__ import annotations

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.checksums import checksum
from tamis.dataset.object_place import ObjectPlace, require_conditional_puts
from tamis.errors import ConflictError, DatasetError, DatasetMissingError, StorageError
from tamis.sources.objects.client import MissingObjectError, ObjectError
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tamis.sources.objects.address import ObjectAddress
    from tamis.types import Progress

__all__ = ["Copy", "CopyState"]

_FORMAT: Final = 1
_DESCRIPTION: Final = "tamis-copy.json"
_STATE: Final = re.compile(r"([0-9]{8})\.json")
_AT_ONCE: Final = 8
_LOG: Final = re.compile(r"log/[0-9]{8,18}\.json")


@dataclass(frozen=True)
class CopyState:
    """What a copy holds since a push.

    Attributes:
        number: of the push, from 1; 0 before the first.
        files: the checksum of each file, by its path within the dataset.
    """

    number: int
    files: Mapping[str, str]

    @property
    def log(self) -> dict[str, str]:
        """The files of the log."""
        return {path: told for path, told in self.files.items() if _LOG.fullmatch(path)}


class Copy:
    """A dataset's copy at an object store.

    Args:
        address: where it lies.
    """

    def __init__(self, address: ObjectAddress) -> None:
        self._place = ObjectPlace(address)
        self._files = self._place.within("files")
        self._states = self._place.within("states")

    @property
    def place(self) -> str:
        """Where it lies, to be shown."""
        return self._place.place

    def state(self) -> CopyState:
        """Return the newest state.

        Raises:
            DatasetMissingError: there is no copy.
            DatasetError: it is damaged, or of a later version of tamis.
            StorageError: the store refuses.
        """
        with _refusals(self.place, "read"):
            self._require_description()
            names = [name for name in self._states.names() if _STATE.fullmatch(name)]
            if not names:
                return CopyState(0, {})
            data = self._states.read(names[-1])
        try:
            files = json.loads(data)["files"]
            if not all(isinstance(told, str) for pair in files.items() for told in pair):
                raise TypeError("a path or checksum is no text")  # noqa: TRY301
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DatasetError(f"{self.place}states/{names[-1]} is damaged ({error})") from error
        for path in files:
            _require_inside(path, self.place)
        return CopyState(int(names[-1][:8]), files)

    def _require_description(self) -> None:
        try:
            told = json.loads(self._place.read(_DESCRIPTION))
        except MissingObjectError as error:
            raise DatasetMissingError(
                f"there is no copy of a dataset at {self.place}; make one with:  tamis push"
            ) from error
        except ValueError as error:
            raise DatasetError(f"{self.place}{_DESCRIPTION} is damaged ({error})") from error
        if not isinstance(told, dict) or told.get("format") != _FORMAT:
            raise DatasetError(
                f"{self.place} was written by a later version of tamis: upgrade with  pip install "
                "--upgrade tamis"
            )

    def create(self) -> None:
        """Make an empty copy unless there is one, on a store that lets one of two writers win.

        Raises:
            StorageError: it lets both win, or refuses.
        """
        with _refusals(self.place, "write"):
            if self._place.exists(_DESCRIPTION):
                return
            require_conditional_puts(self._place)
            data = json.dumps({"format": _FORMAT}).encode()
            self._place.put_if_absent(_DESCRIPTION, data)

    def upload(
        self,
        sums: Iterable[str],
        read: Callable[[str], bytes],
        progress: Progress = no_progress,
    ) -> int:
        """Put files that the copy lacks, and return their bytes; 8 at once are in memory.

        Args:
            sums: their checksums.
            read: returns the content of a checksum.
            progress: told after each.

        Raises:
            StorageError: the store refuses; what was put is only used once a state names it.
        """

        def put(told: str) -> int:
            data = read(told)
            self._files.put(told, data)
            return len(data)

        wanted = sorted(set(sums))
        with _refusals(self.place, "write"):
            return sum(_in_threads(put, wanted, progress))

    def commit(self, state: CopyState) -> None:
        """Let a state be the newest.

        Raises:
            ConflictError: another push came first.
            StorageError: the store refuses.
        """
        told = {"push": uuid.uuid4().hex, "files": dict(sorted(state.files.items()))}
        with _refusals(self.place, "write"):
            data = json.dumps(told, indent=0).encode()
            if not self._states.put_if_absent(f"{state.number:08d}.json", data):
                raise ConflictError(
                    f"another push to {self.place} came first; nothing was changed there, run the "
                    "command again"
                )

    def fetch(
        self, sums: Iterable[str], take: Callable[[str, bytes], Any], progress: Progress
    ) -> None:
        """Read files by their checksums, which they have to have; 8 at once are in memory.

        Args:
            sums: the checksums.
            take: is handed each checksum and its content, in threads.
            progress: told after each.

        Raises:
            StorageError: the store refuses, or a file is missing or damaged there.
        """

        def get(told: str) -> None:
            data = self._files.read(told)
            if checksum(data) != told:
                raise StorageError(
                    f"the file {self._files.place}{told} is not what was written: bits of it have "
                    "flipped. Push from another copy of the dataset"
                )
            take(told, data)

        with _refusals(self.place, "read"):
            for _ in _in_threads(get, sorted(set(sums)), progress):
                pass


def _in_threads(do: Callable[[str], Any], items: list[str], progress: Progress) -> list[Any]:
    results = []
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tamis-copy") as pool:
        for done, result in enumerate(pool.map(do, items), start=1):
            results.append(result)
            progress(done, len(items))
    return results


def _require_inside(path: str, place: str) -> None:
    """Refuse a path that would be written outside of the dataset."""
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise DatasetError(f"{place} names the file {path!r}, which lies in no dataset")


@contextmanager
def _refusals(place: str, doing: str) -> Iterator[None]:
    """Say what a store refuses in one sentence about the copy."""
    try:
        yield
    except MissingObjectError as error:
        raise StorageError(
            f"could not {doing} {place}: the bucket does not exist, or a file in it was removed"
        ) from error
    except ObjectError as error:
        raise StorageError(
            f"could not {doing} {place}: {error}. Nothing that was committed is lost, and the same "
            "command goes on"
        ) from error
