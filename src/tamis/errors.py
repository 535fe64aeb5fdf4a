"""Every error that tamis raises on purpose.

::

    TamisError
    ├── UsageError            an argument or option has a value that cannot be used
    ├── InputError            a source of pictures is missing, empty or unreadable
    ├── PictureError          one picture cannot be decoded; carries path and reason
    │   └── MissingPictureError   its file or archive member is not there (any more)
    ├── DatasetError          the dataset cannot be used as asked
    │   ├── DatasetMissingError   no dataset at that place
    │   ├── DatasetTooNewError    written by a later tamis
    │   └── ConflictError         another writer was in the way; try again
    ├── EncoderError          an encoder cannot be used as asked
    │   ├── UnknownEncoderError   no encoder has that name
    │   ├── MissingExtraError     an optional package is not installed
    │   └── OutOfMemoryError      a batch is too large for the device; a smaller one may fit
    ├── StorageError          the disk is full or refuses; nothing half-written is left
    └── WorkerError           a process that shares the work cannot be started

Each message says what was wrong, with the value, and what to do. The command line prints the
message and exits with 2; anything that is not a `TamisError` is a defect of tamis (exit 3).
"""

from __future__ import annotations

import traceback

__all__ = [
    "ConflictError",
    "DatasetError",
    "DatasetMissingError",
    "DatasetTooNewError",
    "EncoderError",
    "InputError",
    "MissingExtraError",
    "MissingPictureError",
    "OutOfMemoryError",
    "PictureError",
    "StorageError",
    "TamisError",
    "UnknownEncoderError",
    "UsageError",
    "WorkerError",
    "free_frames",
]


class TamisError(Exception):
    """The root of all errors that tamis raises on purpose.

    Attributes:
        result: what was done before, where a verb of several steps fails in a later one; it stands.
    """

    result: object | None = None


class UsageError(TamisError):
    """An argument or option has a value that cannot be used."""


class InputError(TamisError):
    """A source of pictures is missing, empty or unreadable."""


class PictureError(TamisError):
    """One picture cannot be decoded; the run goes on without it.

    Args:
        path: the picture, as the user named it.
        reason: one short sentence without the path.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[PictureError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class MissingPictureError(PictureError):
    """A picture's file, or the archive's member, is not there (any more)."""


class DatasetError(TamisError):
    """The dataset cannot be used as asked."""


class DatasetMissingError(DatasetError):
    """There is no dataset at the given place."""


class DatasetTooNewError(DatasetError):
    """The dataset was written by a later version of tamis."""


class ConflictError(DatasetError):
    """Another writer was in the way; nothing was changed, and trying again is safe."""


class EncoderError(TamisError):
    """An encoder cannot be used as asked."""


class UnknownEncoderError(EncoderError):
    """No encoder has the given name."""


class MissingExtraError(EncoderError):
    """An optional package is not installed.

    Args:
        what: what the user asked for, e.g. "the encoder hf:facebook/dinov2-small".
        extra: the extra that brings it, e.g. "hf".
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package: run  pip install 'tamis[{extra}]'")
        self.what = what
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return type(self), (self.what, self.extra)


class OutOfMemoryError(EncoderError):
    """A batch is too large for the device's memory; a smaller one may fit.

    Args:
        spec: the encoder.
        device: where it ran.
    """

    def __init__(self, spec: str, device: str) -> None:
        super().__init__(
            f"{spec} ran out of memory on {device}: use a smaller batch size or another device"
        )
        self.spec = spec
        self.device = device

    def __reduce__(self) -> tuple[type[OutOfMemoryError], tuple[str, str]]:
        return type(self), (self.spec, self.device)


class StorageError(TamisError):
    """The disk is full or refuses to be read or written; nothing half-written is left."""


class WorkerError(TamisError):
    """A process that shares the work cannot be started; what was committed before stands."""


def free_frames(error: BaseException) -> None:
    """Free what the frames of a failed call hold, and those of the errors that it came from.

    A batch's tensors are local variables of these frames. They stay on the device for as long as
    the error lives, and often until a garbage collection, since an error and its frames refer to
    each other. The error keeps its type and message and loses its traceback and causes.
    """
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None:
            continue
        traceback.clear_frames(one.__traceback__)  # passes over frames that still run
        left += [one.__cause__, one.__context__]
        one.__traceback__ = one.__cause__ = one.__context__ = None
