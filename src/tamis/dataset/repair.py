"""Mend what a dataset can mend of itself, as one operation that `undo` takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.checksums import sums_of
from tamis.dataset.consistency import find_disagreements
from tamis.dataset.layout import CHECKSUMS, Layout
from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.storage_errors import storage_guard
from tamis.dataset.wholeness import changed_files, named_files
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.verbs.request import Request

__all__ = ["record_missing", "repair"]


def repair(store: Store, request: Request[object] | None = None) -> list[str]:
    """Mend a dataset, and say what was done.

    Vectors that are not finite, not of length 1, or in a file whose bits have flipped are cleared,
    so that the next embedding computes them. Annotations of samples that are not there go; of those
    that are there twice, the first stays. An index that cannot be used is built anew. All of that
    is one operation. Besides, what killed writers left goes.

    Args:
        store: the dataset.
        request: what the user asked for, for the log.

    Raises:
        ConflictError: another writer was in the way.
        StorageError: the disk refuses.
    """
    done = []
    freed = store.gc()
    if freed.files:
        done.append(f"{counted(freed.files, 'file')} of killed writers removed")
    wrong = find_disagreements(store)
    cleared = _suspect_vectors(store)
    for one in wrong:
        if one.kind == "vectors":
            cleared.setdefault(one.part, set()).update(one.ids)
    lost = [name for one in wrong if one.kind == "annotations" for name in one.ids]
    indexes = sorted({one.part for one in wrong if one.kind == "index"})
    if cleared or lost or indexes:
        with store.operation("check", request=request) as operation:
            done += [*_clear(operation, cleared), *_annotations(store, operation, lost)]
            for column in indexes:
                operation.index_vectors(column)
                done.append(f"the index of {column} was built anew")
            operation.counts |= {
                "cleared": sum(map(len, cleared.values())),
                "annotations_mended": len(lost),
            }
    new = record_missing(store)
    if new:
        done.append(f"checksums kept of {counted(new, 'file')} that had none")
    return done


def _clear(operation: Operation, cleared: Mapping[str, set[str]]) -> list[str]:
    for column, ids in cleared.items():
        operation.clear_vectors(column, sorted(ids))
    return [
        f"{counted(len(ids), 'vector')} of {column} cleared; tamis embed computes them anew"
        for column, ids in cleared.items()
    ]


def _annotations(store: Store, operation: Operation, lost: list[str]) -> list[str]:
    if not lost:
        return []
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in dict.fromkeys(lost))
    condition = f"annotation_id IN ({quoted})"
    rows = store.annotations(where=condition)
    there = set(store.read(["sample_id"]).column("sample_id").to_pylist())
    kept: dict[str, int] = {}
    samples = rows.column("sample_id").to_pylist()
    for row, name in enumerate(rows.column("annotation_id").to_pylist()):
        if samples[row] in there:
            kept.setdefault(name, row)
    operation.remove_annotations_meeting(condition)
    if kept:
        operation.add_annotations(rows.take(list(kept.values())))
    return [f"{counted(rows.num_rows - len(kept), 'annotation')} of no sample or doubled removed"]


def _suspect_vectors(store: Store) -> dict[str, set[str]]:
    """Return the samples whose vector lies in a file that is not what was written, by column."""
    layout = Layout(store.path)
    with storage_guard(store.path, "read"):
        head = SnapshotChain(layout.log).head()
        changed = set(changed_files(layout, [head]))
    table = layout.table("samples").relative_to(layout.root).as_posix()
    found: dict[str, set[str]] = {}
    for column in store.vector_columns():
        for fragment, file in store.data_files()[column.name]:
            if file is not None and f"{table}/data/{file}" in changed:
                ids = store.fragment_ids(fragment)
                found.setdefault(column.name, set()).update(ids)
    return found


def record_missing(store: Store) -> int:
    """Keep the checksums of files that have none, from a version of tamis that kept none.

    Returns:
        How many.
    """
    layout = Layout(store.path)
    with storage_guard(store.path, "write"):
        chain = SnapshotChain(layout.log)
        sums, damaged = layout.checksums.known()
        for place in damaged:
            layout.storage.remove(f"{CHECKSUMS}/{place.rpartition('/')[2]}")
        everything = named_files(layout, chain.all())
        files = [file for file in everything if file not in sums]
        if not files:
            return 0
        there = [layout.root / file for file in files]
        kept = {file: told for file, told in sums.items() if file in set(everything)}
        new = sums_of(layout.root, [file for file in there if file.is_file()])
        layout.checksums.record(0, {**kept, **new})
    return len(files)
