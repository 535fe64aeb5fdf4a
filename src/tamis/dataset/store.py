"""The dataset: pictures, vectors and marks in one folder, with every change on record."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.dataset.difference import Diff, compare
from tamis.dataset.history import (
    RETURNS_TO,
    LogEntry,
    check_return,
    check_tag,
    log_entries,
    newest_operation,
    plan_redo,
    plan_undo,
    tags,
)
from tamis.dataset.layout import Layout, check_dataset, create_dataset, remove_drafts
from tamis.dataset.lock import LOCK_TIMEOUT, RunningOperations
from tamis.dataset.log_reading import ASKED, beside_request
from tamis.dataset.operation import Operation
from tamis.dataset.pruning import require_readable
from tamis.dataset.reader import DEFAULT_ENCODER_SETTING, Reader
from tamis.dataset.schema import vector_column_named
from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.state import State
from tamis.dataset.storage_errors import storage_guard
from tamis.dataset.writer import About, Writer
from tamis.errors import ConflictError, DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.orphans import Freed
    from tamis.dataset.snapshots import Snapshot
    from tamis.verbs.request import Request

__all__ = ["Store"]

_UNCHANGED = "unchanged.json"
_MOST_DIGITS = 18


class Store(Reader):
    """A dataset, seen at one snapshot.

    Reading always sees one whole snapshot, whatever other processes do. Changes go through
    `operation`, after which this store sees the new head.

    Use `Store.create` or `Store.open`.

    Example:
        >>> import pyarrow as pa, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = Store.create(Path(folder.name) / "birds.tamis")
        >>> with store.operation("add") as op:
        ...     op.insert(pa.table({"sample_id": ["a", "b"], "width": [640, 800]}))
        Inserted(added=2, known=0)
        >>> with store.operation("label") as op:
        ...     op.set_marks(["b"], {"label": ["owl"]})
        >>> store.read(["sample_id", "label"], where="width > 700").to_pylist()
        [{'sample_id': 'b', 'label': 'owl'}]
        >>> store.undo().verb
        'label'
        >>> folder.cleanup()
    """

    def __init__(
        self,
        path: Path,
        *,
        lock_timeout: float,
        snapshot: int | str | None,
        copy_of: str | None = None,
    ) -> None:
        self._layout = Layout(path)
        self._chain = SnapshotChain(self._layout.log)
        self._writer = Writer(self._layout, lock_timeout)
        self._pinned = snapshot is not None
        self._copy_of = copy_of
        with storage_guard(path, "open"):
            super().__init__(path, State.open(self._layout, self._resolve(snapshot)))

    @classmethod
    def create(cls, path: str | Path, *, lock_timeout: float = LOCK_TIMEOUT) -> Store:
        """Make an empty dataset.

        Raises:
            DatasetError: something lies at `path` already.
            StorageError: the disk refuses.
        """
        create_dataset(Path(path))
        return cls.open(path, lock_timeout=lock_timeout)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = False,
        snapshot: int | str | None = None,
        copy_of: str | None = None,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> Store:
        """Open a dataset.

        Args:
            path: its folder.
            create: make it first if nothing lies there.
            snapshot: the state to see, by number or tag, which can then only be read; None is
                the newest.
            copy_of: the address at an object store that it was fetched from only to be read.
            lock_timeout: seconds to wait for another writer.

        Raises:
            DatasetMissingError: no dataset lies there.
            DatasetTooNewError: a later version of tamis wrote it.
            UsageError: no such snapshot.
            StorageError: the disk refuses.
        """
        path = Path(path)
        if create:
            with suppress(DatasetError):  # something lies there: the check tells whether it serves
                create_dataset(path)
            remove_drafts(path)
        check_dataset(path)
        return cls(path, lock_timeout=lock_timeout, snapshot=snapshot, copy_of=copy_of)

    def refresh(self) -> None:
        """See the newest snapshot from now on; one that was opened by number or tag stays."""
        if not self._pinned:
            with storage_guard(self.path, "open"):
                self._state = State.open(self._layout, self._chain.head(), self._state)

    # Writing

    def operation(
        self,
        verb: str,
        params: Mapping[str, Any] | None = None,
        seed: int | None = None,
        *,
        request: Request[Any] | None = None,
    ) -> Operation:
        """Begin a change, to be used in a `with` block.

        Args:
            verb: its name in the log.
            params: what it found out and later verbs need, as JSON takes it; what the request says
                is not kept twice.
            seed: the seed of its random choices.
            request: what the user asked for; the log can repeat it.

        Raises:
            UsageError: the store was opened at a fixed snapshot, or `params` are no JSON.
        """
        self._require_head()
        kept = dict(params or {})
        if request is not None:
            kept = beside_request(kept, request)
            kept[ASKED] = {"verb": request.verb, "fields": request.given()}
        about = About(verb, kept, seed)
        self.refresh()
        return Operation(about, self._layout, self._writer, self._state, self._moved)

    def undo(self, to: int | None = None) -> LogEntry:
        """Take back the newest operation that stands, or all that came after a snapshot.

        The log keeps both what was done and that it was undone. Undoing again goes one further
        back.

        Args:
            to: take back all operations since this snapshot.

        Returns:
            The log entry of the newest operation that was taken back.

        Raises:
            UsageError: nothing is left to undo, or operations wrote in turns.
            ConflictError: the operation still runs.
        """
        self._require_head()
        with self._writer.locked("undo", self._state) as head:
            snapshots = self._chain.all()
            plan = plan_undo(snapshots, to)
            require_readable(snapshots, plan.target)
            running = RunningOperations(self._layout.running)
            entries = {
                entry.operation: entry for entry in log_entries(snapshots, running.is_running)
            }
            for operation in plan.operations:
                if entries[operation].state == "running":
                    raise ConflictError(
                        f"operation {operation} ({entries[operation].verb}) still runs; stop it or "
                        "wait until it is done, then undo"
                    )
            tables = head.returned(plan.versions)
            about = About(
                "undo",
                {"operations": list(plan.operations)} | ({} if to is None else {"to": to}),
                undone=plan.snapshots,
                settings=plan.settings,
            )
            state = self._writer.name(head, tables, about)
        self._moved(state)
        return entries[plan.operations[-1]]

    def redo(self) -> LogEntry:
        """Bring back what the last undo took back; nothing may have been changed since.

        Returns:
            The log entry of the newest operation that stands again.

        Raises:
            UsageError: there is nothing to redo.
        """
        self._require_head()
        with self._writer.locked("redo", self._state) as head:
            state = self._returned(head, "redo", plan_redo(self._chain.all()))
        self._moved(state)
        return self._newest()

    def checkout(self, name: int | str) -> int:
        """Bring back the state of any snapshot, also of one that was undone; undo takes it back.

        Args:
            name: a snapshot number or a tag.

        Returns:
            The number of that snapshot.

        Raises:
            UsageError: there is no such snapshot, or it is the present state.
            ConflictError: an operation still runs.
        """
        self._require_head()
        to = self._resolve(name).snapshot
        with self._writer.locked("checkout", self._state) as head:
            snapshots = self._chain.all()
            check_return(snapshots, to)
            running = RunningOperations(self._layout.running)
            for entry in log_entries(snapshots, running.is_running):
                if entry.state == "running":
                    raise ConflictError(
                        f"operation {entry.operation} ({entry.verb}) still runs; stop it or wait "
                        "until it is done"
                    )
            state = self._returned(head, "checkout", to)
        self._moved(state)
        return to

    def _returned(self, head: State, verb: str, to: int) -> State:
        """Name a snapshot that has the state of an earlier one."""
        require_readable(self._chain.all(), to)
        meant = self._chain.read(to)
        about = About(verb, {RETURNS_TO: to}, settings=meant.settings)
        return self._writer.name(head, head.returned(meant.after), about)

    def _newest(self) -> LogEntry:
        snapshots = self._chain.all()
        newest = newest_operation(snapshots)
        running = RunningOperations(self._layout.running)
        entries = log_entries(snapshots, running.is_running)
        return next(entry for entry in entries if entry.operation == newest)

    def note_unchanged(self, verb: str) -> None:
        """Remember that a verb that might have changed the dataset did not."""
        note = {"verb": verb, "snapshot": self.snapshot}
        with suppress(OSError):  # a dataset that cannot be written to can still be asked
            self._layout.storage.put(_UNCHANGED, json.dumps(note).encode())

    def unchanged_since(self) -> str | None:
        """Return the last verb, if it might have changed the dataset and did not."""
        if not self._layout.storage.exists(_UNCHANGED):
            return None
        note = json.loads(self._layout.storage.read(_UNCHANGED))
        return str(note["verb"]) if note["snapshot"] == self.snapshot else None

    def tag(self, name: str) -> None:
        """Give the snapshot that this store sees a name, to open or compare it by.

        Raises:
            UsageError: the name is taken or cannot be a tag.
        """
        self._require_own()
        with self._writer.locked("tag", self._state) as head:
            check_tag(name, tags(self._chain.all()))
            about = About("tag", {"name": name, "snapshot": self.snapshot})
            state = self._writer.name(head, head.tables, about)
        if not self._pinned:
            self._moved(state)

    def set_default_encoder(self, column: str) -> None:
        """Let a vector column be the one that is meant where none is named; `undo` takes it back.

        Raises:
            UsageError: no such vector column, or the store was opened at a fixed snapshot.
        """
        self._require_head()
        with self._writer.locked("encoders default", self._state) as head:
            known = vector_column_named(head.samples.schema, column)
            about = About(
                "encoders default",
                {"encoder": known.spec, "column": column},
                settings={**head.snapshot.settings, DEFAULT_ENCODER_SETTING: column},
            )
            state = self._writer.name(head, head.tables, about)
        self._moved(state)

    def gc(self) -> Freed:
        """Remove the files that killed writers left; every snapshot stays readable."""
        remove_drafts(self.path)
        return self._writer.collect()

    def prunable(self, days: float) -> tuple[list[int], Freed]:
        """Return the snapshots that `prune` would let go, and what that would free."""
        return self._writer.prunable(days)

    def prune(self, days: float) -> tuple[list[int], Freed]:
        """Let go of the data of states that were left more than `days` ago; nothing undoes it.

        Tagged states stay, and those that undoing the ten newest operations needs. The log keeps
        all its entries.

        Returns:
            The snapshots, and what was freed.

        Raises:
            UsageError: the store was opened at a fixed snapshot.
            ConflictError: another writer is busy.
            StorageError: the disk refuses.
        """
        self._require_head()
        gone, freed, state = self._writer.prune(days)
        self._moved(state)
        return gone, freed

    def _require_own(self) -> None:
        if self._copy_of is not None:
            name = self._copy_of.rstrip("/").rpartition("/")[2] or "dataset.tamis"
            raise UsageError(
                f"{self._copy_of} is read where it lies; to change it, bring it here with  tamis "
                f"pull {self._copy_of} -d {name}  and back with  tamis push {self._copy_of}"
            )

    def _require_head(self) -> None:
        self._require_own()
        if self._pinned:
            raise UsageError(
                f"{self.path} was opened at snapshot {self.snapshot}, which can only be read; open "
                "it without a snapshot to change it"
            )

    def _moved(self, state: State) -> None:
        self._state = state

    # History

    def log(self) -> list[LogEntry]:
        """Every operation, newest last."""
        with storage_guard(self.path, "read"):
            running = RunningOperations(self._layout.running)
            return log_entries(self._chain.all(), running.is_running)

    def diff(self, a: int | str, b: int | str | None = None) -> Diff:
        """What changed in the samples from snapshot `a` to `b`, each a number or tag.

        Args:
            a: the earlier state.
            b: the later state; None is the newest.

        Raises:
            UsageError: no such snapshot.
        """
        with storage_guard(self.path, "read"):
            earlier = State.open(self._layout, self._resolve(a))
            later = State.open(self._layout, self._resolve(b))
            return compare(earlier.samples, later.samples)

    def _resolve(self, name: int | str | None) -> Snapshot:
        if name is None:
            return self._chain.head()
        meant = self._named(name)
        require_readable(self._chain.all(), meant.snapshot)
        return meant

    def _named(self, name: int | str) -> Snapshot:
        if isinstance(name, int) or (name.isdecimal() and len(name) <= _MOST_DIGITS):
            return self._chain.read(int(name))
        known = tags(self._chain.all())
        if name not in known:
            there = ", ".join(known) or "none"
            raise UsageError(
                f"there is no tag {name!r:.100} in {self._layout.root}; there are: {there}"
            )
        return self._chain.read(known[name])
