"""How changes become snapshots: one writer at a time, all tables in one step."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from tamis.dataset.checksums import sums_of
from tamis.dataset.durability import sync_new_files, sync_tree
from tamis.dataset.layout import PRUNED_SINCE, WRITER_LOCK, require_format
from tamis.dataset.lock import LOCK_TIMEOUT, writer_lock
from tamis.dataset.orphans import (
    Freed,
    drop_steps,
    remove_orphans,
    roll_back,
    size_of_pruned,
)
from tamis.dataset.pruning import PRUNED, as_ranges, to_prune
from tamis.dataset.snapshots import Snapshot, SnapshotChain
from tamis.dataset.state import State
from tamis.dataset.storage_errors import LANCE_ERRORS, is_panic, storage_guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tamis.dataset.fragments import TableVersion
    from tamis.dataset.layout import Layout

__all__ = ["About", "Writer"]


@dataclass(frozen=True)
class About:
    """What a snapshot says of its operation; `Snapshot` explains the fields.

    `operation` is None at an operation's first snapshot, whose number becomes the operation's.
    `settings` are None where they stay as they are.
    """

    verb: str
    params: Mapping[str, Any]
    seed: int | None = None
    counts: Mapping[str, Any] | None = None
    state: Literal["running", "done"] = "done"
    operation: int | None = None
    undone: tuple[int, ...] = ()
    settings: Mapping[str, str] | None = None


class Writer:
    """Makes snapshots of a dataset.

    Args:
        layout: the dataset.
        timeout: seconds to wait for another writer.
    """

    def __init__(self, layout: Layout, timeout: float = LOCK_TIMEOUT) -> None:
        self._layout = layout
        self._timeout = timeout
        self._chain = SnapshotChain(layout.log)

    @contextmanager
    def locked(self, doing: str, last: State | None = None) -> Iterator[State]:
        """Hold the writer lock at the head, with what a killed writer had begun taken back.

        If the body fails, what it wrote is removed.

        Args:
            doing: the verb, told to writers that wait.
            last: a state whose opened tables may be reused.

        Raises:
            ConflictError: another writer is busy.
            StorageError: the disk refuses.
        """
        with (
            storage_guard(self._layout.root, "write"),
            writer_lock(self._layout.storage, WRITER_LOCK, doing, timeout=self._timeout),
        ):
            head = State.open(self._layout, self._chain.head(), last)
            for table in head.tables.values():
                roll_back(table)
            try:
                yield head
            except BaseException as error:
                self._clean_up_after(error)
                raise

    def _clean_up_after(self, error: BaseException) -> None:
        """Give the space back at once: on a full disk it is what the user needs."""
        try:
            remove_orphans(self._layout, self._chain.all())
        except BaseException as second:
            if not isinstance(second, LANCE_ERRORS) and not is_panic(second):
                raise
            error.add_note(f"removing what was half-written failed too: {second}")

    def name(self, head: State, tables: Mapping[str, TableVersion], about: About) -> State:
        """Make the snapshot that names the versions of `tables`; only then are they visible.

        The caller holds the lock and `head` is what it locked.
        """
        number = head.snapshot.snapshot + 1
        snapshot = Snapshot(
            snapshot=number,
            operation=about.operation or number,
            verb=about.verb,
            params=about.params,
            seed=about.seed,
            counts=about.counts or {},
            state=about.state,
            before=head.snapshot.after,
            after={name: table.version for name, table in tables.items()},
            undone=about.undone,
            settings=head.snapshot.settings if about.settings is None else about.settings,
        )
        before = head.tables
        written = []
        for name, table in tables.items():
            if name in before:
                written += sync_new_files(before[name], table)
            else:  # this snapshot is the first to name it
                written += sync_tree(table.path)
        sums = sums_of(self._layout.root, written)
        self._layout.checksums.record(number, {**sums, **self._chain.sum_of(snapshot)})
        self._chain.append(snapshot)
        for name, table in tables.items():
            drop_steps(before.get(name), table)
        return State.open(self._layout, snapshot, head)

    def collect(self) -> Freed:
        """Remove every file that no snapshot needs."""
        with self.locked("gc"):
            return remove_orphans(self._layout, self._chain.all())

    def prunable(self, days: float) -> tuple[list[int], Freed]:
        """Return the snapshots that `prune` would let go, and what that would free."""
        with self.locked("prune"):
            snapshots = self._chain.all()
            gone = to_prune(snapshots, days, datetime.now(UTC))
            return gone, size_of_pruned(self._layout, snapshots, gone)

    def prune(self, days: float) -> tuple[list[int], Freed, State]:
        """Let go of the data of old states; first the log says so, then files are removed.

        Args:
            days: how long states are kept, see `tamis.dataset.pruning.to_prune`.

        Returns:
            The snapshots, what was freed, and the new head, or the old one if nothing was to go.
        """
        with self.locked("prune") as head:
            gone = to_prune(self._chain.all(), days, datetime.now(UTC))
            state = head
            if gone:
                require_format(self._layout, PRUNED_SINCE)
                about = About("prune", {"days": days, PRUNED: as_ranges(gone)})
                state = self.name(head, head.tables, about)
            return gone, remove_orphans(self._layout, self._chain.all()), state
