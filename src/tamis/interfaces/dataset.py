"""The Python face: one object whose methods are the verbs of the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.dataset.store import Store
from tamis.interfaces.finding import Finding
from tamis.interfaces.verbs import Verbs
from tamis.interfaces.watching import Watching
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from tamis.dataset.difference import Diff
    from tamis.dataset.history import LogEntry
    from tamis.dataset.orphans import Freed
    from tamis.encoders.base import Encoder
    from tamis.formats.exports import ExportReport
    from tamis.formats.exports.export import Format
    from tamis.services.check import CheckReport
    from tamis.services.encoders.result import EncoderExport
    from tamis.services.relink import RelinkReport
    from tamis.services.split.folds import Fold
    from tamis.types import Progress, Vectors

__all__ = ["Dataset", "encoder", "export_encoder", "open"]

PathLike = str | os.PathLike[str]


def open(path: PathLike, *, create: bool = True, snapshot: int | str | None = None) -> Dataset:  # noqa: A001
    """Open the dataset at `path`, creating an empty one if there is none.

    Args:
        path: the dataset's folder, by custom `NAME.tamis`.
        create: make the dataset if there is none.
        snapshot: read the dataset as it was at this snapshot number or tag, and refuse changes.

    Raises:
        DatasetMissingError: there is no dataset and `create` is false.
        DatasetTooNewError: a later tamis wrote it.
    """
    store = Store.open(Path(path), create=create and snapshot is None, snapshot=snapshot)
    return Dataset(store)


def encoder(spec: str = "default", **options: Any) -> Encoder:
    """Load the encoder that `spec` names, e.g. `bundled:efficientnet-lite0` or `hf:FOLDER`.

    Raises:
        UnknownEncoderError: no encoder has that name.
        MissingExtraError: it needs a package that is not installed.
    """
    from tamis.encoders.registry import load_encoder

    return load_encoder(spec, **options)


def export_encoder(
    spec: str, out: PathLike, pictures: Sequence[PathLike], **options: Any
) -> EncoderExport:
    """Write an encoder that PyTorch runs as a file that needs no PyTorch.

    Vectors of both are compared on the pictures first, and only a file that stands in well enough
    is kept.

    Args:
        spec: the encoder, e.g. `hf:FOLDER`.
        out: a file ending in .onnx or .xml, or a folder.
        pictures: folders, globs, files or archives of pictures such as it will see.
        options: the other fields of `tamis.services.encoders.contract.ExportEncoder`, such as
            `runtime="openvino"`, `precision="int8"`, `min_overlap=.95`.

    Raises:
        MissingExtraError: it needs a package that is not installed.
        UsageError: an option does not fit, or the file exists.
        EncoderError: the encoder cannot be loaded or written.
        InputError: too few pictures can be read.
    """
    from tamis.runtime.workspace import execute
    from tamis.services.encoders.contract import ExportEncoder

    named = [os.fspath(source) for source in pictures]
    return execute(None, ExportEncoder(spec, out=Path(out), pictures=named, **options))


class Dataset(Verbs, Finding, Watching):
    """A dataset on disk and all that can be done with it; made by `tamis.open`.

    Example:
        >>> import tempfile, tamis
        >>> ds = tamis.open(tempfile.mkdtemp() + "/line3.tamis")
        >>> len(ds)
        0
    """

    def __len__(self) -> int:
        return self.store.count()

    def __repr__(self) -> str:
        return f"Dataset({str(self.store.path)!r}, {len(self)} samples)"

    @property
    def path(self) -> Path:
        """Where the dataset lies."""
        return self.store.path

    # -- look ---------------------------------------------------------------------------------

    def vectors(self, encoder: str | None = None, where: str | None = None) -> Vectors:
        """Return the vectors `[N, D]` float32 of the pictures that have one, in dataset order."""
        return self.store.vectors(self.vector_column(encoder), where)[1]

    def table(self, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Return rows as an Arrow table; without `columns` all but thumbnails and vectors."""
        return self.store.read(columns or self.narrow_columns(), where)

    def narrow_columns(self) -> list[str]:
        """Return the names of all columns but thumbnails and vectors."""
        wide = {"thumbnail", *(column.name for column in self.store.vector_columns())}
        return [name for name in self.store.columns() if name not in wide]

    def info(self) -> dict[str, Any]:
        """Return what is in the dataset: counts of samples, failures, labels, splits, vectors."""
        from tamis.services.info import describe

        return describe(self.store)

    def gone(self) -> dict[str, int]:
        """Return how many pictures are `missing`, `changed` or `unreadable` on disk by now.

        Time stamps are believed; `check` reads every file.
        """
        from tamis.dataset.presence import find_gone

        kinds = [one.kind for one in find_gone(self.store)]
        return {kind: kinds.count(kind) for kind in ("missing", "changed", "unreadable")}

    # -- hand over ----------------------------------------------------------------------------

    def export(
        self,
        format: Format,  # noqa: A002 - the verb's own word
        out: PathLike,
        *,
        where: str | None = None,
        **options: Any,
    ) -> ExportReport:
        """Write rows to `out` as `folder`, `csv` or `parquet`; originals are never touched."""
        from tamis.formats.exports import export

        return export(self.store, format, Path(out), where=where, **options)

    def report(self, out: PathLike = "report.html") -> Path:
        """Write one self-contained HTML file about the dataset, and return its path."""
        from tamis.services.report import write_report
        from tamis.services.split.check import audit_if_split

        return write_report(self.store, Path(out), audit=audit_if_split(self.workspace))

    def folds(self) -> list[Fold]:
        """Return the folds that `split(folds=K)` marked: paths to train on, and those held out.

        Raises:
            UsageError: no picture has a fold.
        """
        from tamis.services.split.folds import folds

        return folds(self.store)

    # -- history ------------------------------------------------------------------------------

    def log(self) -> list[LogEntry]:
        """Return every operation, oldest first."""
        return self.store.log()

    def undo(self) -> LogEntry:
        """Take back the last operation and return its entry."""
        return self.store.undo()

    def diff(self, a: int | str, b: int | str) -> Diff:
        """Return what changed between two snapshots or tags."""
        return self.store.diff(a, b)

    def tag(self, name: str) -> None:
        """Name the present snapshot."""
        self.store.tag(name)

    def check(self, *, progress: Progress = no_progress) -> CheckReport:
        """Read the whole dataset and every picture's file; list what is missing or damaged."""
        from tamis.services.check import check

        return check(self.path, progress=progress)

    def relink(
        self, old: PathLike, new: PathLike, *, progress: Progress = no_progress
    ) -> RelinkReport:
        """Follow pictures that were moved from the root `old` to `new`.

        A picture whose file is not there, or holds something else, is left as it is.

        Raises:
            InputError: there is no `new`, or no picture of the dataset was moved there.
            UsageError: `old` means several roots, or pictures are in the dataset at both places.
        """
        from tamis.services.relink import relink

        return relink(self.store, os.fspath(old), os.fspath(new), progress=progress)

    def gc(self) -> Freed:
        """Remove what killed writers left behind, and return what was freed."""
        return self.store.gc()
