"""Follow pictures that were moved: the same files under another root."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.dataset.columns import Column
from tamis.dataset.presence import gone_of
from tamis.dataset.samples import Kind
from tamis.errors import InputError, UsageError
from tamis.services.relink.result import RelinkReport
from tamis.sources.image_reference import ImageReference
from tamis.sources.objects.address import ObjectAddress, is_object_address
from tamis.sources.place import Places
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.runtime.workspace import Workspace
    from tamis.services.relink.contract import Relink
    from tamis.verbs.feedback import Feedback

__all__ = ["relink"]

_COLUMNS = ("sample_id", "path", "uri", "source", "bytes", "content_hash", "added_at")
_PLACES = (Column.PATH, Column.URI, Column.SOURCE, Column.VIDEO)
_NAMED = 3


def relink(workspace: Workspace, request: Relink, feedback: Feedback = SILENT) -> RelinkReport:
    """Let samples under one root point to the same files under another; nothing else changes.

    Each file is read and hashed at its new place, so that no sample comes to show another picture.
    One operation, which `undo` takes back. Ids, marks and vectors stay.

    Raises:
        InputError: there is no `new`, no sample lies under `old`, or none of them is under `new`.
        UsageError: both are the same place; `old` means several roots; or the dataset holds
            pictures at their new place already.
    """
    store, old, new = workspace.store, request.old, request.new
    target = Path(new).expanduser()
    if not is_object_address(new) and not target.exists():
        raise InputError(f"there is no file or folder {new!r} (looked from {Path.cwd()})")
    try:
        f"{old}{new}".encode()
    except UnicodeEncodeError as error:
        shown = f"{old} {new}".encode(errors="backslashreplace").decode()
        raise InputError(f"the name of {shown} is not UTF-8, which no dataset holds") from error
    places = Places()
    if places.of(old) == places.of(new):
        raise UsageError(f"{old} and {new} are the same place; nothing has moved")
    samples = workspace.samples
    rows = samples.of(kind=Kind.ALL).having(Column.URI).table(*_COLUMNS, Column.VIDEO).to_pylist()
    root = _root_of(new)
    moved = _under(rows, old, root)
    there = [_moved_to(row, rest, new, root) for row, rest in moved]
    left = {
        one.sample_id: one
        for one in gone_of(there, thorough=True, progress=feedback.stage("relink"))
    }
    found = [row for row in there if row["sample_id"] not in left]
    if not found:
        first = next(iter(left.values()))
        raise InputError(
            f"none of the {len(there)} pictures under {old} is under {new}; "
            f"the first: {first.path}: {first.reason}"
        )
    _require_free(rows, found, places)
    with store.operation("relink", request=request) as operation:
        names = [row["sample_id"] for row in found]
        edited = [name for name in _PLACES if samples.has(name)]
        operation.relocate(names, {name: [row[name] for row in found] for name in edited})
        operation.counts |= {"relinked": len(found), "left": len(left)}
    changed = sum(one.kind == "changed" for one in left.values())
    return RelinkReport(
        relinked=len(found),
        missing=len(left) - changed,
        changed=changed,
        problems=list(left.values()),
        repaired=len(found),
    )


def _under(rows: Sequence[dict[str, Any]], old: str, new: str) -> list[tuple[dict[str, Any], str]]:
    """Return the rows under the old root, and of each the way from there to the picture."""
    roots = {_root_of(old), Places().of(old).rstrip(os.sep) or os.sep}
    found = [
        (row, rest)
        for row in rows
        if (rest := _rest(row["uri"], roots)) is not None and _rest(row["uri"], {new}) is None
    ]
    if found:
        return found
    # as the dataset has it: relative to a folder that was the current one then
    relative = os.path.normpath(old)
    named = [
        (row, rest)
        for row in rows
        if (rest := _rest(os.path.normpath(row["path"] or ""), {relative})) is not None
        and row["uri"].endswith(rest)
    ]
    meant = sorted({row["uri"][: len(row["uri"]) - len(rest)] for row, rest in named})
    if len(meant) > 1:
        raise UsageError(
            f"{old!r} means several roots in this dataset: {', '.join(meant[:_NAMED])}; "
            "name one by its absolute path"
        )
    if not named:
        known = sorted({row["source"] for row in rows if row["source"]})
        raise InputError(
            f"no picture of the dataset lies under {old!r}; its sources are: "
            + (", ".join(known[:_NAMED]) or "none")
            + (", ..." if len(known) > _NAMED else "")
        )
    return named


def _rest(path: str, roots: set[str]) -> str | None:
    """Return the way from a root to a path, with what separates them; None if it is elsewhere.

    >>> _rest("/d/photos/1.jpg", {"/d/photos"}), _rest("/d/photos2/1.jpg", {"/d/photos"})
    ('/1.jpg', None)
    """
    for root in roots:
        rest = path.removeprefix(root)
        if path.startswith(root) and (rest == "" or rest[0] in "/!" or root == os.sep):
            return rest
    return None


def _root_of(given: str) -> str:
    """Return how uris below a folder, file or address that a user named begin."""
    if is_object_address(given):
        return str(ObjectAddress.parse(given)).rstrip("/")
    # expanduser and abspath keep links as they are
    home = os.path.expanduser(given) if given.startswith("~") else given  # noqa: PTH111
    return os.path.abspath(home)  # noqa: PTH100


def _moved_to(row: Mapping[str, Any], rest: str, new: str, root: str) -> dict[str, Any]:
    """Return a row as it is if its file lies under the new root."""
    spelt = new.rstrip(os.sep) or new
    before = str(row["path"] or "").removesuffix(rest)
    source = str(row["source"] or "")
    below = source.removeprefix(before)
    keeps_way = bool(before) and source.startswith(before) and below[:1] in ("", "/", "!", "*")
    changes = {
        "path": f"{spelt}{rest}",
        "uri": f"{root}{rest}",
        "source": f"{spelt}{below}" if keeps_way else spelt,
    }
    if row["video"] is not None:
        changes["video"] = ImageReference.spelled(changes["uri"]).file
    return {**row, **changes}


def _require_free(
    rows: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], places: Places
) -> None:
    """Refuse two samples of one content at one place, of which nobody could tell which is meant."""
    names = {row["sample_id"] for row in found}
    contents = {row["content_hash"] for row in found}
    there = {
        (row["content_hash"], places.of(row["uri"]))
        for row in rows
        if row["content_hash"] in contents and row["sample_id"] not in names
    }
    doubled = [row for row in found if (row["content_hash"], places.of(row["uri"])) in there]
    if doubled:
        raise UsageError(
            f"{len(doubled)} of these pictures are in the dataset at their new place as well, the "
            f"first {doubled[0]['path']}; take back the add that brought them (tamis undo), or "
            "leave it as it is: verbs prefer the pictures that are there"
        )
