"""What every kind of archive offers, and how it says no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tamis.images.formats import has_picture_extension
from tamis.sources.folder import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Archive", "ArchiveError", "MemberError", "is_picture_member", "require_expansion"]

MAX_EXPANSION = 100
EXPANSION_ALLOWANCE = 1 << 30


class ArchiveError(Exception):
    """The archive as a whole cannot be read (further); says why."""


class MemberError(Exception):
    """One member of an archive cannot be read; says why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


class MissingMemberError(MemberError):
    """The archive has no such member."""


class Archive(Protocol):
    """A file that holds pictures; nothing in it is ever written to disk.

    Member names are only labels here, so a name such as `../../etc/passwd` is harmless. Of two
    members with one name the first counts.
    """

    def members(self) -> Iterator[str | MemberError]:
        """List the pictures in the archive's own order; a member that cannot be used is said so.

        Raises:
            ArchiveError: while listing, when the archive is damaged from here on.
        """

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return one member's bytes.

        Raises:
            MemberError: absent, too large, encrypted or damaged.
            ArchiveError: the archive cannot be read.
        """

    def close(self) -> None:
        """Close the file."""


def is_picture_member(name: str) -> bool:
    """Tell whether a member's name promises a picture that is meant to be seen.

    >>> is_picture_member("cats/1.jpg"), is_picture_member("__MACOSX/cats/._1.jpg")
    (True, False)
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {".", "..", ""}]
    return (
        bool(parts)
        and has_picture_extension(parts[-1])
        and not any(is_hidden(part) for part in parts)
    )


def require_expansion(unrolled: int, packed: int) -> None:
    """Check that an archive does not unroll to over 100 times its size and a gigabyte.

    Args:
        unrolled: bytes that it unrolls to.
        packed: bytes of its file.

    Raises:
        ArchiveError: it does.
    """
    if unrolled > packed * MAX_EXPANSION + EXPANSION_ALLOWANCE:
        raise ArchiveError(
            f"unrolls to more than {MAX_EXPANSION} times its size, like a bomb; not read on"
        )
